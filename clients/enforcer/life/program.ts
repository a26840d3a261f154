import { Command, Option } from 'commander';
import { fail } from '../../../shared/schema/failure.ts';
import { BEFORE_POLICY, type BeforePolicy } from '../agent/undecided.ts';
import type { Clock } from '../clock.ts';
import { begin } from '../runner/begin.ts';
import { fetchOrder } from '../runner/fetch.ts';
import { work } from '../runner/work.ts';
import { VERSION } from '../version.ts';
import { boot } from './boot.ts';
import { explain } from './explain.ts';
import { type InstallFlags, install } from './install.ts';
import type { Proxies } from './proxies.ts';
import { reconcile } from './reconcile.ts';
import { rules } from './rules.ts';
import { run as runAgent } from './run.ts';
import { beforePolicyOption, each, runCommand, stateOption } from './run-options.ts';
import { type RunFlags, settingsOf } from './settings.ts';
import { printStatus } from './show.ts';
import { uninstall } from './uninstall.ts';

/** Everything that the program has from outside. main.ts fills it from the process, tests from memory. */
export interface Io {
  out: (text: string) => void;
  err: (text: string) => void;
  columns: number;
  isRoot: boolean;
  clock: Clock;
  /** Ends what runs. */
  signal: AbortSignal;
  onHangup: (look: () => void) => void;
  /** Absent: the environment names none. */
  proxies?: Proxies;
  /** How this program is started: what a unit file and a wrapper start. */
  self: readonly string[];
}

/** `run` is what happens when nothing else is said. */
function addRun(program: Command, io: Io): void {
  const run = runCommand()
    .copyInheritedSettings(program)
    .action(async (flags: RunFlags) => runAgent(await settingsOf(flags, io.isRoot), io, io.signal));
  program.addCommand(run, { isDefault: true });
}

function addLooking(program: Command, io: Io): void {
  program
    .command('status')
    .description('Tells what holds on this host: revision, digest, age, and what goes wrong.')
    .addOption(stateOption())
    .option('--json', 'as JSON', false)
    .option(
      '--check',
      'fail, for monitoring, unless an agent runs, its policy holds, and nothing is wrong',
      false,
    )
    .action((flags: { state: string; json: boolean; check: boolean }) => printStatus(flags, io));
  program
    .command('explain')
    .description('Decides a flow by the policy on this host, without any network, and says which rule did.')
    .argument('<source>', 'address, or name of a processing unit of this host')
    .argument('<destination>', 'the same')
    .argument('<traffic>', 'tcp/443, udp/53, icmp/8/0, gre')
    .addOption(stateOption())
    .option('--json', 'as JSON', false)
    .action((source: string, destination: string, traffic: string, flags: { state: string; json: boolean }) =>
      explain({ source, destination, traffic, folder: flags.state, json: flags.json }, io),
    );
}

const RULES_HELP = `
Since the rules were loaded: of what is allowed the first packet of each flow counts, of what is rejected each packet. Rules that
decided nothing are left out, and so are those that log nothing.
`;

function addRules(program: Command, io: Io): void {
  program
    .command('rules')
    .description('Tells how often each rule allowed or rejected something on this host.')
    .addOption(stateOption())
    .option('--json', 'as JSON', false)
    .addHelpText('after', RULES_HELP)
    .action((flags: { state: string; json: boolean }) => rules(flags, io));
}

function addMending(program: Command, io: Io): void {
  program
    .command('reconcile')
    .description(
      'Compares the kernel with the policy that holds, and mends it: through the agent if one runs.',
    )
    .addOption(stateOption())
    .action((flags: { state: string }) => reconcile(flags.state, io));
  program
    .command('boot')
    .description('Enforces the last verified policy from disk, before the network is up; for the boot unit.')
    .addOption(stateOption())
    .addOption(beforePolicyOption())
    .action((flags: { state: string; beforePolicy: BeforePolicy }) => boot(flags, io));
}

const EXIT_HELP = `
Exit codes: 0 done, 1 refused or failed, 2 wrong usage.
Without a command: run. What goes wrong, and what to do then: docs/enforcer.md.
`;

const INSTALL_HELP = `
What it writes is listed in <home>/installed.json, and uninstall removes exactly that. The service is started where
systemd runs and the prefix is /.
`;

function addInstalling(program: Command, io: Io): void {
  program
    .command('install')
    .description('Installs the agent as a service that starts with the host.')
    .addOption(new Option('-A, --api <url>', 'URL of the control plane').env('ENFORCERD_API'))
    .requiredOption('-n, --namespace <path>', "the enforcer's namespace")
    .requiredOption('--root <file>', 'root of trust of the installation')
    .option('--creds <file>', 'app credential with the role enforcer')
    .addOption(new Option('--token <token>', 'install token').env('ENFORCERD_TOKEN'))
    .option('--tag <key=value>', 'tag of this host; repeatable', each, [])
    .option('--opts <flags>', 'more options of run', '')
    .addOption(
      new Option('--before-policy <what>', 'what passes until a policy was verified; as of run').choices(
        BEFORE_POLICY,
      ),
    )
    .option('--prefix <folder>', 'where the root of the system is', '/')
    .option('--no-start', 'do not start the service')
    .addHelpText('after', INSTALL_HELP)
    .action((flags: InstallFlags) => install(flags, io));
  program
    .command('uninstall')
    .description(
      'Ends the agent and takes its rules, settings and files away, so that the host is as before.',
    )
    .option('--prefix <folder>', 'where the root of the system is', '/')
    .action((flags: { prefix: string }) => uninstall(flags.prefix, io));
}

const prefixOption = (): Option =>
  new Option('--prefix <folder>', 'where the root of the system is').default('/');

const onlyRoot = ({ isRoot }: Io): void => {
  if (!isRoot) throw fail('forbidden', 'only root changes what is installed; run it as root');
};

/** What the agent and its units start; people need it to look why an upgrade does not go on. */
function addRunner(program: Command, io: Io): void {
  const runner = program
    .command('runner')
    .description('Changes the version that is installed, as the control plane ordered; the agent starts it.');
  runner
    .command('begin')
    .description('Takes over what the agent was ordered, and goes on with it outside the agent.')
    .addOption(prefixOption())
    .action(({ prefix }: { prefix: string }) => {
      onlyRoot(io);
      return begin(prefix, io.clock);
    });
  runner
    .command('fetch')
    .description('Looks for what this host is ordered, where its agent is dead, and has it carried out.')
    .option('--directive <id>', 'no other than this one')
    .addOption(prefixOption())
    .action(({ prefix, directive }: { prefix: string; directive?: string }) => {
      onlyRoot(io);
      return fetchOrder({ prefix, directive, clock: io.clock, self: io.self, say: io.out });
    });
  runner
    .command('work')
    .description('Goes on where the journal says, until the new version is good or the former one is back.')
    .addOption(prefixOption())
    .action(({ prefix }: { prefix: string }) => {
      onlyRoot(io);
      return work(prefix, io.clock);
    });
}

/** The tree of commands. Nothing is read or done before an action runs. */
export function programOf(io: Io): Command {
  const program = new Command('prisma-enforcer')
    .description('Enforces the policy of its namespace on this host')
    .version(VERSION, '--version', 'print the version')
    .exitOverride()
    .addHelpText('after', EXIT_HELP)
    .showHelpAfterError('Add --help to see what can be said.')
    .configureOutput({
      writeOut: text => io.out(text),
      writeErr: text => io.err(text),
      getOutHelpWidth: () => io.columns,
      getErrHelpWidth: () => io.columns,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    });
  addRun(program, io);
  addLooking(program, io);
  addRules(program, io);
  addMending(program, io);
  addInstalling(program, io);
  addRunner(program, io);
  program
    .command('version')
    .description('Prints the version.')
    .action(() => io.out(`${VERSION}\n`));
  return program;
}
