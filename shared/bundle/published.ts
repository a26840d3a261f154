import type { Metadata, Root, Snapshot, Targets, Timestamp } from '@tufjs/models';
import type { Binding } from '../schema/bundle.ts';
import { fail } from '../schema/failure.ts';
import { type OnlineRole, verify } from './metadata.ts';
import { Refusal } from './refusal.ts';
import { acceptSnapshot, acceptTargets, bindingOf, readSignedTimestamp, targetsPlace } from './workflow.ts';

/** What is in the bucket now: timestamp.json, and the snapshot and targets that follow from it. */
export interface Published {
  timestamp: Uint8Array;
  snapshot: Uint8Array;
  targets: Uint8Array;
}

/** A publication whose signatures and hashes were verified. */
export interface Verified {
  timestamp: Metadata<Timestamp>;
  snapshot: Metadata<Snapshot>;
  targets: Metadata<Targets>;
  binding: Binding;
  /** Index of the root that its signatures were verified with. */
  rootIndex: number;
}

const verifyWith = (root: Metadata<Root>, { timestamp, snapshot, targets }: Published) => {
  const readTimestamp = readSignedTimestamp(root, timestamp);
  const readSnapshot = acceptSnapshot(root, readTimestamp, undefined, snapshot);
  const readTargets = acceptTargets(root, readSnapshot, targets);
  const binding = bindingOf(targetsPlace(readSnapshot).path, readTargets);
  return { timestamp: readTimestamp, snapshot: readSnapshot, targets: readTargets, binding };
};

/**
 * Reads what a former publish left in the bucket. Nothing there is taken on trust, as its versions are counted on
 * from: a forged one could make us sign a version that no client ever gets past. Before a rotation of keys it was
 * signed under an older root, so the newest root that fits is looked for.
 */
export const readPublished = (roots: readonly Metadata<Root>[], published: Published): Verified => {
  let reason = '';
  for (const [rootIndex, root] of [...roots.entries()].reverse()) {
    try {
      return { ...verifyWith(root, published), rootIndex };
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      reason ||= error.message;
    }
  }
  throw fail(
    'conflict',
    `what is published now was not signed under any of the ${roots.length} roots (${reason}); restore it, or rotate the keys and publish without it`,
  );
};

/** Whether the role's file would still be accepted under this root. */
export const signedUnder = (root: Metadata<Root>, role: OnlineRole, verified: Verified): boolean => {
  try {
    verify(root, role, role, verified[role]);
    return true;
  } catch {
    return false;
  }
};
