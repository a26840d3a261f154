import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { Config } from '../shared/schema/config.ts';
import { Failure } from '../shared/schema/failure.ts';
import { type ControlPlane, startControlPlane } from './control-plane.ts';
import { demo } from './demo.ts';
import { enforcedDemo, openDemoHosts } from './enforced/demo.ts';
import { jsonLog } from './log.ts';

const HELP = `Microseg, the whole control plane in one process.

Usage: npm start -- [options]

  --port <port>    port to listen on (default 8080)
  --host <address> address to listen on (default 127.0.0.1)
  --data <folder>  data directory (default .microseg/; with --demo one of its own, which is removed at the end)
  --url <url>      public URL, where it is not http://<host>:<port>
  --tenant <id>    tenant into which AWS Control Tower's accounts are onboarded
  --private-issuer <origin>
                   identity provider without a public address, such as http://127.0.0.1:8081; may be repeated
  --pc-issuer <url>
                   OpenID Connect issuer of the cloud console's users
  --releases <folder>
                   files of agents' releases, which apoctl enforcer release publishes
  --activity-days <days>
                   keeps entries of the activity log for so long (default 400; 0: for ever)
  --rotate-token-keys
                   has the next key sign tokens; those of today's key stay good for a day, and twice in a row ends them
  --demo           plays a tenant through the real paths and shows what is allowed
  --enforce        with --demo, as root on Linux: brings up hosts in network namespaces with real agents, and shows who may
                   talk to whom as wanted, as evaluated and as seen on the wire
  --verbose        logs every step, not only warnings
  --help           prints this text
`;

const OPTIONS = {
  port: { type: 'string', default: '8080' },
  host: { type: 'string', default: '127.0.0.1' },
  data: { type: 'string' },
  url: { type: 'string' },
  tenant: { type: 'string' },
  'private-issuer': { type: 'string', multiple: true },
  'pc-issuer': { type: 'string', default: '' },
  releases: { type: 'string' },
  'activity-days': { type: 'string' },
  'rotate-token-keys': { type: 'boolean', default: false },
  demo: { type: 'boolean', default: false },
  enforce: { type: 'boolean', default: false },
  verbose: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const;

const say = (text: string): void => void process.stdout.write(`${text}\n`);

function read(argv: string[]) {
  try {
    return parseArgs({ args: argv, options: OPTIONS, strict: true }).values;
  } catch (error) {
    const hint = 'Options stand behind --, as in npm start -- --port 8081.';
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${hint}\n\n${HELP}`);
    process.exit(2);
  }
}

function portOf(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  process.stderr.write(`--port is \`${text}\`; give a number from 0 to 65535\n`);
  process.exit(2);
}

function daysOf(text: string | undefined): number {
  const days = Config.shape.ACTIVITY_DAYS.safeParse(text);
  if (days.success) return days.data;
  process.stderr.write(`--activity-days is \`${text}\`; give a whole number of days, 0 for ever\n`);
  process.exit(2);
}

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

function greet({ url, administrator, root }: ControlPlane, plays: boolean, goes: boolean): void {
  say(`Microseg listens on ${url}

  credential of the administrator of /   ${administrator}
  root of trust for enforcers            ${root}
  API reference                          ${url}/docs
  App Dependency Map                     ${url}/map
${goes ? `\nAll of it is in ${dirname(administrator)}, which is removed at the end; keep it with --data.\n` : ''}`);
  if (plays) return;
  say(`Try next, in another terminal:

  export APOCTL_CREDS=${administrator}
  npx apoctl api create cloudaccount -n / -k name aws-dev -k accountID 826088932159 -k provider aws -k prismaID 826920578209172635
  npx apoctl api list namespaces -n /826920578209172635 -r
`);
}

/** What the system itself refuses, such as a folder that may not be written; its words name the path or the address. */
const refusedBySystem = (error: unknown): error is NodeJS.ErrnoException =>
  error instanceof Error && 'syscall' in error && 'code' in error;

/** With a command that can be typed: `npm start` takes options behind `--`. */
function portTaken(port: number): string {
  const words = process.argv
    .slice(2)
    .filter((word, at, all) => !/^--port/.test(word) && all[at - 1] !== '--port');
  const another = ['npm start --', ...words, '--port', port < 65_535 ? port + 1 : 0].join(' ');
  return `port ${port} is in use: stop what listens there, such as another npm start, or choose another: ${another}`;
}

/** Says why a start failed, in one line where it was refused on purpose or by the system. */
function refuse(error: unknown): never {
  const taken = refusedBySystem(error) && error.code === 'EADDRINUSE' && 'port' in error;
  const text = taken
    ? portTaken(Number(error.port))
    : error instanceof Failure || refusedBySystem(error)
      ? error.message
      : undefined;
  process.stderr.write(`microseg: ${text ?? (error instanceof Error ? error.stack : String(error))}\n`);
  process.exit(1);
}

const values = read(process.argv.slice(2));
if (values.help) {
  say(HELP);
} else if (values.enforce && !values.demo) {
  process.stderr.write(
    '--enforce enforces the demo; give --demo --enforce. Hosts run prisma-enforcer: docs/enforcer.md\n',
  );
  process.exitCode = 2;
} else {
  await serve(values);
}

/** A demo is played with nothing there, again and again, and leaves what is in the usual folder alone. */
async function folderFor(plays: boolean): Promise<string> {
  return plays ? mkdtemp(join(tmpdir(), 'microseg-demo-')) : '.microseg';
}

async function serve({ url, tenant, demo: plays, enforce, ...more }: typeof values): Promise<void> {
  const log = jsonLog(more.verbose ? 'INFO' : 'WARN');
  // Until there is something to end in order: what was made so far goes with the process.
  const early = (): never => process.exit(130);
  // Handlers stay: without one, the next signal would end the process in the middle of tidying up.
  for (const signal of SIGNALS) process.on(signal, early);
  const hosts = plays && enforce ? await openDemoHosts().catch(refuse) : undefined;
  const data = more.data ?? (await folderFor(plays));
  // Made for this run, and with an administrator's credential in it.
  const goes = plays && data !== more.data;
  if (goes) process.once('exit', () => rmSync(data, { recursive: true, force: true }));
  const plane = await startControlPlane({
    data,
    // Hosts have no way to loopback.
    host: hosts && more.host === OPTIONS.host.default ? hosts.address : more.host,
    port: portOf(more.port),
    log,
    ...(url === undefined ? {} : { url }),
    ...(tenant === undefined ? {} : { defaultTenant: tenant }),
    privateIssuers: more['private-issuer'] ?? [],
    activityDays: daysOf(more['activity-days']),
    issuers: { pcIssuer: more['pc-issuer'] },
    ...(more.releases === undefined ? {} : { releases: more.releases }),
    rotateTokenKeys: more['rotate-token-keys'],
  }).catch(refuse);
  const end = async (): Promise<void> => {
    await hosts?.close();
    await plane.stop();
  };
  let ending = false;
  const stop = (): void => {
    if (ending) process.exit(130);
    ending = true;
    end().then(() => process.exit(0), refuse);
  };
  for (const signal of SIGNALS) process.off(signal, early).on(signal, stop);
  greet(plane, plays, goes);
  const playing = hosts ? enforcedDemo(plane, hosts, { data, say }) : plays ? demo(plane, say) : undefined;
  await playing?.catch(async error => {
    if (hosts) await end();
    refuse(error);
  });
}
