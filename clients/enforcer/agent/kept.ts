import { createHash } from 'node:crypto';
import { closeSync, openSync, readdirSync, readFileSync, readSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { TrustedState } from '../../../shared/bundle/open.ts';
import { PAYLOADS, type PayloadBytes, type PayloadName } from '../../../shared/schema/bundle.ts';
import { makeFolder, writeWhole } from '../files.ts';
import { digestOf } from './host-policy.ts';

const INDEX = 'bundle.json';
const NAMES = Object.keys(PAYLOADS).sort() as PayloadName[];

const Bytes = z.base64();
const Digest = z.string().regex(/^[0-9a-f]{64}$/);

/** The metadata itself, and which files hold the payloads. */
const Index = z.object({
  version: z.literal(1),
  root: Bytes,
  timestamp: Bytes.optional(),
  snapshot: Bytes.optional(),
  bundle: z
    .object({
      root: Bytes,
      timestamp: Bytes,
      snapshot: Bytes,
      targets: Bytes,
      payloads: z.object({
        'directives.json': Digest,
        'peers.json': Digest,
        'policy.json': Digest,
      } satisfies Record<PayloadName, z.ZodType>),
    })
    .optional(),
});
type Index = z.infer<typeof Index>;

/** Payloads, and what a crash left of one that was being written. */
const PAYLOAD = /^[0-9a-f]{64}\.(directives|peers|policy)\.json(\.new)?$/;
const fileOf = (digest: string, name: string): string => `${digest}.${name}`;
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
const bytes = (base64: string): Uint8Array => Buffer.from(base64, 'base64');

/** Bytes of a file that are read at a time. */
const STRIDE = 1 << 18;

function hashOfFile(path: string): string {
  const file = openSync(path, 'r');
  try {
    const [hash, buffer] = [createHash('sha256'), Buffer.alloc(STRIDE)];
    for (let length = STRIDE; length > 0; ) {
      length = readSync(file, buffer);
      hash.update(buffer.subarray(0, length));
    }
    return hash.digest('hex');
  } finally {
    closeSync(file);
  }
}

/** What there was on disk. `damage`: what could not be read of it, for people. */
export interface Kept {
  state?: TrustedState;
  damage?: string;
}

/**
 * The bundle on disk, with everything that its signatures can be checked with again. One small file says which payloads
 * belong to it and is replaced whole, so that a crash leaves the bundle before or the one after. Nothing here is trusted:
 * `reopen` decides what is still good.
 */
export class KeptBundle {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  load(): Kept {
    let index: Index;
    try {
      index = Index.parse(JSON.parse(readFileSync(join(this.#folder, INDEX), 'utf8')));
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return {};
      return { damage: `${INDEX} can't be read: ${firstLine(error)}` };
    }
    const { bundle } = index;
    const seen: TrustedState = {
      root: bytes(index.root),
      ...(index.timestamp === undefined ? {} : { timestamp: bytes(index.timestamp) }),
      ...(index.snapshot === undefined ? {} : { snapshot: bytes(index.snapshot) }),
    };
    if (!bundle) return { state: seen };
    try {
      const payloads = Object.fromEntries(
        NAMES.map(name => [name, readFileSync(join(this.#folder, fileOf(bundle.payloads[name], name)))]),
      ) as unknown as PayloadBytes;
      const { root, timestamp, snapshot, targets } = bundle;
      const files = {
        root: bytes(root),
        timestamp: bytes(timestamp),
        snapshot: bytes(snapshot),
        targets: bytes(targets),
      };
      return { state: { ...seen, bundle: { ...files, payloads } } };
    } catch (error) {
      return { state: seen, damage: `a payload can't be read: ${firstLine(error)}` };
    }
  }

  /** Throws what the system says, such as ENOSPC; then what was kept before still is. */
  save(state: TrustedState): void {
    makeFolder(this.#folder);
    const present = new Set(readdirSync(this.#folder));
    const { bundle } = state;
    const digests = new Map<PayloadName, string>();
    if (bundle) {
      for (const name of NAMES) {
        const digest = digestOf(bundle.payloads, name);
        digests.set(name, digest);
        if (!present.has(fileOf(digest, name)) || !this.#holds(fileOf(digest, name), digest))
          writeWhole(join(this.#folder, fileOf(digest, name)), bundle.payloads[name]);
      }
    }
    writeWhole(join(this.#folder, INDEX), JSON.stringify(indexOf(state, digests)));
    const wanted = new Set([...digests].map(([name, digest]) => fileOf(digest, name)));
    for (const name of present)
      if (PAYLOAD.test(name) && !wanted.has(name)) rmSync(join(this.#folder, name), { force: true });
  }

  #holds(file: string, digest: string): boolean {
    try {
      return hashOfFile(join(this.#folder, file)) === digest;
    } catch {
      return false;
    }
  }
}

function indexOf(
  { root, timestamp, snapshot, bundle }: TrustedState,
  digests: Map<PayloadName, string>,
): Index {
  return {
    version: 1,
    root: text(root),
    ...(timestamp ? { timestamp: text(timestamp) } : {}),
    ...(snapshot ? { snapshot: text(snapshot) } : {}),
    ...(bundle
      ? {
          bundle: {
            root: text(bundle.root),
            timestamp: text(bundle.timestamp),
            snapshot: text(bundle.snapshot),
            targets: text(bundle.targets),
            payloads: Object.fromEntries(digests) as Record<PayloadName, string>,
          },
        }
      : {}),
  };
}

const firstLine = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? '';
