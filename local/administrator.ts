import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Deps } from '../functions/deps.ts';
import { bootstrap } from '../functions/events/bootstrap.ts';
import { replaceFile } from '../shared/adapters/local/files.ts';
import { Credential } from '../shared/schema/appcredential.ts';
import { fail } from '../shared/schema/failure.ts';

const write = (path: string, credential: Credential): Promise<void> =>
  replaceFile(path, `${path}~`, [Buffer.from(`${JSON.stringify(credential, undefined, 2)}\n`)], 0o600);

async function read(path: string): Promise<Credential | undefined> {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const parsed = Credential.safeParse(JSON.parse(text));
  if (parsed.success) return parsed.data;
  throw fail('unavailable', `${path} is no app credential; move it away and the next start writes a new one`);
}

/**
 * `<data>/admin.creds`: the credential of the first administrator, made when the file is not there. A file that was
 * removed is replaced by a new credential, as whoever may do that owns the data directory. The URL in it follows
 * the server's.
 */
export async function ensureAdministrator(data: string, deps: Deps): Promise<string> {
  const path = join(data, 'admin.creds');
  const known = await read(path);
  if (!known) await write(path, await bootstrap(deps));
  else if (known.APIURL !== deps.apiURL) await write(path, { ...known, APIURL: deps.apiURL });
  return path;
}
