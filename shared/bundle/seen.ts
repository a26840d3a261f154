import type { Metadata, Root, Snapshot } from '@tufjs/models';
import { LIMITS, PATHS, readSnapshot, verify } from './metadata.ts';
import type { Source } from './source.ts';
import { nextRoot, rotated } from './workflow.ts';

/** 5.3.2 to 5.3.9. `keep` is called with every root on the way. */
export const walkRoots = async (
  source: Source,
  trusted: Metadata<Root>,
  keep: (bytes: Uint8Array, rotated: boolean) => void,
): Promise<Metadata<Root>> => {
  let root = trusted;
  for (let step = 0; step < LIMITS.rotations; step++) {
    const path = PATHS.root(root.signed.version + 1);
    const bytes = await source.optional(path, LIMITS.root);
    if (!bytes) break;
    const next = nextRoot(root, path, bytes);
    keep(bytes, rotated(root, next));
    root = next;
  }
  return root;
};

/** 5.5.5 needs the snapshot of the update before. */
export const readSeenSnapshot = (root: Metadata<Root>, bytes: Uint8Array): Metadata<Snapshot> => {
  const snapshot = readSnapshot('snapshot.json', bytes);
  verify(root, 'snapshot', 'snapshot.json', snapshot);
  return snapshot;
};
