import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { createClient, credentialToken } from '../../shared/api/client.ts';
import { Credential } from '../../shared/schema/appcredential.ts';
import { BundlePoller } from './poll.ts';
import { register, report } from './register.ts';

const HELP = `Polls the signed policy bundle of a namespace, as an enforcer does, and says what it verified.
It enforces nothing yet.

Usage: npm run enforcer -- --creds <file> --root <file> --namespace <path> [options]

  --creds <file>       app credential with the role enforcer, or an administrator's
  --root <file>        root of trust that comes with the installation, <data>/root.json of the control plane
  --namespace <path>   the enforcer's namespace
  --name <name>        name of the enforcer (default: this host's name)
  --interval <s>       seconds between two polls (default 1)
  --once               ends after the first verified bundle
  --help               prints this text
`;

const say = (text: string): void => void process.stdout.write(`${text}\n`);

const { values } = parseArgs({
  options: {
    creds: { type: 'string', default: process.env.PRISMA_ENFORCER_CREDS ?? '' },
    root: { type: 'string', default: process.env.PRISMA_ENFORCER_ROOT ?? '' },
    namespace: { type: 'string', default: process.env.PRISMA_ENFORCER_NAMESPACE ?? '' },
    name: { type: 'string', default: hostname() },
    interval: { type: 'string', default: '1' },
    once: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

async function run(): Promise<void> {
  const credential = Credential.parse(JSON.parse(await readFile(values.creds, 'utf8')));
  const client = createClient({
    api: credential.APIURL,
    token: credentialToken(credential, { now: Date.now, randomBytes }),
  });
  const enforcer = await register(client, values.namespace, { name: values.name, machineID: values.name });
  say(`enforcer ${enforcer.name} (${enforcer.ID}) polls the bundle of ${enforcer.namespace}`);
  const poller = new BundlePoller({
    state: { root: await readFile(values.root) },
    now: () => new Date(),
    credentials: async () => {
      const { namespace, ID: id } = enforcer;
      return (await client.call('createEnforcerCredentials', { namespace, params: { id } })).body;
    },
  });
  let revision = 0;
  for (let failures = 0; ; ) {
    try {
      const verified = await pollOnce(poller);
      failures = 0;
      if (verified !== undefined) {
        revision = verified;
        await report(client, enforcer, { revision, state: 'applied', reason: '', digest: '' });
        if (values.once) return;
      }
    } catch (error) {
      failures++;
      const held = revision > 0 ? `still on revision ${revision}` : 'no bundle yet';
      if (failures === 1) say(`${messageOf(error)}; ${held}, trying again`);
    }
    // Longer after every failure, and with jitter, so that many hosts do not come back together.
    const seconds = Math.min(LONGEST_WAIT, Number(values.interval) * 2 ** Math.min(failures, 10));
    await sleep(seconds * 1000 * (0.8 + 0.4 * Math.random()));
  }
}

/** The revision of a bundle that is new and good; undefined when there is none. */
async function pollOnce(poller: BundlePoller): Promise<number | undefined> {
  const polled = await poller.poll();
  if (polled.outcome === 'unchanged') return undefined;
  if (!polled.result.ok) {
    if (polled.result.reason !== 'missing') {
      say(`refused a bundle: ${polled.result.reason}: ${polled.result.detail}`);
    }
    return undefined;
  }
  const { binding, payloads, revision } = polled.result;
  const { rulesets, externalNetworks } = payloads['policy.json'];
  const peers = payloads['peers.json'].identities.length;
  const counts = `rulesets: ${rulesets.length}, external networks: ${externalNetworks.length}, peers: ${peers}`;
  say(`verified revision ${revision} of ${binding.namespace} (${counts})`);
  return revision;
}

/** Seconds between two polls after many failures. */
const LONGEST_WAIT = 60;

/** The sockets' own words are in the cause. */
const messageOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
};

if (values.help || !values.creds || !values.root || !values.namespace) {
  say(HELP);
  process.exitCode = values.help ? 0 : 2;
} else {
  await run().catch(error => {
    process.stderr.write(`error: ${messageOf(error)}\n`);
    process.exitCode = 1;
  });
}
