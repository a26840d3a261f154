import { createHash } from 'node:crypto';
import { canonicalize } from '@tufjs/canonical-json';
import { keyOf } from '../../shared/bundle/metadata.ts';
import type { TestSigner } from './keys.ts';
import { type Files, published } from './repository.ts';

/** The signed part of a metadata file, free to be bent. */
// biome-ignore lint/suspicious/noExplicitAny: an attacker is not held to the types of metadata
export type Bendable = any;

const decode = (bytes: Uint8Array | undefined): Bendable =>
  JSON.parse(new TextDecoder().decode(bytes)).signed;

/** A metadata file with exactly these signatures, made without shared/bundle. */
export const signJson = async (signed: Bendable, signers: readonly TestSigner[]): Promise<Uint8Array> => {
  const message = new TextEncoder().encode(canonicalize(signed));
  const signatures = await Promise.all(
    signers.map(async signer => ({
      keyid: keyOf(signer.pem).keyID,
      sig: Buffer.from(await signer.sign(message)).toString('hex'),
    })),
  );
  return new TextEncoder().encode(JSON.stringify({ signatures, signed }));
};

export const describeBytes = (body: Uint8Array) => ({
  length: body.length,
  hashes: { sha256: createHash('sha256').update(body).digest('hex') },
});

export interface Forgery {
  /** Whoever signs each layer. A layer that nobody signs stays as it was published. */
  signers: { targets?: TestSigner; snapshot?: TestSigner; timestamp: TestSigner };
  /** Changes to the signed parts, after versions were raised by one and hashes were put right. */
  targets?: (signed: Bendable) => void;
  snapshot?: (signed: Bendable) => void;
  timestamp?: (signed: Bendable) => void;
}

/** What somebody who holds some of the keys, or none of the right ones, would publish next. */
export const forge = async (base: Files, forgery: Forgery): Promise<Files> => {
  const files: Files = new Map(base);
  const before = published(base);
  const targets = decode(before?.targets);
  const snapshot = decode(before?.snapshot);
  const timestamp = decode(before?.timestamp);
  const { signers } = forgery;
  if (signers.targets) {
    targets.version++;
    for (const target of Object.values<Bendable>(targets.targets)) target.custom.revision = targets.version;
    forgery.targets?.(targets);
    const body = await signJson(targets, [signers.targets]);
    files.set(`metadata/${targets.version}.targets.json`, body);
    snapshot.meta['targets.json'] = { version: targets.version, ...describeBytes(body) };
  }
  if (signers.snapshot) {
    snapshot.version++;
    forgery.snapshot?.(snapshot);
    const body = await signJson(snapshot, [signers.snapshot]);
    files.set(`metadata/${snapshot.version}.snapshot.json`, body);
    timestamp.meta['snapshot.json'] = { version: snapshot.version, ...describeBytes(body) };
  }
  timestamp.version++;
  forgery.timestamp?.(timestamp);
  files.set('metadata/timestamp.json', await signJson(timestamp, [signers.timestamp]));
  return files;
};

/** Sets one value, by its path: `set('meta', 'snapshot.json', 'version', 9)`; undefined removes it. */
export const set =
  (...path: (string | number | boolean | object | undefined)[]) =>
  (signed: Bendable): void => {
    const value = path.at(-1);
    const key = String(path.at(-2));
    const holder = path.slice(0, -2).reduce<Bendable>((each, name) => each[String(name)], signed);
    if (value === undefined) delete holder[key];
    else holder[key] = value;
  };
