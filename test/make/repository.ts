import { makeRoot } from '../../shared/bundle/root.ts';
import { resign, type Sealed, type SealInput, seal } from '../../shared/bundle/seal.ts';
import type { Fetch } from '../../shared/bundle/source.ts';
import type { TrustedState } from '../../shared/bundle/state.ts';
import { Binding, type Payloads } from '../../shared/schema/bundle.ts';
import { makeKeys, type TestKeys } from './keys.ts';
import { NAMESPACE, NAMESPACE_ID, payloadBytes, TENANT } from './payloads.ts';

export const HOUR = 3_600_000;
export const DAY = 24 * HOUR;
export const START = new Date('2026-11-02T08:00:00Z');
export const later = (milliseconds: number): Date => new Date(START.getTime() + milliseconds);

const { revision: _, ...BOUND } = Binding.parse({
  tenant: TENANT,
  namespace: NAMESPACE,
  namespaceID: NAMESPACE_ID,
  revision: 1,
  compiledAt: '2026-11-02T07:59:59.000Z',
});

export { BOUND };

/** Files of a bucket prefix, by key. */
export type Files = Map<string, Uint8Array>;

const text = (bytes: Uint8Array | undefined) => JSON.parse(new TextDecoder().decode(bytes));

/** What a publisher reads before it seals: timestamp.json and what follows from it. */
export const published = (files: Files): SealInput['previous'] => {
  const timestamp = files.get('metadata/timestamp.json');
  if (!timestamp) return undefined;
  const snapshot = files.get(
    `metadata/${text(timestamp).signed.meta['snapshot.json'].version}.snapshot.json`,
  );
  const targets = files.get(`metadata/${text(snapshot).signed.meta['targets.json'].version}.targets.json`);
  return snapshot && targets ? { timestamp, snapshot, targets } : undefined;
};

/** A repository and the publisher that has its keys: the real sealing over a map instead of a bucket. */
export class TestRepository {
  keys: TestKeys;
  readonly files: Files = new Map();
  roots: Uint8Array[] = [];
  binding = BOUND;
  readonly threshold: number;

  private constructor(keys: TestKeys, threshold: number) {
    this.keys = keys;
    this.threshold = threshold;
  }

  static async make(options: { keys?: TestKeys; threshold?: number; binding?: typeof BOUND } = {}) {
    const repository = new TestRepository(options.keys ?? makeKeys(), options.threshold ?? 2);
    if (options.binding) repository.binding = options.binding;
    await repository.addRoot(repository.keys);
    return repository;
  }

  /** Signs the next root with the given keys, and with those of the root before it. */
  async addRoot(keys: TestKeys, expires = later(365 * DAY)): Promise<Uint8Array> {
    const root = await makeRoot({
      rootKeys: keys.root,
      previousRootKeys: this.keys.root.filter(key => !keys.root.includes(key)),
      threshold: this.threshold,
      online: { targets: keys.targets.pem, snapshot: keys.snapshot.pem, timestamp: keys.timestamp.pem },
      version: this.roots.length + 1,
      expires,
    });
    this.roots.push(root);
    this.keys = keys;
    return root;
  }

  get signers(): SealInput['signers'] {
    return this.keys;
  }

  private put(sealed: Sealed): Sealed {
    for (const file of sealed.files) this.files.set(file.key, file.body);
    return sealed;
  }

  /** Publishes payloads; `fresh` forgets what is published, as the recovery from a fast-forward does. */
  async publish(payloads: Payloads, now = START, fresh = false): Promise<Sealed | undefined> {
    const previous = fresh ? undefined : published(this.files);
    const result = await seal({
      payloads: payloadBytes(payloads),
      binding: this.binding,
      roots: this.roots,
      signers: this.signers,
      now,
      ...(previous ? { previous } : {}),
    });
    return result.outcome === 'sealed' ? this.put(result) : undefined;
  }

  async resign(now: Date): Promise<Sealed | undefined> {
    const previous = published(this.files);
    if (!previous) return undefined;
    const sealed = await resign({ roots: this.roots, signers: this.signers, now, previous });
    return sealed && this.put(sealed);
  }

  /** What a client is installed with: the first root. */
  get anchor(): TrustedState {
    const [root] = this.roots;
    return { root: root ?? new Uint8Array() };
  }
}

/** Serves files as S3 does, cut off where the contract says. */
export const serve =
  (files: ReadonlyMap<string, Uint8Array>): Fetch =>
  async (path, maxBytes) =>
    files.get(path)?.subarray(0, maxBytes + 1);
