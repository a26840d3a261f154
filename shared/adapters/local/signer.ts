import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Signer } from '../../ports/signer.ts';
import { fail } from '../../schema/failure.ts';
import { makeDirectory, replaceFile } from './files.ts';
import { damaged } from './refusals.ts';

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

const PROBE = Buffer.from('probe');
const END = '-----END PRIVATE KEY-----\n';

/**
 * Both keys must be exactly what the first gives when it is written again, so that nothing in the file is ignored; and
 * they must belong together, because PKCS #8 carries its own copy of the public key and OpenSSL believes it.
 */
function parse(path: string, text: string): { privateKey: KeyObject; publicKey: string } {
  const privateKey = attempt(() => createPrivateKey(text.slice(0, text.indexOf(END) + END.length)));
  if (privateKey?.asymmetricKeyDetails?.namedCurve === 'prime256v1') {
    const publicKey = createPublicKey(privateKey).export({ type: 'spki', format: 'pem' }).toString();
    const whole = `${privateKey.export({ type: 'pkcs8', format: 'pem' })}${publicKey}`;
    if (text === whole && verify('sha256', PROBE, publicKey, sign('sha256', PROBE, privateKey)))
      return { privateKey, publicKey };
  }
  throw damaged(path, 'it is no P-256 key');
}

const attempt = <T>(work: () => T): T | undefined => {
  try {
    return work();
  } catch {
    return undefined;
  }
};
