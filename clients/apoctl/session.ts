import { ApiError, type Client, createClient, credentialToken } from '../../shared/api/client.ts';
import type { Credential } from '../../shared/schema/appcredential.ts';
import { fail } from '../../shared/schema/failure.ts';
import type { NamespacePath } from '../../shared/schema/ids.ts';
import { printable } from '../terminal.ts';
import type { Io } from './io.ts';
import { type Flags, settle } from './settings.ts';

/** A conversation with one API, in one namespace. */
export interface Session {
  client: Client;
  namespace: NamespacePath;
  /** URL of the API, without a slash at its end. */
  api: string;
  token: () => Promise<string>;
  /** As said by flag, environment or profile; undefined: the command's own. */
  output: string | undefined;
  /** Shows warnings of the API, each once. */
  warn(messages: readonly string[]): void;
}

/** Gets a token; when the API does not take the credential, says what is the usual reason. */
export function tokenOf(
  io: Io,
  credential: Credential,
  api: string,
  validity?: string,
): () => Promise<string> {
  const { fetch, now, randomBytes } = io;
  const token = credentialToken(credential, {
    api,
    fetch,
    now,
    randomBytes,
    ...(validity === undefined ? {} : { validity }),
  });
  return async () => {
    try {
      return await token();
    } catch (error) {
      if (
        error instanceof ApiError &&
        error.status === 401 &&
        api !== credential.APIURL.replace(/\/+$/, '')
      ) {
        io.err(
          `hint: credential ${printable(credential.ID)} was made for ${printable(credential.APIURL)}, not for ${api}\n`,
        );
      }
      throw error;
    }
  };
}

export async function sessionOf(io: Io, flags: Flags): Promise<Session> {
  const { api, namespace, output, token, credential } = await settle(io, flags);
  if (!token && !credential) {
    throw fail(
      'unauthorized',
      'no credential: say --creds file or -t token, set APOCTL_CREDS or APOCTL_TOKEN, or make ~/.apoctl/default.creds',
    );
  }
  if (!namespace) throw fail('bad_request', 'say in which namespace: -n /path, or APOCTL_NAMESPACE');
  const bearer = token || !credential ? async () => token ?? '' : tokenOf(io, credential, api);
  const shown = new Set<string>();
  return {
    client: createClient({ api, fetch: io.fetch, token: bearer }),
    namespace,
    api: api.replace(/\/+$/, ''),
    token: bearer,
    output,
    warn(messages) {
      for (const message of messages) if (!shown.has(message)) io.err(`warning: ${printable(message)}\n`);
      for (const message of messages) shown.add(message);
    },
  };
}
