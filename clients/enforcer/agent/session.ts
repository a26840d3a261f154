import { randomBytes } from 'node:crypto';
import { decodeJwt } from 'jose';
import {
  type AgentClient,
  ApiError,
  type Client,
  createClient,
  credentialToken,
  type Operation,
} from '../../../shared/api/agent-client.ts';
import type { Credential } from '../../../shared/schema/appcredential.ts';
import type { Clock } from '../clock.ts';
import type { Cloud } from './cloud.ts';

type TokenSource = () => Promise<string>;

/** Seconds before its end at which a token is replaced. */
const RENEW_BEFORE = 60;

/**
 * A client that gets itself a token, and a new one when the API no longer takes the one it has: the host's clock may have
 * been set back, so that the token only looked good.
 */
export function persistent<Of extends Operation>(
  tokens: () => TokenSource,
  clientWith: (token: TokenSource) => Client<Of>,
): Client<Of> {
  let source = tokens();
  const client = clientWith(() => source());
  const again = async <T>(ask: () => Promise<T>): Promise<T> => {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof ApiError && error.status === 401)) throw error;
      source = tokens();
      return ask();
    }
  };
  return {
    send: (operation, request) => again(() => client.send(operation, request)),
    call: (operation, request) => again(() => client.call(operation, request)),
  };
}

/** Tokens for a credential. */
export const credentialTokens =
  (credential: Credential, clock: Clock): (() => TokenSource) =>
  () =>
    credentialToken(credential, { now: () => clock.now().getTime(), randomBytes });

/** As the holder of an app credential, or of one that an install token was traded for. */
export const credentialClient = (credential: Credential, clock: Clock): AgentClient =>
  persistent(credentialTokens(credential, clock), token => createClient({ api: credential.APIURL, token }));

/** A token for who the cloud says that the host is. */
export async function identityToken(api: string, cloud: Cloud, clock: Clock): Promise<string> {
  const body = await cloud.prove({ api, now: clock.now(), randomBytes });
  return (await createClient({ api }).call('issueToken', { body })).body.token ?? '';
}

/** As the instance of a cloud, which proves who it is anew for every token. */
export const cloudClient = (api: string, cloud: Cloud, clock: Clock): AgentClient => {
  const tokens = (): TokenSource => {
    let held: { token: string; until: number } | undefined;
    return async () => {
      const now = clock.now();
      if (held && held.until > now.getTime() / 1000) return held.token;
      const token = await identityToken(api, cloud, clock);
      held = { token, until: (decodeJwt(token).exp ?? 0) - RENEW_BEFORE };
      return token;
    };
  };
  return persistent(tokens, token => createClient({ api, token }));
};
