import type { Command } from 'commander';
import type { Io } from '../io.ts';
import * as options from '../options.ts';
import { sessionOf } from '../session.ts';
import { addPreflight } from './enforcer-preflight.ts';
import { addRelease } from './enforcer-release.ts';
import { addScript } from './enforcer-script.ts';
import { addUpgrade } from './enforcer-upgrade.ts';

interface TokenOptions {
  validity: string;
  machineId?: string;
}

const TOKEN_EXAMPLES = `
Examples:
  $ apoctl enforcer install-token -n /acme/aws-dev/web
  $ apoctl enforcer install-token -n /acme/aws-dev/web --validity 10m --machine-id 4c4c4544-0050
`;

/** Commands about agents and the hosts that they run on. */
export function addEnforcer(program: Command, io: Io): void {
  const enforcer = options.withGlobals(program.command('enforcer').description('Install and manage agents'));
  addInstallToken(enforcer, io);
  addPreflight(enforcer, io);
  addRelease(enforcer, io);
  addUpgrade(enforcer, io);
  addScript(enforcer, io);
}

function addInstallToken(enforcer: Command, io: Io): void {
  const command = enforcer
    .command('install-token')
    .description('Make a token with which one machine registers an enforcer, once, and print it')
    .option('--validity <duration>', 'how long it may be used: 10m, 30m, 1h; at most 24h', '30m')
    .option('--machine-id <id>', 'the one machine that may use it; default: any')
    .addHelpText('after', TOKEN_EXAMPLES)
    .action((said: TokenOptions, self: Command) => installToken(io, said, options.flagsOf(self)));
  options.withGlobals(command);
}

async function installToken(io: Io, said: TokenOptions, flags: options.Flags): Promise<void> {
  const { client, namespace, warn } = await sessionOf(io, flags);
  const { validity, machineId: machineID = '' } = said;
  const { body, messages } = await client.call('createInstalltoken', {
    namespace,
    body: { validity, machineID },
  });
  warn(messages);
  io.out(`${body.token ?? ''}\n`);
}
