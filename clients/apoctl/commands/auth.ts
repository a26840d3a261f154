import type { Command } from 'commander';
import { fail } from '../../../shared/schema/failure.ts';
import type { Io } from '../io.ts';
import * as options from '../options.ts';
import { tokenOf } from '../session.ts';
import { readCredential, settle } from '../settings.ts';
import { addAws } from './auth-aws.ts';
import { addTokenRealms } from './auth-token.ts';

interface AppcredOptions {
  path?: string;
  validity?: string;
  export?: boolean;
}

const EXAMPLES = `
Examples:
  $ apoctl auth appcred --path default.creds --validity 1h
  $ eval "$(apoctl auth appcred --path default.creds -e)"
`;

export function addAuth(program: Command, io: Io): void {
  const auth = options.withGlobals(program.command('auth').description('Get tokens'));
  const command = auth
    .command('appcred')
    .description('Trade an app credential for a token, and print it')
    .option('--path <file>', 'the credential; - is standard input; default as --creds')
    .option('--validity <duration>', 'how long the token shall last, such as 30m; default: as long as it may')
    .option('-e, --export', 'print a line for eval that sets APOCTL_TOKEN')
    .addHelpText('after', EXAMPLES)
    .action((said: AppcredOptions, self: Command) => appcred(io, said, options.flagsOf(self)));
  options.withGlobals(command);
  addAws(auth, io);
  addTokenRealms(auth, io);
}

async function appcred(io: Io, said: AppcredOptions, flags: options.Flags): Promise<void> {
  const given = said.path === undefined ? undefined : await readCredential(io, said.path);
  const { api, credential } = await settle(io, flags, { credential: given, newToken: true });
  if (!credential)
    throw fail('unauthorized', 'no credential: say --path file, or make ~/.apoctl/default.creds');
  const token = await tokenOf(io, credential, api, said.validity)();
  io.out(said.export ? `export APOCTL_TOKEN=${token}\n` : `${token}\n`);
}
