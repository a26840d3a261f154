import { readFile } from 'node:fs/promises';
import { homedir, hostname } from 'node:os';
import { join } from 'node:path';
import { Credential } from '../../../shared/schema/appcredential.ts';
import { Failure, fail } from '../../../shared/schema/failure.ts';
import { NamespacePath } from '../../../shared/schema/ids.ts';
import { Tag } from '../../../shared/schema/tag.ts';
import type { BeforePolicy } from '../agent/undecided.ts';

/** Where an installed agent keeps everything, as the original did. */
export const HOME = '/var/lib/prisma-enforcer';
/** Below the user's own folder: where one that only verifies does. */
const VERIFYING = '.prisma-enforcer';

/** Options of `run`, as commander gives them. */
export interface RunFlags {
  api?: string;
  namespace?: string;
  authMode?: 'appcred' | 'token' | 'cloud';
  creds?: string;
  token?: string;
  root?: string;
  name?: string;
  machineId?: string;
  tag: string[];
  units?: string;
  interval: string;
  state?: string;
  enforce: boolean;
  flows: boolean;
  flowInterval: string;
  connectionTotals: boolean;
  spoolLimit: string;
  logGroup?: string;
  layer3Only: boolean;
  beforePolicy: BeforePolicy;
  once: boolean;
  logLevel: string;
}

export interface RunSettings {
  how:
    | { mode: 'appcred'; credential: Credential }
    | { mode: 'token'; api: string; token: string }
    | { mode: 'cloud'; api: string };
  /** Where the app credential is, or would be. */
  credentialFile?: string;
  namespace: NamespacePath;
  root: Uint8Array;
  name: string;
  machineID: string | undefined;
  tags: Tag[];
  unitsFile: string | undefined;
  /** Milliseconds. */
  interval: number;
  flowInterval: number;
  folder: string;
  enforce: boolean;
  flows: boolean;
  connectionTotals: boolean;
  /** Bytes. */
  spoolLimit: number;
  logGroup: number | undefined;
  layer3Only: boolean;
  beforePolicy: BeforePolicy;
  once: boolean;
  logLevel: string;
}

const wanted = (what: string, flag: string, example: string) =>
  fail('bad_request', `${what} is missing; give ${flag}, such as ${example}`);

function numberOf(text: string, flag: string, least: number, most: number): number {
  const number = Number(text);
  if (text.trim() !== '' && number >= least && number <= most) return number;
  throw fail('bad_request', `${flag} is \`${text}\`; give a number from ${least} to ${most}`);
}

function wholeOf(text: string, flag: string, least: number, most: number): number {
  const number = numberOf(text, flag, least, most);
  if (Number.isInteger(number)) return number;
  throw fail('bad_request', `${flag} is \`${text}\`; give a whole number from ${least} to ${most}`);
}

/** A file of another kind would be found out by the first bundle, which then looks forged. */
export function checkRoot(bytes: Uint8Array, path: string): void {
  try {
    if (JSON.parse(Buffer.from(bytes).toString())?.signed?._type === 'root') return;
  } catch {
    // Not even JSON.
  }
  throw fail(
    'bad_request',
    `--root \`${path}\` is no root of trust; take the root.json that the control plane names when it starts`,
  );
}

async function rootAt(path: string): Promise<Buffer> {
  const bytes = await fileAt(path, '--root');
  checkRoot(bytes, path);
  return bytes;
}

async function fileAt(path: string, flag: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    throw fail(
      'bad_request',
      `${flag} \`${path}\` can't be read: ${error instanceof Error ? error.message : error}`,
    );
  }
}

/** As it is called, without a slash at its end. */
function urlOf(api: string): string {
  const { protocol, username, password, search, hash } = URL.canParse(api) ? new URL(api) : new URL('no:');
  if (username !== '' || password !== '')
    throw fail('bad_request', '--api holds a name or password; leave them out, and give --creds or --token');
  if (search !== '' || hash !== '')
    throw fail('bad_request', `--api is \`${api}\`; give it without what begins with ? or #`);
  if (/^https?:$/.test(protocol)) return api.replace(/\/+$/, '');
  throw fail('bad_request', `--api is \`${api}\`; give a URL, such as https://api.example.com`);
}

async function credentialAt(path: string, api: string | undefined): Promise<Credential> {
  const text = (await fileAt(path, '--creds')).toString();
  try {
    const credential = Credential.parse(JSON.parse(text));
    return api === undefined ? credential : { ...credential, APIURL: urlOf(api) };
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw fail('bad_request', `--creds \`${path}\` is no app credential; make one with POST /appcredentials`);
  }
}

/** How the agent proves who it is: as it is told, or else by what it is given, or by the cloud that it runs in. */
async function howOf(
  { api, authMode, creds, token }: RunFlags,
  ownCredential: string,
): Promise<RunSettings['how']> {
  const own = await readFile(ownCredential).then(
    () => ownCredential,
    () => undefined,
  );
  const given = creds ?? (token === undefined || authMode !== 'token' ? own : undefined);
  const mode = authMode ?? (given ? 'appcred' : token ? 'token' : 'cloud');
  if (mode === 'appcred') {
    if (!given) throw wanted('the app credential', '--creds', '--creds default.creds');
    return { mode, credential: await credentialAt(given, api) };
  }
  // What the token was traded for is as good as the token, and lasts longer.
  if (mode === 'token' && own) return { mode: 'appcred', credential: await credentialAt(own, api) };
  if (api === undefined)
    throw wanted('the URL of the control plane', '--api', '--api https://api.example.com');
  const url = urlOf(api);
  if (mode === 'cloud') return { mode, api: url };
  if (!token) throw wanted('the install token', '--token', '--token "$(cat token)"');
  return { mode, api: url, token };
}

/** What the options say by themselves, without a look at any file. */
export function statedIn(flags: RunFlags) {
  const { namespace, tag } = flags;
  if (!namespace)
    throw wanted("the enforcer's namespace", '--namespace', '--namespace /tenant/account/group');
  const path = NamespacePath.safeParse(namespace);
  if (!path.success || path.data === '/')
    throw fail(
      'bad_request',
      `--namespace is \`${namespace}\`; give a path below the root, such as /tenant/group`,
    );
  const tags = tag.map(text => {
    const parsed = Tag.safeParse(text);
    if (parsed.success && !/^[$@+]/.test(text)) return parsed.data;
    throw fail('bad_request', `--tag is \`${text}\`; give key=value, and nothing that starts with $, @ or +`);
  });
  return {
    namespace: path.data,
    tags,
    interval: numberOf(flags.interval, '--interval', 0.05, 3600) * 1000,
    flowInterval: numberOf(flags.flowInterval, '--flow-interval', 1, 86_400) * 1000,
    spoolLimit: numberOf(flags.spoolLimit, '--spool-limit', 1, 100_000) * 1024 * 1024,
    logGroup: flags.logGroup === undefined ? undefined : wholeOf(flags.logGroup, '--log-group', 1, 65_535),
  };
}

/** Everything that `run` needs, read and checked. Fails with `bad_request` that names the option and what to give. */
export async function settingsOf(flags: RunFlags, isRoot: boolean): Promise<RunSettings> {
  const { root, enforce } = flags;
  const folder = flags.state ?? (isRoot && enforce ? HOME : join(homedir(), VERIFYING));
  const { namespace, ...stated } = statedIn(flags);
  return {
    how: await howOf(flags, `${folder}/default.creds`),
    credentialFile: flags.creds ?? `${folder}/default.creds`,
    namespace,
    root: await rootAt(root ?? `${folder}/root.json`),
    name: flags.name ?? hostname(),
    machineID: flags.machineId,
    ...stated,
    unitsFile: flags.units,
    folder,
    enforce,
    flows: flags.flows,
    connectionTotals: flags.connectionTotals,
    layer3Only: flags.layer3Only,
    beforePolicy: flags.beforePolicy,
    once: flags.once,
    logLevel: flags.logLevel,
  };
}
