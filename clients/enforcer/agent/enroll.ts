import { webcrypto } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createClient } from '../../../shared/api/agent-client.ts';
import type { Credential } from '../../../shared/schema/appcredential.ts';
import { makeFolder, writeWhole } from '../files.ts';
import type { Machine } from '../register.ts';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

const pemOf = (key: ArrayBuffer): string => {
  const lines =
    Buffer.from(key)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN PRIVATE KEY-----\n${lines.join('\n')}\n-----END PRIVATE KEY-----\n`;
};

const bytesOf = (pem: string): Uint8Array => Buffer.from(pem.replace(/-----[^-]+-----|\s/g, ''), 'base64');

/** The key of this host, made once: an answer that got lost is asked for again with the same one. */
async function keyIn(path: string): Promise<{ pem: string; keys: webcrypto.CryptoKeyPair }> {
  let pem: string;
  try {
    pem = readFileSync(path, 'utf8');
  } catch {
    const made = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
    pem = pemOf(await webcrypto.subtle.exportKey('pkcs8', made.privateKey));
    writeWhole(path, pem);
  }
  const privateKey = await webcrypto.subtle.importKey('pkcs8', bytesOf(pem), ALGORITHM, true, ['sign']);
  const { d: _, key_ops: __, ...jwk } = await webcrypto.subtle.exportKey('jwk', privateKey);
  const publicKey = await webcrypto.subtle.importKey('jwk', jwk, ALGORITHM, true, ['verify']);
  return { pem, keys: { privateKey, publicKey } };
}

/** Written for this moment alone, and a tenth of what an agent's code takes: it is not there before. */
async function requestOf(name: string, keys: webcrypto.CryptoKeyPair): Promise<string> {
  await import('reflect-metadata');
  const { Pkcs10CertificateRequestGenerator } = await import('@peculiar/x509');
  const how = { name, keys, signingAlgorithm: ALGORITHM };
  return (await Pkcs10CertificateRequestGenerator.create(how, webcrypto)).toString('pem');
}

/**
 * Trades an install token for a credential of this host's own. The private key never leaves the host; the token is good
 * once, and again for the same key, so that a lost answer costs nothing.
 */
export async function enroll(
  api: string,
  token: string,
  machine: Machine,
  folder: string,
): Promise<Credential> {
  makeFolder(folder);
  const { pem, keys } = await keyIn(`${folder}/enforcer.key`);
  const certificateRequest = await requestOf(`CN=${machine.machineID.replace(/[^\w.-]/g, '-')}`, keys);
  const { body } = await createClient({ api }).call('registerEnforcer', {
    body: {
      token,
      enforcer: { FQDN: machine.name, ...machine, certificateRequest },
    },
  });
  return { ...body.credential, certificateKey: Buffer.from(pem).toString('base64') };
}
