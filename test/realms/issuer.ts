import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from 'jose';

export interface SigningKey {
  kid: string;
  alg: string;
  privateKey: CryptoKey;
  jwk: JWK;
}

export async function makeKey(kid: string, alg: string): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  return { kid, alg, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' } };
}

/** A token as an issuer makes it; the header may be told anything else. */
export const signed = (key: SigningKey, claims: JWTPayload, header: object = {}): Promise<string> =>
  new SignJWT(claims)
    .setProtectedHeader({ alg: key.alg, kid: key.kid, typ: 'JWT', ...header })
    .sign(key.privateKey, { crit: { x: true } });

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** Issuers on loopback: discovery documents, key sets and whatever else a test puts there, by path. */
export interface Issuers {
  origin: string;
  /** Path → what is answered: JSON, or anything by hand. */
  pages: Map<string, object | Answer>;
  /** Paths that were asked for, in order. */
  asked: string[];
  /** Publishes an issuer below a path and gives its URL. */
  issuer(path: string, keys: readonly object[], discovery?: object): string;
  stop(): Promise<void>;
}

export async function startIssuers(): Promise<Issuers> {
  const pages: Issuers['pages'] = new Map();
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    const page = pages.get(request.url ?? '');
    if (typeof page === 'function') return page(request, response);
    response.writeHead(page ? 200 : 404, { 'content-type': 'application/json' });
    response.end(JSON.stringify(page ?? {}));
  });
  await new Promise<void>(listening => server.listen(0, '127.0.0.1', listening));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    origin,
    pages,
    asked,
    issuer(path, keys, discovery = {}) {
      const issuer = `${origin}${path}`;
      pages.set(`${path}/.well-known/openid-configuration`, {
        issuer,
        jwks_uri: `${issuer}/keys`,
        ...discovery,
      });
      pages.set(`${path}/keys`, { keys });
      return issuer;
    },
    stop: () =>
      new Promise(stopped => {
        server.closeAllConnections();
        server.close(() => stopped());
      }),
  };
}
