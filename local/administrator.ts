import { createPrivateKey, sign, verify, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { quoted } from '../functions/certificate-request.ts';
import { commonName } from '../functions/credential.ts';
import type { Deps } from '../functions/deps.ts';
import { bootstrap } from '../functions/events/bootstrap.ts';
import { replaceFile } from '../shared/adapters/local/files.ts';
import { Credential } from '../shared/schema/appcredential.ts';
import { fail } from '../shared/schema/failure.ts';

const write = (path: string, credential: Credential): Promise<void> =>
  replaceFile(path, `${path}~`, [Buffer.from(`${JSON.stringify(credential, undefined, 2)}\n`)], 0o600);

function missing(error: unknown): undefined {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return;
  throw error;
}

async function read(path: string): Promise<Credential | undefined> {
  const text = await readFile(path, 'utf8').catch(missing);
  if (text === undefined) return undefined;
  const credential = parse(text);
  if (credential) return credential;
  throw fail(
    'unavailable',
    `${path} is damaged; restore it from a backup, or move it away and the next start writes a new credential`,
  );
}

/** Undefined unless everything in it agrees. The URL alone may be another: it follows the server's. */
function parse(text: string): Credential | undefined {
  try {
    const credential = Credential.parse(JSON.parse(text));
    return agrees(credential) ? credential : undefined;
  } catch {
    return undefined;
  }
}

const PROBE = Buffer.from('probe');

/** The certificate is signed with its own key and names ID, name and namespace; the private key belongs to it. */
function agrees(credential: Credential): boolean {
  const certificate = selfSigned(credential.certificate);
  const pem = decoded(credential.certificateKey);
  const key = createPrivateKey(pem);
  const { CN, O } = certificate.toLegacyObject().subject;
  return (
    CN === quoted(commonName(credential.ID, credential.name)) &&
    O === credential.namespace &&
    key.export({ type: 'pkcs8', format: 'pem' }) === pem &&
    verify('sha256', PROBE, certificate.publicKey, sign('sha256', PROBE, key)) &&
    selfSigned(credential.certificateAuthority) !== undefined
  );
}

/** Throws for anything but base64 of a PEM as it is written, with a certificate whose own key signed it. */
function selfSigned(base64: string): X509Certificate {
  const pem = decoded(base64);
  const certificate = new X509Certificate(pem);
  if (certificate.toString() === pem && certificate.verify(certificate.publicKey)) return certificate;
  throw fail('invalid', 'the certificate is not signed with its own key');
}

/** Throws for characters that a lenient reader of base64 passes over. */
function decoded(base64: string): string {
  const bytes = Buffer.from(base64, 'base64');
  if (bytes.toString('base64') === base64) return bytes.toString();
  throw fail('invalid', 'the text is not base64');
}

/**
 * `<data>/admin.creds`: the credential of the first administrator, made when the file is not there. A file that was
 * removed is replaced by a new credential, as whoever may do that owns the data directory. The URL in it follows
 * the server's.
 *
 * @throws `unavailable` for a file in which anything but the URL was changed
 */
export async function ensureAdministrator(data: string, deps: Deps): Promise<string> {
  const path = join(data, 'admin.creds');
  const known = await read(path);
  if (!known) await write(path, await bootstrap(deps));
  else if (known.APIURL !== deps.apiURL) await write(path, { ...known, APIURL: deps.apiURL });
  return path;
}
