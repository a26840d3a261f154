import { Metadata, MetaFile, type Root, Snapshot, TargetFile, Targets, Timestamp } from '@tufjs/models';
import { Binding, type PayloadBytes, type PayloadName } from '../schema/bundle.ts';
import { fail } from '../schema/failure.ts';
import {
  type Description,
  described,
  keyOf,
  LIMITS,
  ONLINE_ROLES,
  type OnlineRole,
  PATHS,
  readRoot,
  SPEC_VERSION,
  sha256,
} from './metadata.ts';
import { type Published, readPublished, signedUnder, type Verified } from './published.ts';
import { orInvalid } from './refusal.ts';
import { rootPath } from './root.ts';
import { addSignatures, encode, expiry, type SealSigner } from './sign.ts';
import { PAYLOAD_NAMES, trustRoot } from './workflow.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** Milliseconds that a file is good for when it is signed, and below how many of them it is signed anew. */
export const LIFETIMES = {
  targets: { validFor: 90 * DAY, renewBelow: 30 * DAY },
  snapshot: { validFor: 7 * DAY, renewBelow: 3 * DAY },
  timestamp: { validFor: DAY, renewBelow: 12 * HOUR },
} as const;

export interface SealedFile {
  /** Below the repository's prefix. */
  key: string;
  body: Uint8Array;
  contentType: string;
  /**
   * How to write it. `replace`: its name follows from its content, or it is the same for everybody. `create`: only
   * where there is none, as two publishers may have made different ones (see `taken`). `swap`: only over the
   * timestamp.json that `previous` was read from, or where there was none.
   */
  write: 'replace' | 'create' | 'swap';
}

export interface Sealed {
  outcome: 'sealed';
  revision: number;
  /** In the order in which they must be written. timestamp.json is the last, and nothing counts before it. */
  files: SealedFile[];
}

/** What every signing needs. */
interface Signing {
  /** Every root so far, oldest first. The last one is in force and lists the keys of `signers`. */
  roots: readonly Uint8Array[];
  signers: Readonly<Record<OnlineRole, SealSigner>>;
  now: Date;
  /**
   * Versions that an unfinished publish left in the bucket, known from a `create` that met a file while
   * timestamp.json had not moved. Higher ones are taken.
   */
  taken?: { targets?: number; snapshot?: number };
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

interface Content {
  binding: Omit<Binding, 'revision'>;
  payloads: Record<PayloadName, Description>;
}

const eachPayload = <T>(of: (name: PayloadName) => T): Record<PayloadName, T> => ({
  'directives.json': of('directives.json'),
  'peers.json': of('peers.json'),
  'policy.json': of('policy.json'),
});

const contentOf = ({ targets, binding: { revision: _, ...binding } }: Verified): Content => ({
  binding,
  payloads: eachPayload(name => described(name, targets.signed.targets[name])),
});

const describe = (name: PayloadName, body: Uint8Array): Description => {
  if (body.length > LIMITS.payload)
    throw fail('too_large', `${name} has ${body.length} bytes; clients take ${LIMITS.payload} at most`);
  return { length: body.length, sha256: sha256(body) };
};

const readRoots = async (input: Signing): Promise<[Metadata<Root>[], Metadata<Root>]> => {
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

const file = (key: string, body: Uint8Array, write: SealedFile['write']): SealedFile => ({
  key,
  body,
  contentType: 'application/json',
  write,
});

/** A metadata file and how the one above describes it; no `file` where the published one stays. */
interface Layer {
  meta: MetaFile;
  file?: SealedFile;
}

const layer = (version: number, signed: SealedFile): Layer => ({
  meta: new MetaFile({ version, length: signed.body.length, hashes: { sha256: sha256(signed.body) } }),
  file: signed,
});

const sign = async (signed: Targets | Snapshot | Timestamp, signer: SealSigner): Promise<Uint8Array> =>
  encode(await addSignatures(new Metadata(signed), [signer]));

/** Every target carries the binding. The version of targets is the revision, so signing anew makes one too. */
const sealTargets = async (content: Content, version: number, input: Signing): Promise<Layer> => {
  const custom = Binding.parse({ ...content.binding, revision: version });
  const targets = eachPayload(name => {
    const { length, sha256 } = content.payloads[name];
    return new TargetFile({ path: name, length, hashes: { sha256 }, unrecognizedFields: { custom } });
  });
  const expires = expiry(input.now, LIFETIMES.targets.validFor);
  const body = await sign(
    new Targets({ specVersion: SPEC_VERSION, version, expires, targets }),
    input.signers.targets,
  );
  return layer(version, file(PATHS.targets(version), body, 'create'));
};

const sealSnapshot = async (targets: MetaFile, version: number, input: Signing): Promise<Layer> => {
  const expires = expiry(input.now, LIFETIMES.snapshot.validFor);
  const meta = { 'targets.json': targets };
  const body = await sign(
    new Snapshot({ specVersion: SPEC_VERSION, version, expires, meta }),
    input.signers.snapshot,
  );
  return layer(version, file(PATHS.snapshot(version), body, 'create'));
};

const sealTimestamp = async (
  snapshotMeta: MetaFile,
  version: number,
  input: Signing,
): Promise<SealedFile> => {
  const expires = expiry(input.now, LIFETIMES.timestamp.validFor);
  const body = await sign(
    new Timestamp({ specVersion: SPEC_VERSION, version, expires, snapshotMeta }),
    input.signers.timestamp,
  );
  return file(PATHS.timestamp, body, 'swap');
};

const after = (...versions: (number | undefined)[]): number => {
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
export const seal = async (input: SealInput): Promise<Sealed | { outcome: 'unchanged' }> => {
  const [roots, current] = await readRoots(input);
  const before = input.previous && readPublished(roots, input.previous);
  if (before) checkSameNamespace(before.binding, input.binding);
  const payloads = eachPayload(name => describe(name, input.payloads[name]));
  const sealed = await sealDue(input, current, before, { binding: input.binding, payloads });
  if (!sealed) return { outcome: 'unchanged' };
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
