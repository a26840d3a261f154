import { Command, CommanderError, Option } from 'commander';
import { fail } from '../../../shared/schema/failure.ts';
import { BEFORE_POLICY } from '../agent/undecided.ts';
import { HOME, type RunFlags, statedIn } from './settings.ts';

export const each = (value: string, before: string[] = []): string[] => [...before, value];

export const stateOption = (): Option =>
  new Option('--state <folder>', 'where the agent keeps everything').env('ENFORCERD_STATE').default(HOME);

export const beforePolicyOption = (): Option =>
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

/** `run` with all that can be said to it, and nothing that it does. */
export function runCommand(): Command {
  return new Command('run')
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
      new Option(
        '--connection-totals',
        'count connections that end, their bytes and seconds; each connection of the machine pays for it',
      )
        .env('ENFORCERD_CONNECTION_TOTALS')
        .default(false),
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
    .addHelpText('after', RUN_HELP);
}

/** As systemd splits a variable: at blanks, and quotes hold together. */
const wordsOf = (text: string): string[] =>
  [...text.matchAll(/(?:[^\s"']|"[^"]*"|'[^']*')+/g)].map(([word]) => word.replace(/["']/g, ''));

/** Refuses options for the service with which `run` would not start; `opts`: as they stand in its environment. */
export function checkOpts(opts: string, namespace: string): void {
  const command = runCommand()
    .exitOverride()
    .allowExcessArguments(false)
    .configureOutput({ writeOut: () => undefined, writeErr: () => undefined });
  try {
    command.parse(wordsOf(opts), { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    const why = error.message.replace(/^error: /, '').replace(/\s*\n\s*/g, ' ');
    throw fail(
      'bad_request',
      `--opts \`${opts}\`: ${why}; prisma-enforcer run --help lists what can be said`,
    );
  }
  statedIn({ ...command.opts<RunFlags>(), namespace });
}
