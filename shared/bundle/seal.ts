import type { Metadata, Root } from '@tufjs/models';
import type { Binding, PayloadBytes, PayloadName } from '../schema/bundle.ts';
import { fail } from '../schema/failure.ts';
import {
  type Content,
  eachPayload,
  file,
  type Layer,
  LIFETIMES,
  type SealedFile,
  type Signing,
  sealSnapshot,
  sealTargets,
  sealTimestamp,
} from './layers.ts';
import {
  type Description,
  described,
  keyOf,
  LIMITS,
  ONLINE_ROLES,
  type OnlineRole,
  PATHS,
  readRoot,
  sha256,
} from './metadata.ts';
import { type Published, readPublished, signedUnder, type Verified } from './published.ts';
import { orInvalid } from './refusal.ts';
import { rootPath } from './root.ts';
import { PAYLOAD_NAMES, trustRoot } from './workflow.ts';

export type { SealedFile } from './layers.ts';

export interface Sealed {
  outcome: 'sealed';
  revision: number;
  /** In the order in which they must be written. timestamp.json is the last, and nothing counts before it. */
  files: SealedFile[];
}

export interface ResignInput extends Signing {
  previous: Published;
}

export interface SealInput extends Signing {
  payloads: PayloadBytes;
  binding: Omit<Binding, 'revision'>;
  /** Absent at the first publish, and after keys were rotated to recover from a fast-forward. */
  previous?: Published;
}

const contentOf = ({ targets, binding: { revision: _, ...binding } }: Verified): Content => ({
  binding,
  payloads: eachPayload(name => described(name, targets.signed.targets[name])),
});

const describe = (name: PayloadName, body: Uint8Array): Description => {
  if (body.length > LIMITS.payload)
    throw fail('too_large', `${name} has ${body.length} bytes; clients take ${LIMITS.payload} at most`);
  return { length: body.length, sha256: sha256(body) };
};

export const readRoots = async (input: Signing): Promise<[Metadata<Root>[], Metadata<Root>]> => {
  const roots = input.roots.map(bytes => orInvalid(() => readRoot('root.json', bytes)));
  const last = input.roots.at(-1);
  if (!last) throw fail('invalid', 'a repository needs at least one root; make one with makeRoot');
  const current = orInvalid(() => trustRoot('root.json', last));
  if (current.signed.isExpired(input.now))
    throw fail(
      'unavailable',
      `root ${current.signed.version} expired at ${current.signed.expires}; sign a new one`,
    );
  for (const role of ONLINE_ROLES) {
    const { keyID } = keyOf(await input.signers[role].publicKey());
    if (!current.signed.roles[role]?.keyIDs.includes(keyID))
      throw fail(
        'invalid',
        `root ${current.signed.version} does not list key ${keyID} for ${role}; rotate the root`,
      );
  }
  return [roots, current];
};

const checkSameNamespace = (published: SealInput['binding'], ours: SealInput['binding']): void => {
  for (const key of ['tenant', 'namespace', 'namespaceID'] as const)
    if (published[key] !== ours[key])
      throw fail(
        'conflict',
        `a bundle of ${published.namespace} is published here; ${ours.namespace} can't replace it`,
      );
};

/** The roles whose files must be signed anew. What names a new file is new as well: targets ← snapshot ← timestamp. */
const dueRoles = (
  current: Metadata<Root>,
  before: Verified | undefined,
  content: Content,
  now: Date,
): Record<OnlineRole, boolean> => {
  if (!before) return { targets: true, snapshot: true, timestamp: true };
  const ageing = (role: OnlineRole) =>
    Date.parse(before[role].signed.expires) - now.getTime() < LIFETIMES[role].renewBelow ||
    !signedUnder(current, role, before);
  const published = contentOf(before).payloads;
  const changed = PAYLOAD_NAMES.some(name => published[name].sha256 !== content.payloads[name].sha256);
  const targets = changed || ageing('targets');
  const snapshot = targets || ageing('snapshot');
  return { targets, snapshot, timestamp: snapshot || ageing('timestamp') };
};

export const after = (...versions: (number | undefined)[]): number => {
  const highest = Math.max(0, ...versions.filter(version => version !== undefined));
  if (highest < Number.MAX_SAFE_INTEGER) return highest + 1;
  throw fail(
    'conflict',
    `version ${highest} has no successor; rotate the online keys and publish without it`,
  );
};

/** Signs what is due. Undefined when nothing is. */
const sealDue = async (
  input: Signing,
  current: Metadata<Root>,
  before: Verified | undefined,
  content: Content,
): Promise<Sealed | undefined> => {
  const due = dueRoles(current, before, content, input.now);
  if (!due.timestamp) return undefined;
  const { taken } = input;
  const standing = before?.snapshot.signed.meta['targets.json'];
  const targets: Layer =
    !standing || due.targets
      ? await sealTargets(content, after(standing?.version, taken?.targets), input)
      : { meta: standing };
  const named = before?.timestamp.signed.snapshotMeta;
  const snapshot: Layer =
    !named || due.snapshot
      ? await sealSnapshot(targets.meta, after(named?.version, taken?.snapshot), input)
      : { meta: named };
  const timestamp = await sealTimestamp(snapshot.meta, after(before?.timestamp.signed.version), input);
  const files = [targets.file, snapshot.file, timestamp].filter(each => each !== undefined);
  return { outcome: 'sealed', revision: targets.meta.version, files };
};

/** Roots that were not in force at the publish before: clients must find them before what they sign. */
const newRoots = (input: Signing, before: Verified | undefined): SealedFile[] =>
  input.roots.slice(before ? before.rootIndex + 1 : 0).map(root => file(rootPath(root), root, 'replace'));

/**
 * Seals payloads under the next revision: at most three signatures, whatever their size. `unchanged` when the same
 * payloads are published already and nothing nears its expiry. Throws `conflict` when what is published was not
 * signed by us, `invalid` when signers and root don't go together, `unavailable` past the root's expiry, `too_large`.
 */
export const seal = async (
  input: SealInput,
): Promise<Sealed | { outcome: 'unchanged'; revision: number }> => {
  const [roots, current] = await readRoots(input);
  const before = input.previous && readPublished(roots, input.previous);
  if (before) checkSameNamespace(before.binding, input.binding);
  const payloads = eachPayload(name => describe(name, input.payloads[name]));
  const sealed = await sealDue(input, current, before, { binding: input.binding, payloads });
  if (!sealed) return { outcome: 'unchanged', revision: before?.targets.signed.version ?? 0 };
  const published = before && contentOf(before).payloads;
  const bodies = PAYLOAD_NAMES.filter(name => published?.[name].sha256 !== payloads[name].sha256).map(name =>
    file(PATHS.payload(payloads[name].sha256, name), input.payloads[name], 'replace'),
  );
  const files = [...newRoots(input, before), ...bodies, ...sealed.files];
  return { outcome: 'sealed', revision: sealed.revision, files };
};

/**
 * Signs anew what nears its expiry or was signed by keys that the root in force no longer lists, without compiling:
 * undefined when nothing is due. Throws as `seal` does.
 */
export const resign = async (input: ResignInput): Promise<Sealed | undefined> => {
  const [roots, current] = await readRoots(input);
  const before = readPublished(roots, input.previous);
  const sealed = await sealDue(input, current, before, contentOf(before));
  return sealed && { ...sealed, files: [...newRoots(input, before), ...sealed.files] };
};
