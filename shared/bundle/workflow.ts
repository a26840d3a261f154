import type { Metadata, Root, Snapshot, Targets, Timestamp } from '@tufjs/models';
import { Binding, PAYLOADS, type PayloadName } from '../schema/bundle.ts';
import {
  checkHash,
  type Description,
  described,
  PATHS,
  type Role,
  readRoot,
  readSnapshot,
  readTargets,
  readTimestamp,
  verify,
} from './metadata.ts';
import { refuse } from './refusal.ts';

/**
 * The checks of the TUF client workflow, one function a role, clause numbers as in specification 1.0.
 * They are pure and throw a `Refusal`; what is fetched, kept and given up is decided in open.ts.
 */

/** What a bundle must be bound to. Without `tenant`, any tenant will do. */
export interface Expected {
  tenant?: string;
  namespace: string;
  namespaceID: string;
}

export const PAYLOAD_NAMES = Object.keys(PAYLOADS).sort() as PayloadName[];

/** 5.3.10, 5.4.4, 5.5.6, 5.6.5: freeze. */
export const checkExpiry = (
  file: string,
  metadata: Metadata<Root | Timestamp | Snapshot | Targets>,
  now: Date,
): void => {
  if (metadata.signed.isExpired(now))
    throw refuse('expired', file, `${file} expired at ${metadata.signed.expires}`);
};

const checkOnly = (file: string, names: readonly string[], allowed: readonly string[]): void => {
  const extra = names.filter(name => !allowed.includes(name));
  if (extra.length > 0) throw refuse('extraneous', file, `${file} also names ${extra.join(', ')}`);
  const absent = allowed.filter(name => !names.includes(name));
  if (absent.length > 0) throw refuse('missing', file, `${file} does not name ${absent.join(', ')}`);
};

/** 5.2: the root that is trusted already. It may be past its expiry. */
export const trustRoot = (file: string, bytes: Uint8Array): Metadata<Root> => {
  const root = readRoot(file, bytes);
  verify(root, 'root', file, root);
  return root;
};

/** 5.3.4 to 5.3.7: the successor of `trusted`. */
export const nextRoot = (trusted: Metadata<Root>, file: string, bytes: Uint8Array): Metadata<Root> => {
  const root = readRoot(file, bytes);
  // 5.3.4: signed by a threshold of the old keys, and of its own.
  verify(trusted, 'root', file, root);
  verify(root, 'root', file, root);
  // 5.3.5
  const wanted = trusted.signed.version + 1;
  if (root.signed.version < wanted)
    throw refuse('rollback', file, `${file} has version ${root.signed.version}, not ${wanted}`);
  if (root.signed.version > wanted)
    throw refuse('wrong_version', file, `${file} has version ${root.signed.version}, not ${wanted}`);
  return root;
};

/** 5.3.11: whether the keys of timestamp or snapshot changed. */
export const rotated = (before: Metadata<Root>, after: Metadata<Root>): boolean => {
  const keys = (root: Metadata<Root>, role: Role) =>
    JSON.stringify([root.signed.roles[role]?.keyIDs.toSorted(), root.signed.roles[role]?.threshold]);
  return (['timestamp', 'snapshot'] as const).some(role => keys(before, role) !== keys(after, role));
};

/** 5.4.2: signatures. */
export const readSignedTimestamp = (root: Metadata<Root>, bytes: Uint8Array): Metadata<Timestamp> => {
  const timestamp = readTimestamp(PATHS.timestamp, bytes);
  verify(root, 'timestamp', PATHS.timestamp, timestamp);
  return timestamp;
};

/** 5.4.3: rollback. Which of the two to go on with: equal versions mean that nothing is new. */
export const laterTimestamp = (
  trusted: Metadata<Timestamp> | undefined,
  offered: Metadata<Timestamp>,
): Metadata<Timestamp> => {
  if (!trusted) return offered;
  const [before, after] = [trusted.signed, offered.signed];
  // 5.4.3.1
  if (after.version < before.version)
    throw refuse('rollback', PATHS.timestamp, `timestamp ${after.version} is older than ${before.version}`);
  if (after.version === before.version) return trusted;
  // 5.4.3.2
  if (after.snapshotMeta.version < before.snapshotMeta.version)
    throw refuse(
      'rollback',
      PATHS.timestamp,
      `timestamp names snapshot ${after.snapshotMeta.version}, older than ${before.snapshotMeta.version}`,
    );
  return offered;
};

export const snapshotPlace = (timestamp: Metadata<Timestamp>): Description & { path: string } => {
  const meta = timestamp.signed.snapshotMeta;
  return { path: PATHS.snapshot(meta.version), ...described(PATHS.snapshot(meta.version), meta) };
};

/** 5.5.2 to 5.5.5, without expiry. `trusted` is the snapshot of the update before. */
export const acceptSnapshot = (
  root: Metadata<Root>,
  timestamp: Metadata<Timestamp>,
  trusted: Metadata<Snapshot> | undefined,
  bytes: Uint8Array,
): Metadata<Snapshot> => {
  const place = snapshotPlace(timestamp);
  // 5.5.2
  checkHash(place.path, bytes, place);
  const snapshot = readSnapshot(place.path, bytes);
  // 5.5.3
  verify(root, 'snapshot', place.path, snapshot);
  // 5.5.4
  if (snapshot.signed.version !== timestamp.signed.snapshotMeta.version)
    throw refuse('wrong_version', place.path, `${place.path} has version ${snapshot.signed.version}`);
  checkOnly(place.path, Object.keys(snapshot.signed.meta), ['targets.json']);
  // 5.5.5
  const [before, after] = [trusted, snapshot].map(each => each?.signed.meta['targets.json']?.version ?? 0);
  if ((after ?? 0) < (before ?? 0))
    throw refuse('rollback', place.path, `${place.path} names targets ${after}, older than ${before}`);
  return snapshot;
};

export const targetsPlace = (snapshot: Metadata<Snapshot>): Description & { path: string } => {
  const meta = snapshot.signed.meta['targets.json'];
  const path = PATHS.targets(meta?.version ?? 0);
  return { path, ...described(path, meta) };
};

/** 5.6.2 to 5.6.4, without expiry. Delegations are refused: nobody but the publisher speaks here. */
export const acceptSigned = (
  root: Metadata<Root>,
  snapshot: Metadata<Snapshot>,
  bytes: Uint8Array,
): Metadata<Targets> => {
  const place = targetsPlace(snapshot);
  // 5.6.2
  checkHash(place.path, bytes, place);
  const targets = readTargets(place.path, bytes);
  // 5.6.3
  verify(root, 'targets', place.path, targets);
  // 5.6.4
  if (targets.signed.version !== snapshot.signed.meta['targets.json']?.version)
    throw refuse('wrong_version', place.path, `${place.path} has version ${targets.signed.version}`);
  if (targets.signed.delegations) throw refuse('extraneous', place.path, `${place.path} delegates`);
  return targets;
};

/** The targets of a bundle: its payloads, and nothing else. */
export const acceptTargets = (
  root: Metadata<Root>,
  snapshot: Metadata<Snapshot>,
  bytes: Uint8Array,
): Metadata<Targets> => {
  const targets = acceptSigned(root, snapshot, bytes);
  checkOnly(targetsPlace(snapshot).path, Object.keys(targets.signed.targets), PAYLOAD_NAMES);
  return targets;
};

/** Ours on top of TUF: every target is bound to the same namespace, and the revision is the version of targets. */
export const bindingOf = (path: string, targets: Metadata<Targets>): Binding => {
  const [first, ...others] = PAYLOAD_NAMES.map(name => {
    const parsed = Binding.safeParse(targets.signed.targets[name]?.custom);
    if (!parsed.success)
      throw refuse('wrong_binding', path, `${path} does not say which namespace ${name} is for`);
    return parsed.data;
  });
  const same = (a: Binding, b: Binding) =>
    (Object.keys(Binding.shape) as (keyof Binding)[]).every(key => a[key] === b[key]);
  if (!first || others.some(other => !same(first, other)))
    throw refuse('wrong_binding', path, `${path} binds its targets to different namespaces`);
  if (first.revision !== targets.signed.version)
    throw refuse(
      'wrong_version',
      path,
      `${path} is version ${targets.signed.version} of revision ${first.revision}`,
    );
  return first;
};

export const checkBinding = (path: string, binding: Binding, expected: Expected): void => {
  for (const key of ['tenant', 'namespace', 'namespaceID'] as const)
    if (expected[key] !== undefined && expected[key] !== binding[key])
      throw refuse('wrong_binding', path, `${path} has the ${key} ${binding[key]}, not ${expected[key]}`);
};

/** 5.7.1: where a payload lies and what its bytes must be. */
export const payloadPlace = (
  targets: Metadata<Targets>,
  name: PayloadName,
): Description & { path: string } => {
  const description = described(name, targets.signed.targets[name]);
  return { path: PATHS.payload(description.sha256, name), ...description };
};
