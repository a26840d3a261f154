import type { Metadata, Root, Snapshot, Targets, Timestamp } from '@tufjs/models';
import type { Binding, PayloadName } from '../schema/bundle.ts';
import { checkHash, LIMITS, ONLINE_ROLES, PATHS, type Role } from './metadata.ts';
import { type Opened as OpenedPayloads, parsePayloads } from './payloads.ts';
import { type Reason, Refusal, refuse } from './refusal.ts';
import { type News, RestingPayloads } from './resting.ts';
import { readSeenSnapshot, walkRoots } from './seen.ts';
import { type Fetch, sourceOf } from './source.ts';
import { type StoredBundle, type TrustedState, withoutSeen } from './state.ts';
import {
  acceptSnapshot,
  acceptTargets,
  bindingOf,
  checkBinding,
  checkExpiry,
  type Expected,
  laterTimestamp,
  PAYLOAD_NAMES,
  payloadPlace,
  readSignedTimestamp,
  snapshotPlace,
  targetsPlace,
  trustRoot,
} from './workflow.ts';

// Clients import this file, and fetch-release.ts, and no other of the folder.
export { REASONS, type Reason } from './refusal.ts';
export { RestingPayloads } from './resting.ts';
export type { Fetch } from './source.ts';
export type { StoredBundle, TrustedState } from './state.ts';
export type { Expected } from './workflow.ts';

/** `file` is a path below the prefix, or a payload's name. `detail` is a sentence for people. */
interface Refused {
  ok: false;
  reason: Reason;
  file: string;
  detail: string;
}

interface Opened {
  ok: true;
  state: TrustedState;
  payloads: OpenedPayloads;
  binding: Binding;
  revision: number;
  /** When the first of its files expires, and whose that is. The bundle is stale from then on. */
  expires: { role: Role; at: Date };
}

export type OpenResult =
  /** `changed`: false when the payloads are those of the bundle before, byte for byte. */
  | (Opened & { changed: boolean })
  /** `state` is to be kept here too: the last good bundle is still in it, and newer versions may have been seen. */
  | (Refused & { state: TrustedState });

export interface OpenInput {
  fetch: Fetch;
  state: TrustedState;
  expected: Expected;
  /** 5.1: one time for the whole update. */
  now: Date;
  /** The deadline, such as `AbortSignal.timeout(60_000)`. */
  signal: AbortSignal;
}

const refused = (error: unknown): Refused => {
  if (!(error instanceof Refusal)) throw error;
  return { ok: false, reason: error.reason, file: error.file, detail: error.message };
};

const firstExpiry = (
  files: Record<Role, Metadata<Root | Timestamp | Snapshot | Targets>>,
): Opened['expires'] => {
  const at = (role: Role) => new Date(files[role].signed.expires);
  const role = [...ONLINE_ROLES, 'root' as const].reduce((first, next) =>
    at(next) < at(first) ? next : first,
  );
  return { role, at: at(role) };
};

/**
 * Updates from a repository: TUF's client workflow, whose checks are in workflow.ts, then our binding and the
 * payloads' schemas. Returns a whole new bundle or a reason; it throws nothing but bugs.
 */
export const open = async ({
  fetch,
  state: before,
  expected,
  now,
  signal,
}: OpenInput): Promise<OpenResult> => {
  const source = sourceOf(fetch, signal);
  let state = before;
  try {
    // 5.2 and 5.3. 5.3.11, the recovery from a fast-forward, is done with the very root that rotates the keys.
    const root = await walkRoots(source, trustRoot('root.json', state.root), (bytes, rotation) => {
      state = { ...(rotation ? withoutSeen(state) : state), root: bytes };
    });
    checkExpiry(PATHS.root(root.signed.version), root, now);

    // 5.4
    const seen = state.timestamp && readSignedTimestamp(root, state.timestamp);
    const offeredBytes = await source.required(PATHS.timestamp, LIMITS.timestamp);
    const timestamp = laterTimestamp(seen, readSignedTimestamp(root, offeredBytes));
    checkExpiry(PATHS.timestamp, timestamp, now);
    const timestampBytes = timestamp === seen && state.timestamp ? state.timestamp : offeredBytes;
    state = { ...state, timestamp: timestampBytes };

    // 5.5
    const seenSnapshot = state.snapshot && readSeenSnapshot(root, state.snapshot);
    const snapshotAt = snapshotPlace(timestamp);
    const snapshotBytes = await source.described(snapshotAt, LIMITS.snapshot, state.snapshot);
    const snapshot = acceptSnapshot(root, timestamp, seenSnapshot, snapshotBytes);
    checkExpiry(snapshotAt.path, snapshot, now);
    state = { ...state, snapshot: snapshotBytes };

    // 5.6
    const targetsAt = targetsPlace(snapshot);
    const targetsBytes = await source.described(targetsAt, LIMITS.targets, state.bundle?.targets);
    const targets = acceptTargets(root, snapshot, targetsBytes);
    checkExpiry(targetsAt.path, targets, now);
    const binding = bindingOf(targetsAt.path, targets);
    checkBinding(targetsAt.path, binding, expected);

    // 5.7
    const kept = state.bundle?.payloads;
    const resting = kept instanceof RestingPayloads ? kept : undefined;
    const news: News = {};
    let changed = false;
    const take = async (name: PayloadName): Promise<void> => {
      const place = payloadPlace(targets, name);
      if (resting?.is(name, place)) return;
      const before = resting ? undefined : kept?.[name];
      const bytes = await source.described(place, LIMITS.payload, before);
      changed ||= bytes !== before;
      checkHash(place.path, bytes, place);
      news[name] = { bytes, length: place.length, sha256: place.sha256 };
    };
    await Promise.all(PAYLOAD_NAMES.map(take));
    const payloads = parsePayloads(news, binding, resting);
    const bundle: StoredBundle = {
      root: state.root,
      timestamp: timestampBytes,
      snapshot: snapshotBytes,
      targets: targetsBytes,
      payloads,
    };
    state = { ...state, bundle };
    const expires = firstExpiry({ root, timestamp, snapshot, targets });
    const { opened } = payloads;
    return { ok: true, state, payloads: opened, binding, revision: binding.revision, expires, changed };
  } catch (error) {
    return { ...refused(error), state };
  } finally {
    source.close();
  }
};

export type ReopenResult =
  /** Past an expiry a bundle stays enforced: `stale`, for `staleFor` milliseconds (0 while it is fresh). */
  | (Opened & { stale: boolean; staleFor: number })
  /** `state` holds what is still good of it; undefined when its root is damaged, so that the installed one must do. */
  | (Refused & { state: TrustedState | undefined });

/**
 * Verifies a stored state again, every signature and every hash, as a client does when it starts. Nothing is
 * fetched, and being past an expiry is reported rather than refused: the last good bundle outlives its publisher.
 */
export const reopen = (stored: TrustedState, now: Date, expected: Expected): ReopenResult => {
  let state: TrustedState | undefined;
  try {
    const newest = trustRoot('root.json', stored.root);
    state = { root: stored.root };
    if (stored.timestamp) {
      readSignedTimestamp(newest, stored.timestamp);
      state = { ...state, timestamp: stored.timestamp };
    }
    if (stored.snapshot) {
      readSeenSnapshot(newest, stored.snapshot);
      state = { ...state, snapshot: stored.snapshot };
    }
    const bundle = stored.bundle;
    if (!bundle) throw refuse('missing', 'bundle', 'no bundle was accepted yet');
    const root = trustRoot('root.json', bundle.root);
    if (root.signed.version > newest.signed.version)
      throw refuse('wrong_version', 'root.json', 'the bundle has a newer root than the newest that was seen');
    const timestamp = readSignedTimestamp(root, bundle.timestamp);
    const snapshot = acceptSnapshot(root, timestamp, undefined, bundle.snapshot);
    const targets = acceptTargets(root, snapshot, bundle.targets);
    const path = targetsPlace(snapshot).path;
    const binding = bindingOf(path, targets);
    checkBinding(path, binding, expected);
    const news: News = {};
    for (const name of PAYLOAD_NAMES) {
      const { length, sha256 } = payloadPlace(targets, name);
      news[name] = { bytes: bundle.payloads[name], length, sha256 };
      checkHash(name, news[name].bytes, news[name]);
    }
    const payloads = parsePayloads(news, binding);
    const expires = firstExpiry({ root: newest, timestamp, snapshot, targets });
    const staleFor = Math.max(0, now.getTime() - expires.at.getTime());
    const stale = now >= expires.at;
    return {
      ok: true,
      state: { ...stored, bundle: { ...bundle, payloads } },
      payloads: payloads.opened,
      binding,
      revision: binding.revision,
      expires,
      stale,
      staleFor,
    };
  } catch (error) {
    return { ...refused(error), state };
  }
};
