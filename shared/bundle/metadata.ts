import { createHash, createPublicKey } from 'node:crypto';
import { canonicalize } from '@tufjs/canonical-json';
import {
  Key,
  Metadata,
  MetadataKind,
  type Root,
  type Snapshot,
  type Targets,
  type Timestamp,
} from '@tufjs/models';
import { fail } from '../schema/failure.ts';
import { refuse } from './refusal.ts';

export const ONLINE_ROLES = ['targets', 'snapshot', 'timestamp'] as const;
export type OnlineRole = (typeof ONLINE_ROLES)[number];
export type Role = 'root' | OnlineRole;

/** Specification that the metadata follows. */
export const SPEC_VERSION = '1.0.31';

/** Longest file that is read, in bytes. Where signed metadata states a length, that one counts if it is lower. */
export const LIMITS = {
  root: 512_000,
  timestamp: 16_384,
  snapshot: 65_536,
  targets: 65_536,
  payload: 64 * 1024 * 1024,
  /** Roots that one update walks through. */
  rotations: 256,
} as const;

/** Paths below the repository's prefix. Snapshots are consistent: only timestamp.json is ever replaced. */
export const PATHS = {
  timestamp: 'metadata/timestamp.json',
  root: (version: number): string => `metadata/${version}.root.json`,
  snapshot: (version: number): string => `metadata/${version}.snapshot.json`,
  targets: (version: number): string => `metadata/${version}.targets.json`,
  payload: (sha256: string, name: string): string => `targets/${sha256}.${name}`,
} as const;

export const sha256 = (bytes: Uint8Array | string): string =>
  createHash('sha256').update(bytes).digest('hex');

/** TUF key of a P-256 public key. Its id is the SHA-256 of its canonical JSON, as section 4.2 says. */
export const keyOf = (pem: string): Key => {
  const key = createPublicKey(pem);
  if (key.asymmetricKeyDetails?.namedCurve !== 'prime256v1')
    throw fail('invalid', `a ${key.asymmetricKeyType} key can't sign bundles; give an ECDSA P-256 key`);
  const fields = {
    keytype: 'ecdsa',
    scheme: 'ecdsa-sha2-nistp256',
    keyval: { public: key.export({ type: 'spki', format: 'pem' }).toString() },
  };
  return Key.fromJSON(sha256(canonicalize(fields)), fields);
};

type Signed = Root | Timestamp | Snapshot | Targets;
type Json = Parameters<typeof Metadata.fromJSON>[1];

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Invalid UTF-8 is refused rather than replaced. Throws whatever is wrong with the text. */
export const parseJson = (bytes: Uint8Array): unknown => JSON.parse(utf8.decode(bytes));

const read = <T extends Signed>(
  file: string,
  bytes: Uint8Array,
  parse: (json: Json) => Metadata<T>,
): Metadata<T> => {
  try {
    const metadata = parse(parseJson(bytes) as Json);
    if (Number.isSafeInteger(metadata.signed.version) && metadata.signed.version >= 1) return metadata;
  } catch (error) {
    throw refuse('malformed', file, `${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
  throw refuse('malformed', file, `${file}: the version must be an integer from 1`);
};

export const readTimestamp = (file: string, bytes: Uint8Array): Metadata<Timestamp> =>
  read(file, bytes, json => Metadata.fromJSON(MetadataKind.Timestamp, json));
export const readSnapshot = (file: string, bytes: Uint8Array): Metadata<Snapshot> =>
  read(file, bytes, json => Metadata.fromJSON(MetadataKind.Snapshot, json));
export const readTargets = (file: string, bytes: Uint8Array): Metadata<Targets> =>
  read(file, bytes, json => Metadata.fromJSON(MetadataKind.Targets, json));

/**
 * A root with keys of our one algorithm, each under the id that its content gives it, so that one key under two ids
 * does not count twice towards a threshold.
 */
export const readRoot = (file: string, bytes: Uint8Array): Metadata<Root> => {
  const root = read(file, bytes, json => Metadata.fromJSON(MetadataKind.Root, json));
  for (const [keyID, key] of Object.entries(root.signed.keys)) {
    if (key.scheme !== 'ecdsa-sha2-nistp256')
      throw refuse('malformed', file, `${file}: key ${keyID} has the scheme ${key.scheme}`);
    if (sha256(canonicalize(key.toJSON())) !== keyID)
      throw refuse('malformed', file, `${file}: key ${keyID} is not the SHA-256 of its content`);
  }
  if (!root.signed.consistentSnapshot)
    throw refuse('malformed', file, `${file}: consistent_snapshot must be true`);
  return root;
};

/** Checks that a threshold of the role's keys, as `root` lists them, signed `metadata`. */
export const verify = (root: Metadata<Root>, role: Role, file: string, metadata: Metadata<Signed>): void => {
  try {
    root.verifyDelegate(role, metadata);
  } catch (error) {
    throw refuse('unsigned', file, `${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
};

/** What signed metadata says of another file. Both are required here, though the specification lets them be absent. */
export interface Description {
  length: number;
  sha256: string;
}

export const described = (
  file: string,
  meta: { length?: number | undefined; hashes?: Record<string, string> | undefined } | undefined,
): Description => {
  const digest = meta?.hashes?.sha256;
  if (meta?.length === undefined || !Number.isSafeInteger(meta.length) || digest === undefined)
    throw refuse('malformed', file, `${file} is not described by a length and a SHA-256`);
  return { length: meta.length, sha256: digest };
};

export const fits = (bytes: Uint8Array, description: Description): boolean =>
  bytes.length === description.length && sha256(bytes) === description.sha256;

export const checkHash = (file: string, bytes: Uint8Array, description: Description): void => {
  if (bytes.length > description.length)
    throw refuse('too_long', file, `${file} is longer than the ${description.length} bytes that are signed`);
  if (!fits(bytes, description))
    throw refuse('wrong_hash', file, `${file} is not the ${description.length} bytes ${description.sha256}`);
};
