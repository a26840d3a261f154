import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Signer } from '../../ports/signer.ts';
import { fail } from '../../schema/failure.ts';
import { makeDirectory, replaceFile } from './files.ts';

/**
 * A P-256 key in a file of mode 0600: PKCS #8, then the public key, which tells whether the private one is intact.
 * Made at first start when `create` is left out or true. Fails with `unavailable`, naming the file, when it is damaged,
 * readable by others, or missing and not to be made.
 */
export async function openSigner(path: string, { create = true } = {}): Promise<Signer> {
  const text = (await read(path)) ?? (create ? await make(path) : undefined);
  if (text === undefined) throw fail('unavailable', `${path} is missing; restore it from a backup`);
  const { privateKey, publicKey } = parse(path, text);
  return {
    publicKey: async () => publicKey,
    sign: async data => sign('sha256', data, privateKey),
  };
}

async function read(path: string): Promise<string | undefined> {
  const found = await stat(path).catch(() => undefined);
  if (!found) return undefined;
  if (process.platform !== 'win32' && (found.mode & 0o077) !== 0)
    throw fail('unavailable', `${path} is a private key that others may read; run chmod 600 ${path}`);
  return readFile(path, 'utf8');
}

async function make(path: string): Promise<string> {
  const { privateKey, publicKey } = generateKeyPairSync('ec', {
    namedCurve: 'prime256v1',
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  const text = `${privateKey}${publicKey}`;
  await makeDirectory(dirname(path), 0o700);
  await replaceFile(path, `${path}~`, [Buffer.from(text)], 0o600);
  return text;
}

const BLOCKS =
  /^(-----BEGIN PRIVATE KEY-----\n.+?-----END PRIVATE KEY-----\n)(-----BEGIN PUBLIC KEY-----\n.+\n)$/s;

function parse(path: string, text: string): { privateKey: KeyObject; publicKey: string } {
  const [, secret = '', stated = ''] = BLOCKS.exec(text) ?? [];
  const privateKey = attempt(() => createPrivateKey(secret));
  const derived = privateKey && createPublicKey(privateKey).export({ type: 'spki', format: 'pem' });
  if (privateKey?.asymmetricKeyDetails?.namedCurve === 'prime256v1' && derived === stated)
    return { privateKey, publicKey: stated };
  throw fail(
    'unavailable',
    `${path} is no P-256 key or is damaged; it was left as it is: restore it from a backup`,
  );
}

const attempt = <T>(work: () => T): T | undefined => {
  try {
    return work();
  } catch {
    return undefined;
  }
};
