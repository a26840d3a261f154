import { createPublicKey } from 'node:crypto';
import { calculateJwkThumbprint, createLocalJWKSet, exportJWK, type JWK } from 'jose';
import { signJwt } from '../shared/core/jws.ts';
import type { Signer } from '../shared/ports/signer.ts';
import type { TokenClaims } from '../shared/schema/token.ts';

type PublicHalf = Pick<Signer, 'publicKey'>;

/**
 * Keys of the API's tokens. The one that signed before and the one that will sign next verify too, so that a change of
 * keys refuses nobody: neither whoever holds an older token, nor whoever asks a process that has not heard of the change.
 */
export interface TokenKeys {
  readonly signs: Signer;
  /** Among them the one that signs. Another array after a change: what was verified with the old one is forgotten. */
  readonly verifies: readonly PublicHalf[];
}

/** A key as the key set shows it; its name is the thumbprint of RFC 7638, which nobody has to keep. */
async function publicJwk(key: PublicHalf): Promise<JWK> {
  const jwk = await exportJWK(createPublicKey(await key.publicKey()));
  return { ...jwk, kid: await calculateJwkThumbprint(jwk), alg: 'ES256', use: 'sig' };
}

interface KeySet {
  keys: Promise<JWK[]>;
  /** Claims by token, each until its end. Rights are not in them: those are read afresh every time. */
  claims: Map<string, { claims: TokenClaims; exp: number }>;
  find: Promise<ReturnType<typeof createLocalJWKSet>>;
}

const known = new WeakMap<TokenKeys['verifies'], KeySet>();

/** The key set, made once, and what was verified with it. Keys that could not be had are asked for again. */
export function keySetOf({ verifies }: Pick<TokenKeys, 'verifies'>): KeySet {
  const made = known.get(verifies);
  if (made) return made;
  const keys = Promise.all(verifies.map(publicJwk));
  const find = keys.then(all => createLocalJWKSet({ keys: all }));
  const set = { keys, find, claims: new Map() };
  find.catch(() => known.delete(verifies));
  known.set(verifies, set);
  return set;
}

const names = new WeakMap<Signer, Promise<string | undefined>>();

/** The name of the key that signs. */
function nameOf(signer: Signer): Promise<string | undefined> {
  const name = names.get(signer) ?? publicJwk(signer).then(({ kid }) => kid);
  name.catch(() => names.delete(signer));
  names.set(signer, name);
  return name;
}

/** A token with these claims, signed with the key of today, which its header names. */
export const signToken = async (claims: Record<string, unknown>, { signs }: TokenKeys): Promise<string> =>
  signJwt(claims, data => signs.sign(data), { kid: await nameOf(signs) });
