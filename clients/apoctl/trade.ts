import { type Command, Option } from 'commander';
import { createClient } from '../../shared/api/client.ts';
import { IssueRequest } from '../../shared/api/messages.ts';
import { fail } from '../../shared/schema/failure.ts';
import { printable } from '../terminal.ts';
import type { Io } from './io.ts';
import * as options from './options.ts';

/** What is asked of the token that a proof is traded for. */
export interface AskedOptions {
  validity?: string;
  quota?: string;
  restrictNamespace?: string;
  restrictRole?: string[];
  restrictNetwork?: string[];
  opaque?: string[];
  export?: boolean;
}

export const withAsked = (command: Command): Command =>
  command
    .option('--validity <duration>', 'how long the token shall last, such as 30m; default: as long as it may')
    .option('--quota <number>', 'how often the token may be used; default: any number of times')
    .option('--restrict-namespace <path>', 'of use in this namespace and below only')
    .addOption(
      new Option('--restrict-role <role>', 'has this role or permission only; repeatable').argParser(
        options.each,
      ),
    )
    .addOption(
      new Option('--restrict-network <cidr>', 'of use from this network only; repeatable').argParser(
        options.each,
      ),
    )
    .addOption(
      new Option('--opaque <key:value>', 'what the token carries for others; repeatable').argParser(
        options.each,
      ),
    )
    .option('-e, --export', 'print a line for eval that sets APOCTL_TOKEN');

const opaqueOf = (entries: readonly string[]): Record<string, string> =>
  Object.fromEntries(
    entries.map(entry => {
      const at = entry.indexOf(':');
      if (at > 0) return [entry.slice(0, at), entry.slice(at + 1)];
      throw fail('bad_request', `--opaque wants key:value, not \`${entry}\``);
    }),
  );

/** Trades a proof of who somebody is for a token of the API, and prints it. */
export async function printToken(
  io: Io,
  api: string,
  proof: { realm: IssueRequest['realm']; metadata: Record<string, unknown> },
  said: AskedOptions,
): Promise<void> {
  const asked = IssueRequest.safeParse({
    ...proof,
    ...(said.validity === undefined ? {} : { validity: said.validity }),
    ...(said.quota === undefined ? {} : { quota: options.wholeNumber(said.quota, '--quota') }),
    ...(said.restrictNamespace === undefined ? {} : { restrictedNamespace: said.restrictNamespace }),
    restrictedPermissions: said.restrictRole ?? [],
    restrictedNetworks: said.restrictNetwork ?? [],
    opaque: opaqueOf(said.opaque ?? []),
  });
  if (!asked.success) {
    const [issue] = asked.error.issues;
    throw fail('invalid', `${issue?.path.join('.')}: ${issue?.message}`);
  }
  const client = createClient({ api, fetch: io.fetch });
  const { body } = await client.call('issueToken', { body: asked.data });
  if (!body.token) throw fail('unavailable', `${api} answered without a token`);
  io.out(said.export ? `export APOCTL_TOKEN=${printable(body.token)}\n` : `${printable(body.token)}\n`);
}
