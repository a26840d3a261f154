import type { z } from 'zod';
import { PeerList } from '../core/peer-list.ts';
import { PolicyText } from '../core/policy-text.ts';
import { type Binding, PAYLOADS, type PayloadName, type Payloads } from '../schema/bundle.ts';
import { parseJson } from './metadata.ts';
import { refuse } from './refusal.ts';
import { type News, RestingPayloads } from './resting.ts';

/** A bundle's content. Peers and rulesets may be many: they stay as they came, and are read when they are asked for. */
export type Opened = Omit<Payloads, 'peers.json' | 'policy.json'> & {
  'peers.json': PeerList;
  'policy.json': PolicyText;
};

const parse = <T>(name: string, schema: z.ZodType<T>, bytes: Uint8Array): T => {
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
};

/** `earlier`: a list of which this may be a later state. */
const parsePeers = (bytes: Uint8Array, earlier: PeerList | undefined): PeerList => {
  try {
    return PeerList.read(bytes, earlier);
  } catch {
    // Says where and why.
    return PeerList.of(parse('peers.json', PAYLOADS['peers.json'], bytes));
  }
};

/**
 * Bytes whose hashes are verified → payloads; what is not among `news` goes on from the bundle `before`. The policy says
 * itself for which namespace it was compiled.
 */
export const parsePayloads = (news: News, binding: Binding, before?: RestingPayloads): RestingPayloads => {
  const read = <N extends PayloadName>(name: N, how: (bytes: Uint8Array) => Opened[N]): Opened[N] => {
    const { bytes } = news[name] ?? {};
    const known = before?.opened[name];
    if (bytes) return how(bytes);
    if (known) return known;
    throw new TypeError(`there is no ${name}`);
  };
  const payloads: Opened = {
    'directives.json': read('directives.json', bytes =>
      parse('directives.json', PAYLOADS['directives.json'], bytes),
    ),
    'peers.json': read('peers.json', bytes => parsePeers(bytes, before?.opened['peers.json'])),
    'policy.json': read(
      'policy.json',
      bytes => new PolicyText(parse('policy.json', PAYLOADS['policy.json'], bytes), bytes),
    ),
  };
  const { namespace, namespaceID } = payloads['policy.json'];
  if (namespace !== binding.namespace || namespaceID !== binding.namespaceID)
    throw refuse(
      'wrong_binding',
      'policy.json',
      `policy.json was compiled for ${namespace} (${namespaceID})`,
    );
  return RestingPayloads.of(payloads, news, before);
};
