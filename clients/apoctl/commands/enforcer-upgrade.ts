import { type Command, Option } from 'commander';
import type { ShownHost, ShownUpgrade, UpgradeStatus } from '../../../shared/api/client.ts';
import { fail } from '../../../shared/schema/failure.ts';
import { ObjectId } from '../../../shared/schema/ids.ts';
import { printableJson } from '../../terminal.ts';
import type { Io } from '../io.ts';
import * as options from '../options.ts';
import { type Session, sessionOf } from '../session.ts';
import { type SpecOptions, specOf, withSpec } from '../upgrade-spec.ts';
import { hasEnded, hostsTable, lineOf, planText, statusText } from '../upgrade-view.ts';
import { watch } from '../upgrade-watch.ts';

type Format = 'table' | 'json';

interface StartOptions extends SpecOptions {
  output: Format;
  dryRun?: boolean;
  watch?: boolean;
}

interface StatusOptions {
  output: Format;
  watch?: boolean;
  hosts?: boolean;
}

const CODES = `
Exit codes: 0 it has succeeded, or is under way; 1 it was refused, or ended without success; 2 wrong usage.
`;

const START_EXAMPLES = `${CODES}
Examples:
  $ apoctl enforcer upgrade start -n /acme --dry-run
  $ apoctl enforcer upgrade start -n /acme --target-version 2.1.0 --canary 2 --waves 4 --soak 10m --watch
  $ apoctl enforcer upgrade start -n /acme --selector '$identity=enforcer env=test' \\
      --probe db=pass:tcp/5432@10.0.0.7 --probe web=fail:tcp/80@10.0.0.9
`;

const STATUS_EXAMPLES = `${CODES}
Examples:
  $ apoctl enforcer upgrade status -n /acme
  $ apoctl enforcer upgrade status nightly -n /acme --watch
  $ apoctl enforcer upgrade status nightly -n /acme --hosts -o json
`;

const FORMAT = () => new Option('-o, --output <format>').choices(['table', 'json']).default('table');

/** Commands about upgrades of many agents. */
export function addUpgrade(enforcer: Command, io: Io): void {
  const upgrade = options.withGlobals(
    enforcer
      .command('upgrade')
      .description('Uninstall the agents of many hosts and install another version, wave by wave'),
  );
  addStart(upgrade, io);
  addStatus(upgrade, io);
  const commands = [
    ['pause', 'pauseEnforcerUpgrade', 'Let the wave that runs come to its end, and wait before the next one'],
    ['resume', 'resumeEnforcerUpgrade', 'Go on with a paused upgrade'],
    ['abort', 'abortEnforcerUpgrade', 'End an upgrade: hosts that have begun finish, others are left alone'],
  ] as const;
  for (const [name, operation, description] of commands) {
    const command = upgrade
      .command(name)
      .description(description)
      .argument('<id or name>', 'the ID, or the name where only one upgrade has it')
      .action((which: string, _: object, self: Command) => ask(io, operation, which, options.flagsOf(self)));
    options.withGlobals(command);
  }
}

function addStart(upgrade: Command, io: Io): void {
  const command = upgrade
    .command('start')
    .description('Begin to upgrade the enforcers of a namespace, and print the ID of the upgrade');
  withSpec(command)
    .option('--dry-run', 'print what would be done, and begin nothing')
    .option('-w, --watch', 'show how it goes, until it has ended')
    .addOption(FORMAT())
    .addHelpText('after', START_EXAMPLES)
    .action((said: StartOptions, self: Command) => start(io, said, options.flagsOf(self)));
  options.withGlobals(command);
}

function addStatus(upgrade: Command, io: Io): void {
  const command = upgrade
    .command('status')
    .description('Show where an upgrade stands: its waves, its hosts, how long it takes, and what failed')
    .argument('[id or name]', 'the ID, or the name where only one upgrade has it; none: the last one')
    .option('-w, --watch', 'go on until it has ended: over and over on a screen, else a line for each change')
    .option('--hosts', 'every host, instead of those that are under way or failed')
    .addOption(FORMAT())
    .addHelpText('after', STATUS_EXAMPLES)
    .action((which: string | undefined, said: StatusOptions, self: Command) =>
      status(io, which, said, options.flagsOf(self)),
    );
  options.withGlobals(command);
}

async function start(io: Io, said: StartOptions, flags: options.Flags): Promise<void> {
  if (said.dryRun && said.watch) throw fail('bad_request', 'a dry run begins nothing that could be watched');
  const body = await specOf(io, said);
  const session = await sessionOf(io, flags);
  const { client, namespace, warn } = session;
  const query = said.dryRun ? { query: { dryRun: true } } : {};
  const answer = await client.call('createEnforcerUpgrade', { namespace, body, ...query });
  warn(answer.messages);
  if (said.watch) return watched(io, session, answer.body.ID, said.output);
  if (said.output === 'json') return io.out(`${printableJson(answer.body, 2)}\n`);
  io.out(said.dryRun ? planText(answer.body) : `${answer.body.ID}\n`);
}

/** The upgrade that is named, or the last that was begun in the namespace. */
async function idOf({ client, namespace }: Session, which: string | undefined): Promise<string> {
  if (which !== undefined && ObjectId.safeParse(which).success) return which;
  const { body } = await client.call('listEnforcerUpgrades', { namespace });
  const ids = body.filter(({ name }) => which === undefined || name === which).map(({ ID }) => ID);
  const last = ids.sort().at(-1);
  if (last === undefined) {
    const named = which === undefined ? 'no upgrade was begun' : `no upgrade \`${which}\``;
    throw fail('not_found', `${named} in ${namespace}`);
  }
  if (which === undefined || ids.length === 1) return last;
  throw fail(
    'duplicate',
    `${ids.length} upgrades in ${namespace} are named \`${which}\`: say which ID of ${ids.join(', ')}`,
  );
}

async function look({ client, namespace }: Session, id: string): Promise<UpgradeStatus> {
  return (await client.call('getEnforcerUpgrade', { namespace, params: { id } })).body;
}

async function hostsOf({ client, namespace }: Session, id: string): Promise<ShownHost[]> {
  const hosts: ShownHost[] = [];
  for (let after: string | undefined; ; ) {
    const query = { limit: 1000, ...(after === undefined ? {} : { after }) };
    const answer = await client.call('listUpgradeHosts', { namespace, params: { id }, query });
    hosts.push(...answer.body);
    if (answer.next === undefined) return hosts;
    after = answer.next;
  }
}

/** Whoever asks how it ended is told by the exit code too. */
function judge(upgrade: ShownUpgrade): void {
  if (!hasEnded(upgrade) || upgrade.status === 'Succeeded') return;
  throw fail('conflict', lineOf(upgrade));
}

async function watched(io: Io, session: Session, id: string, format: Format): Promise<void> {
  judge(await watch(io, () => look(session, id), format));
}

async function status(
  io: Io,
  which: string | undefined,
  said: StatusOptions,
  flags: options.Flags,
): Promise<void> {
  if (said.watch && said.hosts)
    throw fail('bad_request', '--watch shows the hosts that are under way; leave out --hosts');
  const session = await sessionOf(io, flags);
  const id = await idOf(session, which);
  if (said.watch) return watched(io, session, id, said.output);
  const upgrade = await look(session, id);
  const shown = said.hosts ? await hostsOf(session, id) : upgrade;
  if (said.output === 'json') io.out(`${printableJson(shown, 2)}\n`);
  else io.out(Array.isArray(shown) ? hostsTable(shown) : statusText(shown));
  judge(upgrade);
}

async function ask(
  io: Io,
  operation: 'pauseEnforcerUpgrade' | 'resumeEnforcerUpgrade' | 'abortEnforcerUpgrade',
  which: string,
  flags: options.Flags,
): Promise<void> {
  const session = await sessionOf(io, flags);
  const { client, namespace, warn } = session;
  const { body, messages } = await client.call(operation, {
    namespace,
    params: { id: await idOf(session, which) },
  });
  warn(messages);
  io.out(`${lineOf(body)}\n`);
}
