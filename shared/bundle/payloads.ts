import type { z } from 'zod';
import { PeerList } from '../core/peer-list.ts';
import { type Binding, PAYLOADS, type PayloadBytes, type Payloads } from '../schema/bundle.ts';
import { parseJson } from './metadata.ts';
import { refuse } from './refusal.ts';

/** A bundle's content. Peers may be many: they stay as they came, and are read when they are asked for. */
export type Opened = Omit<Payloads, 'peers.json'> & { 'peers.json': PeerList };

/** Bytes → what was read from them, so that a payload that goes on from one bundle to the next is read once. */
const READ = new WeakMap<Uint8Array, unknown>();

const once = <T>(bytes: Uint8Array, read: () => T): T => {
  const known = READ.get(bytes) as T | undefined;
  const made = known ?? read();
  READ.set(bytes, made);
  return made;
};

const parse = <T>(name: string, schema: z.ZodType<T>, bytes: Uint8Array): T =>
  once(bytes, () => {
    let json: unknown;
    try {
      json = parseJson(bytes);
    } catch (error) {
      throw refuse(
        'invalid_payload',
        name,
        `${name}: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
    const parsed = schema.safeParse(json);
    if (parsed.success) return parsed.data;
    const [issue] = parsed.error.issues;
    throw refuse('invalid_payload', name, `${name}: ${issue?.path.join('.')}: ${issue?.message}`);
  });

/** `earlier`: bytes of peers that were read before, of which these may be a later state. */
const parsePeers = (bytes: Uint8Array, earlier: Uint8Array | undefined): PeerList =>
  once(bytes, () => {
    try {
      return PeerList.read(bytes, earlier && (READ.get(earlier) as PeerList | undefined));
    } catch {
      // Says where and why.
      return PeerList.of(parse('peers.json', PAYLOADS['peers.json'], bytes));
    }
  });

/**
 * Bytes whose hashes are verified → payloads. The policy says itself for which namespace it was compiled. `kept`: those
 * of the bundle before.
 */
export const parsePayloads = (bytes: PayloadBytes, binding: Binding, kept?: PayloadBytes): Opened => {
  const payloads: Opened = {
    'directives.json': parse('directives.json', PAYLOADS['directives.json'], bytes['directives.json']),
    'peers.json': parsePeers(bytes['peers.json'], kept?.['peers.json']),
    'policy.json': parse('policy.json', PAYLOADS['policy.json'], bytes['policy.json']),
  };
  const { namespace, namespaceID } = payloads['policy.json'];
  if (namespace !== binding.namespace || namespaceID !== binding.namespaceID)
    throw refuse(
      'wrong_binding',
      'policy.json',
      `policy.json was compiled for ${namespace} (${namespaceID})`,
    );
  return payloads;
};
