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
import { reconcile } from './reconcile.ts';
import { run } from './run.ts';
import { HOME, type RunFlags, settingsOf } from './settings.ts';
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
  /** How this program is started: what a unit file and a wrapper start. */
  self: readonly string[];
}

const each = (value: string, before: string[] = []): string[] => [...before, value];

const stateOption = (): Option =>
  new Option('--state <folder>', 'where the agent keeps everything').env('ENFORCERD_STATE').default(HOME);

const beforePolicyOption = (): Option =>
  new Option(
    '--before-policy <what>',
    'until a policy was verified on this host: allow what it lets through anyhow, or reject all but what leads to one',
  )
    .choices(BEFORE_POLICY)
    .env('ENFORCERD_BEFORE_POLICY')
    .default('allow');

const RUN_HELP = `
It says who it is with an app credential (--creds), with an install token (--token), or, given neither, as the
instance of AWS, Google Cloud or Azure that it runs on. Tags tell what the host is to policy: --tag app=web.

Only root enforces. Everybody else, and --no-enforce, verifies bundles and leaves the host alone.

A file of --units lists processing units beside the host itself, told by addresses or by a control group:

  units:
    - name: nginx
      tags: [app=web]
      cgroup: system.slice/nginx.service
    - name: vm-1
      tags: [app=db]
      addresses: [10.0.0.7]
`;

function addRun(program: Command, io: Io): void {
  program
    .command('run', { isDefault: true })
    .summary('Registers, polls the bundle of the namespace, and enforces it')
    .description(
      'Registers, polls the signed bundle of its namespace, verifies it, and enforces it on this host.',
    )
    .addOption(
      new Option('-A, --api <url>', "URL of the control plane; the credential's").env('ENFORCERD_API'),
    )
    .addOption(new Option('-n, --namespace <path>', "the enforcer's namespace").env('ENFORCERD_NAMESPACE'))
    .addOption(
      new Option('--auth-mode <mode>', 'how it says who it is; by what is given')
        .choices(['appcred', 'token', 'cloud'])
        .env('ENFORCERD_AUTH_MODE'),
    )
    .addOption(new Option('--creds <file>', 'app credential with the role enforcer').env('ENFORCERD_CREDS'))
    .addOption(new Option('--token <token>', 'install token').env('ENFORCERD_TOKEN'))
    .addOption(
      new Option('--root <file>', 'root of trust of the installation; <state>/root.json').env(
        'ENFORCERD_ROOT',
      ),
    )
    .addOption(new Option('--name <name>', "name of the enforcer; this host's").env('ENFORCERD_NAME'))
    .addOption(
      new Option('--machine-id <id>', 'by which it is known again; the number of firmware or system').env(
        'ENFORCERD_MACHINE_ID',
      ),
    )
    .addOption(
      new Option('--tag <key=value>', 'tag of this host; repeatable').argParser(each).default([], 'none'),
    )
    .addOption(new Option('--units <file>', 'more processing units of this host').env('ENFORCERD_UNITS'))
    .addOption(new Option('--interval <seconds>', 'between two polls').env('ENFORCERD_INTERVAL').default('1'))
    .addOption(
      new Option(
        '--state <folder>',
        `where everything is kept; ${HOME}, or ~/.prisma-enforcer where nothing is enforced`,
      ).env('ENFORCERD_STATE'),
    )
    .option('--no-enforce', 'verify only, and leave the host alone')
    .option('--no-flows', 'report no flows')
    .addOption(
      new Option(
        '--log-group <number>',
        "group of the kernel's log for flow records; 5, or the next that nobody reads",
      ).env('ENFORCERD_LOG_GROUP'),
    )
    .addOption(
      new Option('--flow-interval <seconds>', 'between two reports of one conversation that goes on')
        .env('ENFORCERD_FLOW_INTERVAL')
        .default('1800'),
    )
    .addOption(
      new Option('--spool-limit <MB>', 'flow reports that wait on disk while the control plane is away')
        .env('ENFORCERD_SPOOL_LIMIT')
        .default('64'),
    )
    .addOption(
      new Option('--layer3-only', 'ignore ports, as on hosts with Istio')
        .env('ENFORCERD_LAYER3_ONLY')
        .default(false),
    )
    .addOption(beforePolicyOption())
    .addOption(
      new Option('--log-level <level>', 'what is logged on the standard error')
        .choices(['trace', 'debug', 'info', 'warn', 'error', 'silent'])
        .env('ENFORCERD_LOG_LEVEL')
        .default('warn'),
    )
    .option('--once', 'end after the first bundle that holds', false)
    .addHelpText('after', RUN_HELP)
    .action(async (flags: RunFlags) => run(await settingsOf(flags, io.isRoot), io, io.signal));
}

function addLooking(program: Command, io: Io): void {
  program
    .command('status')
    .description('Tells what holds on this host: revision, digest, age, and what goes wrong.')
    .addOption(stateOption())
    .option('--json', 'as JSON', false)
    .action((flags: { state: string; json: boolean }) => printStatus(flags, io));
  program
    .command('explain')
    .description('Decides a flow by the policy on this host, without any network, and says which rule did.')
    .argument('<source>', 'address, or name of a processing unit of this host')
    .argument('<destination>', 'the same')
    .argument('<traffic>', 'tcp/443, udp/53, icmp/8/0, gre')
    .addOption(stateOption())
    .action((source: string, destination: string, traffic: string, flags: { state: string }) =>
      explain({ source, destination, traffic, folder: flags.state }, io),
    );
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
    .exitOverride()
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
  addMending(program, io);
  addInstalling(program, io);
  addRunner(program, io);
  program
    .command('version')
    .description('Prints the version.')
    .action(() => io.out(`${VERSION}\n`));
  return program;
}
