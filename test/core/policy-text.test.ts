import { expect, test, vi } from 'vitest';
import { PolicyText } from '../../shared/core/policy-text.ts';
import { makePayloads } from '../make/payloads.ts';

const policy = makePayloads()['policy.json'];
const bytes = Buffer.from(JSON.stringify(policy));

test('a policy is the payload that it was read from, and has its bytes', () => {
  const text = new PolicyText(policy, bytes);
  expect(text).toEqual(policy);
  expect(text.size).toBe(policy.rulesets.length);
  expect(text.bytes().equals(bytes)).toBe(true);
});

test('rulesets that nobody holds any more are read anew, the same as before', () => {
  const text = new PolicyText({ ...policy, rulesets: [] }, bytes);
  expect(text.rulesets).toEqual([]);
  const held = vi.spyOn(WeakRef.prototype, 'deref').mockReturnValue(undefined);
  expect(text.rulesets).toEqual(policy.rulesets);
  held.mockRestore();
  expect(text.rulesets).toBe(text.rulesets);
});
