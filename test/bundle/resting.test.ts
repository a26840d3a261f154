import { expect, test } from 'vitest';
import { sha256 } from '../../shared/bundle/metadata.ts';
import { parsePayloads } from '../../shared/bundle/payloads.ts';
import type { Checked } from '../../shared/bundle/resting.ts';
import type { Binding, PayloadName } from '../../shared/schema/bundle.ts';
import { makePayloads, NAMESPACE, NAMESPACE_ID, payloadBytes } from '../make/payloads.ts';

const BOUND = { namespace: NAMESPACE, namespaceID: NAMESPACE_ID } as Binding;
const NAMES: readonly PayloadName[] = ['directives.json', 'peers.json', 'policy.json'];
const checked = (bytes: Uint8Array): Checked => ({ bytes, length: bytes.length, sha256: sha256(bytes) });
const newsOf = (payloads: Record<PayloadName, Uint8Array>) => ({
  'directives.json': checked(payloads['directives.json']),
  'peers.json': checked(payloads['peers.json']),
  'policy.json': checked(payloads['policy.json']),
});
const texts = (payloads: Record<PayloadName, Uint8Array>): string[] =>
  NAMES.map(name => Buffer.from(payloads[name]).toString());

test('accepted payloads have the bytes that came, from one bundle to the next', () => {
  const [before, after] = [payloadBytes(makePayloads()), payloadBytes(makePayloads('db'))];
  const first = parsePayloads(newsOf(before), BOUND);
  expect(texts(first)).toEqual(texts(before));
  const second = parsePayloads({ 'peers.json': checked(after['peers.json']) }, BOUND, first);
  expect(texts(second)).toEqual(texts({ ...before, 'peers.json': after['peers.json'] }));
  expect(second.opened['policy.json']).toBe(first.opened['policy.json']);
  for (const name of NAMES) expect(second.digest(name)).toBe(sha256(second[name]));
});

test('peers in other words than ours keep theirs', () => {
  const payloads = payloadBytes(makePayloads());
  const spaced = Buffer.from(JSON.stringify(makePayloads()['peers.json'], undefined, 2));
  const resting = parsePayloads(newsOf({ ...payloads, 'peers.json': spaced }), BOUND);
  expect(Buffer.from(resting['peers.json']).equals(spaced)).toBe(true);
  expect(resting.opened['peers.json']).toEqual(makePayloads()['peers.json']);
});
