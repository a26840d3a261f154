import type { Command } from 'commander';
import type { IssueRequest } from '../../../shared/api/messages.ts';
import { fail } from '../../../shared/schema/failure.ts';
import { azureIdentity } from '../../enforcer/agent/cloud-azure.ts';
import { gcpIdentity } from '../../enforcer/agent/cloud-gcp.ts';
import { fromInstance } from '../instance.ts';
import { type Io, readText } from '../io.ts';
import * as options from '../options.ts';
import { settle } from '../settings.ts';
import { type AskedOptions, printToken, withAsked } from '../trade.ts';

/** Identity tokens of others, which are traded for one of ours: subcommand → realm, and where such a token comes from. */
const REALMS = {
  azure: ['AzureIdentityToken', 'a token of an Azure managed identity'],
  gcp: ['GCPIdentityToken', 'an identity token of a Google service account'],
  oidc: ['OIDC', 'an identity token of an OpenID Connect issuer'],
  'pc-token': ['PCIdentityToken', 'a token of the cloud console'],
  token: ['AporetoIdentityToken', 'a token of this API, for one with as much or less'],
} as const satisfies Record<string, readonly [IssueRequest['realm'], string]>;

/** Realms whose proof the metadata service of the cloud gives out, on one of its instances. */
const ON_INSTANCE = { AzureIdentityToken: azureIdentity, GCPIdentityToken: gcpIdentity } as const;
const CLOUD_OF = { AzureIdentityToken: 'azure', GCPIdentityToken: 'gcp' } as const;
type OnInstance = keyof typeof ON_INSTANCE;

const isOnInstance = (realm: IssueRequest['realm']): realm is OnInstance => realm in ON_INSTANCE;

interface TokenOptions extends AskedOptions {
  path?: string;
  instance?: boolean;
  provider?: string;
  providerNamespace?: string;
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
      );
    if (isOnInstance(realm)) {
      command.option('--instance', "the token of this instance, from its cloud's metadata service");
    }
    withAsked(command).action((said: TokenOptions, self: Command) =>
      trade(io, realm, said, options.flagsOf(self)),
    );
    if (realm === 'OIDC') {
      command
        .option('--provider <name>', 'the oidcprovider that vouches for it; default: the default one')
        .requiredOption('--provider-namespace <path>', 'where the provider lives');
    }
    options.withGlobals(command);
  }
}

async function proofOf(
  io: Io,
  realm: IssueRequest['realm'],
  said: TokenOptions,
  { token, api }: { token: string | undefined; api: string },
): Promise<Record<string, unknown>> {
  if (said.instance && isOnInstance(realm)) {
    if (token !== undefined || said.path !== undefined)
      throw fail('bad_request', 'say --instance, or a token with -t or --path, not both');
    const request = { api, now: new Date(io.now()), randomBytes: io.randomBytes };
    const proof = await fromInstance(io, CLOUD_OF[realm], ask => ON_INSTANCE[realm](ask, request));
    return proof.metadata;
  }
  const provider = { namespace: said.providerNamespace, OIDCProviderName: said.provider ?? '' };
  const text = (token ?? (await readText(io, said.path ?? '-'))).trim();
  return { ...(realm === 'OIDC' ? provider : {}), token: text };
}

async function trade(
  io: Io,
  realm: IssueRequest['realm'],
  said: TokenOptions,
  flags: options.Flags,
): Promise<void> {
  const { api } = await settle(io, flags, { newToken: true });
  const metadata = await proofOf(io, realm, said, { token: flags.token, api });
  await printToken(io, api, { realm, metadata }, said);
}
