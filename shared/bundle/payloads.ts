import type { z } from 'zod';
import { type Binding, PAYLOADS, type PayloadBytes, type Payloads } from '../schema/bundle.ts';
import { parseJson } from './metadata.ts';
import { refuse } from './refusal.ts';

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

/** Bytes whose hashes are verified → payloads. The policy says itself for which namespace it was compiled. */
export const parsePayloads = (bytes: PayloadBytes, binding: Binding): Payloads => {
  const payloads: Payloads = {
    'directives.json': parse('directives.json', PAYLOADS['directives.json'], bytes['directives.json']),
    'peers.json': parse('peers.json', PAYLOADS['peers.json'], bytes['peers.json']),
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
