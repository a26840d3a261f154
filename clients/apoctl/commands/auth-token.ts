import { type Command, Option } from 'commander';
import { createClient } from '../../../shared/api/client.ts';
import { IssueRequest } from '../../../shared/api/messages.ts';
import { fail } from '../../../shared/schema/failure.ts';
import { type Io, printable, readText } from '../io.ts';
import * as options from '../options.ts';
import { settle } from '../settings.ts';

/** Identity tokens of others, which are traded for one of ours: subcommand → realm, and where such a token comes from. */
const REALMS = {
  azure: ['AzureIdentityToken', 'a token of an Azure managed identity'],
  gcp: ['GCPIdentityToken', 'an identity token of a Google service account'],
  oidc: ['OIDC', 'an identity token of an OpenID Connect issuer'],
  'pc-token': ['PCIdentityToken', 'a token of the cloud console'],
  token: ['AporetoIdentityToken', 'a token of this API, for one with as much or less'],
} as const satisfies Record<string, readonly [IssueRequest['realm'], string]>;

interface TokenOptions {
  path?: string;
  provider?: string;
  providerNamespace?: string;
  validity?: string;
  quota?: string;
  restrictNamespace?: string;
  restrictRole?: string[];
  restrictNetwork?: string[];
  opaque?: string[];
  export?: boolean;
}

/** `apoctl auth gcp` and the like. */
export function addTokenRealms(auth: Command, io: Io): void {
  for (const [name, [realm, what]] of Object.entries(REALMS)) {
    const command = auth
      .command(name)
      .description(`Trade ${what}`)
      .option(
        '--path <file>',
        'the token, where -t does not say it; - is standard input, which is the default',
      )
      .option(
        '--validity <duration>',
        'how long the token shall last, such as 30m; default: as long as it may',
      )
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
      .option('-e, --export', 'print a line for eval that sets APOCTL_TOKEN')
      .action((said: TokenOptions, self: Command) => trade(io, realm, said, options.flagsOf(self)));
    if (realm === 'OIDC') {
      command
        .option('--provider <name>', 'the oidcprovider that vouches for it; default: the default one')
        .requiredOption('--provider-namespace <path>', 'where the provider lives');
    }
    options.withGlobals(command);
  }
}

const opaqueOf = (entries: readonly string[]): Record<string, string> =>
  Object.fromEntries(
    entries.map(entry => {
      const at = entry.indexOf(':');
      if (at > 0) return [entry.slice(0, at), entry.slice(at + 1)];
      throw fail('bad_request', `--opaque wants key:value, not \`${entry}\``);
    }),
  );

async function trade(io: Io, realm: string, said: TokenOptions, flags: options.Flags): Promise<void> {
  const token = (flags.token ?? (await readText(io, said.path ?? '-'))).trim();
  const provider = { namespace: said.providerNamespace, OIDCProviderName: said.provider ?? '' };
  const { api } = await settle(io, flags, { newToken: true });
  const asked = IssueRequest.safeParse({
    realm,
    metadata: { ...(realm === 'OIDC' ? provider : {}), token },
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
