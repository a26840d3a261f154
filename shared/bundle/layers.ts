import { Metadata, MetaFile, Snapshot, TargetFile, Targets, Timestamp } from '@tufjs/models';
import { Binding, type PayloadName } from '../schema/bundle.ts';
import { type Description, type OnlineRole, PATHS, SPEC_VERSION, sha256 } from './metadata.ts';
import { addSignatures, encode, expiry, type SealSigner } from './sign.ts';

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

/** What every signing needs. */
export interface Signing {
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

/** What targets say. */
export interface Content {
  binding: Omit<Binding, 'revision'>;
  payloads: Record<PayloadName, Description>;
}

export const eachPayload = <T>(of: (name: PayloadName) => T): Record<PayloadName, T> => ({
  'directives.json': of('directives.json'),
  'peers.json': of('peers.json'),
  'policy.json': of('policy.json'),
});

export const file = (key: string, body: Uint8Array, write: SealedFile['write']): SealedFile => ({
  key,
  body,
  contentType: 'application/json',
  write,
});

/** A metadata file and how the one above describes it; no `file` where the published one stays. */
export interface Layer {
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
export const sealTargets = async (content: Content, version: number, input: Signing): Promise<Layer> => {
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

export const sealSnapshot = async (targets: MetaFile, version: number, input: Signing): Promise<Layer> => {
  const expires = expiry(input.now, LIFETIMES.snapshot.validFor);
  const meta = { 'targets.json': targets };
  const body = await sign(
    new Snapshot({ specVersion: SPEC_VERSION, version, expires, meta }),
    input.signers.snapshot,
  );
  return layer(version, file(PATHS.snapshot(version), body, 'create'));
};

export const sealTimestamp = async (
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
