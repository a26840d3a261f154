import type { Metadata, Targets } from '@tufjs/models';
import { z } from 'zod';
import { checkHash, described, LIMITS, PATHS } from './metadata.ts';
import { type Reason, Refusal, refuse } from './refusal.ts';
import { readSeenSnapshot, walkRoots } from './seen.ts';
import { type Fetch, sourceOf } from './source.ts';
import { type TrustedState, withoutSeen } from './state.ts';
import {
  acceptSigned,
  acceptSnapshot,
  checkExpiry,
  laterTimestamp,
  readSignedTimestamp,
  snapshotPlace,
  targetsPlace,
  trustRoot,
} from './workflow.ts';

/** What is kept of the catalogue between two fetches: its newest metadata, as the files' bytes. */
export type CatalogueState = Omit<TrustedState, 'bundle'>;

export interface WantedRelease {
  version: string;
  platform: string;
  /** Of the processor; a file for any will do where there is none for this one. */
  architecture: string;
}

interface FetchInput {
  /** Reads below the prefix of the catalogue. */
  fetch: Fetch;
  state: CatalogueState;
  wanted: WantedRelease;
  now: Date;
  /** The deadline for everything. */
  signal: AbortSignal;
}

export type FetchedRelease =
  | { ok: true; state: CatalogueState; name: string; sha256: string; bytes: Uint8Array }
  | { ok: false; state: CatalogueState; reason: Reason; detail: string };

/** Bytes of the list of all releases, and of one release. */
const LONGEST = { targets: 4 * 1024 * 1024, release: 512 * 1024 * 1024 } as const;

const Custom = z.object({ version: z.string(), platform: z.string(), architecture: z.string() });

/** The file for this machine, before one for any. */
function chosen(path: string, targets: Metadata<Targets>, wanted: WantedRelease): string {
  const found = Object.entries(targets.signed.targets).flatMap(([name, { custom }]) => {
    const { data } = Custom.safeParse(custom);
    const fits = data?.version === wanted.version && data.platform === wanted.platform;
    return fits ? [{ name, architecture: data.architecture }] : [];
  });
  const best =
    found.find(({ architecture }) => architecture === wanted.architecture) ??
    found.find(({ architecture }) => architecture === 'any');
  if (best) return best.name;
  throw refuse(
    'missing',
    path,
    `no release ${wanted.version} for ${wanted.platform} on ${wanted.architecture}; publish it with apoctl enforcer release`,
  );
}

/**
 * Fetches a release of the agent from the catalogue by TUF's client workflow. Every byte that it gives is what the
 * publisher signed; it throws nothing but bugs.
 */
export async function fetchRelease({
  fetch,
  state: before,
  wanted,
  now,
  signal,
}: FetchInput): Promise<FetchedRelease> {
  const source = sourceOf(fetch, signal);
  let state = before;
  try {
    // 5.3
    const root = await walkRoots(source, trustRoot('root.json', state.root), (bytes, rotation) => {
      state = { ...(rotation ? withoutSeen(state) : state), root: bytes };
    });
    checkExpiry(PATHS.root(root.signed.version), root, now);
    // 5.4
    const seen = state.timestamp && readSignedTimestamp(root, state.timestamp);
    const offered = await source.required(PATHS.timestamp, LIMITS.timestamp);
    const timestamp = laterTimestamp(seen, readSignedTimestamp(root, offered));
    checkExpiry(PATHS.timestamp, timestamp, now);
    state = { ...state, timestamp: timestamp === seen && state.timestamp ? state.timestamp : offered };
    // 5.5
    const seenSnapshot = state.snapshot && readSeenSnapshot(root, state.snapshot);
    const snapshotAt = snapshotPlace(timestamp);
    const snapshotBytes = await source.described(snapshotAt, LIMITS.snapshot, state.snapshot);
    const snapshot = acceptSnapshot(root, timestamp, seenSnapshot, snapshotBytes);
    checkExpiry(snapshotAt.path, snapshot, now);
    state = { ...state, snapshot: snapshotBytes };
    // 5.6
    const targetsAt = targetsPlace(snapshot);
    const targets = acceptSigned(
      root,
      snapshot,
      await source.described(targetsAt, LONGEST.targets, undefined),
    );
    checkExpiry(targetsAt.path, targets, now);
    // 5.7
    const name = chosen(targetsAt.path, targets, wanted);
    const description = described(name, targets.signed.targets[name]);
    const path = PATHS.payload(description.sha256, name);
    const bytes = await source.described({ path, ...description }, LONGEST.release, undefined);
    checkHash(path, bytes, description);
    return { ok: true, state, name, sha256: description.sha256, bytes };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { ok: false, state, reason: error.reason, detail: error.message };
  } finally {
    source.close();
  }
}
