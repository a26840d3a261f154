import { chmodSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Credential } from '../../../shared/schema/appcredential.ts';
import { fail } from '../../../shared/schema/failure.ts';
import type { BeforePolicy } from '../agent/undecided.ts';
import { writeWhole } from '../files.ts';
import { VERSION } from '../version.ts';
import { Manifest, takeBack } from './manifest.ts';
import type { Io } from './program.ts';
import { checkOpts } from './run-options.ts';
import { hasSystemd, serviceOf } from './service.ts';
import { checkRoot } from './settings.ts';
import {
  bootUnit,
  confText,
  hiddenFromUnits,
  isRelease,
  PLACES,
  releaseWrapper,
  runnerPathUnit,
  runnerUnit,
  serviceUnit,
  wrapper,
} from './unit-files.ts';

export interface InstallFlags {
  api?: string;
  namespace: string;
  root: string;
  creds?: string;
  token?: string;
  tag: string[];
  opts: string;
  /** Absent: as `opts` say, or else `run`'s own. */
  beforePolicy?: BeforePolicy;
  prefix: string;
  start: boolean;
}

function readGiven(path: string, flag: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw fail(
      'bad_request',
      `${flag} \`${path}\` can't be read: ${error instanceof Error ? error.message : error}`,
    );
  }
}

function urlIn(credential: Buffer, path: string | undefined): string {
  try {
    return Credential.parse(JSON.parse(credential.toString())).APIURL;
  } catch {
    throw fail('bad_request', `--creds \`${path}\` is no app credential; make one with POST /appcredentials`);
  }
}

/** A release is copied, so that the file it was installed from may go. Anything else stays where it is. */
const programFiles = (self: readonly string[]): [string, [number, Buffer | string]][] =>
  isRelease(self)
    ? [
        [PLACES.program, [0o755, releaseWrapper(self.slice(0, -1))]],
        [PLACES.code, [0o644, readFileSync(self.at(-1) ?? '')]],
      ]
    : [[PLACES.program, [0o755, wrapper(self)]]];

/** A service whose program goes with the temporary files ends with the next boot, and ours does not even see it. */
export function refuseTemporary(self: readonly string[]): void {
  const hidden = hiddenFromUnits(isRelease(self) ? self.slice(0, -1) : self);
  if (hidden === undefined) return;
  throw fail(
    'bad_request',
    `the service would start ${hidden}, and sees no temporary folders of others; put it elsewhere, such as in /opt, and install from there`,
  );
}

/** The files and their modes, by path below the prefix. */
export function contents(
  flags: InstallFlags,
  self: readonly string[],
): Map<string, [mode: number, Buffer | string]> {
  const { namespace, token, tag, opts, root, creds } = flags;
  if (!/^\S*$/.test(`${namespace}${flags.api ?? ''}${token ?? ''}`) || /\n/.test(opts))
    throw fail('bad_request', '--api, --namespace and --token hold no spaces, and --opts no line break');
  const spaced = tag.find(text => /\s/.test(text));
  if (spaced !== undefined)
    throw fail('bad_request', `--tag is \`${spaced}\`; a tag of the service holds no spaces`);
  const credential = creds === undefined ? undefined : readGiven(creds, '--creds');
  const api = flags.api ?? (credential && urlIn(credential, creds));
  if (api === undefined) throw fail('bad_request', 'the URL of the control plane is missing; give --api');
  const before = flags.beforePolicy === undefined ? '' : `--before-policy ${flags.beforePolicy}`;
  const allOpts = [...tag.map(text => `--tag ${text}`), before, opts].filter(Boolean).join(' ');
  checkOpts(allOpts, namespace);
  const trusted = readGiven(root, '--root');
  checkRoot(trusted, root);
  return new Map<string, [number, Buffer | string]>([
    [PLACES.root, [0o600, trusted]],
    [
      PLACES.conf,
      [0o600, confText({ api, namespace, opts: allOpts, ...(token === undefined ? {} : { token }) })],
    ],
    ...(credential ? [[PLACES.creds, [0o600, credential]] as [string, [number, Buffer]]] : []),
    ...programFiles(self),
    [PLACES.service, [0o644, serviceUnit()]],
    [PLACES.boot, [0o644, bootUnit()]],
    [PLACES.runner, [0o644, runnerUnit()]],
    [PLACES.runnerPath, [0o644, runnerPathUnit()]],
  ]);
}

/** Makes a folder and those above it; gives those that were not there, the deepest last. */
function makeFolders(prefix: string, folder: string, mode: number): string[] {
  if (existsSync(join(prefix, folder))) return [];
  const above = folder === '/' ? [] : makeFolders(prefix, dirname(folder), 0o755);
  mkdirSync(join(prefix, folder), { mode });
  return [...above, folder];
}

/** As systemd would: what stands in the file of its environment holds no spaces, but for the options. */
const startedByHand = (prefix: string): string => {
  const conf = join(prefix, PLACES.conf);
  return `env $(grep -v ^ENFORCERD_OPTS= ${conf}) ENFORCERD_STATE=${join(prefix, PLACES.home)} \\
  ENFORCERD_ROOT=${join(prefix, PLACES.root)} \\
  ${join(prefix, PLACES.program)} run $(sed -n s/^ENFORCERD_OPTS=//p ${conf})\n`;
};

export function install(flags: InstallFlags, { out, isRoot, self, clock }: Io): void {
  const { prefix } = flags;
  if (!isRoot && prefix === '/') throw fail('forbidden', 'only root installs a service; run it as root');
  const manifestPath = join(prefix, PLACES.manifest);
  if (existsSync(manifestPath)) {
    const { data } = Manifest.safeParse(JSON.parse(readFileSync(manifestPath, 'utf8')));
    throw fail(
      'conflict',
      `version ${data?.version ?? 'unknown'} is installed; there is no upgrade in place: run prisma-enforcer uninstall, then install again`,
    );
  }
  if (prefix === '/') refuseTemporary(self);
  const files = contents(flags, self);
  const taken = [...files.keys()].find(path => existsSync(join(prefix, path)));
  if (taken !== undefined)
    throw fail(
      'conflict',
      `${taken} is there, and no installation of ours says that it made it; move it away first`,
    );
  const folders = [PLACES.home, ...[...files.keys()].map(dirname)].flatMap(folder =>
    makeFolders(prefix, folder, folder === PLACES.home ? 0o700 : 0o755),
  );
  const manifest: Manifest = { version: VERSION, files: [...files.keys(), PLACES.manifest].sort(), folders };
  try {
    // First, so that an installation that breaks off can be taken away too.
    writeWhole(manifestPath, `${JSON.stringify(manifest, undefined, 2)}\n`);
    for (const [path, [mode, content]] of files) {
      writeWhole(join(prefix, path), content);
      chmodSync(join(prefix, path), mode);
    }
  } catch (error) {
    takeBack(prefix, manifest);
    const reason = error instanceof Error ? error.message : error;
    throw fail('unavailable', `nothing is installed: ${reason}; make room, or the file system writable`);
  }
  out(`installed prisma-enforcer ${VERSION} in ${prefix}\n`);
  if (!flags.start) return;
  if (!hasSystemd(prefix)) {
    out(`no systemd here; start it with:\n\n${startedByHand(prefix)}\n`);
    return;
  }
  serviceOf(prefix, clock).start('/dev/null');
  out('the service runs\n');
}
