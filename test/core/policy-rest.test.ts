import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Flow } from '../../shared/core/decision.ts';
import { evaluate, policiesOf } from '../../shared/core/evaluate.ts';
import { viewOf } from './objects.ts';
import { entriesOf, flowOf, shape, tenant, unitEnds } from './random-tenant.ts';

const DIRECTIONS = ['incoming', 'outgoing'] as const;
const flows = fc.array(shape, { minLength: 4, maxLength: 12 });

test('a policy at rest decides as it did, for the same reasons, whenever it was laid to rest', () => {
  fc.assert(
    fc.property(tenant, flows, fc.nat(12), (from, shapes, when) => {
      const entries = entriesOf(from);
      const units = unitEnds(entries);
      const wanted = shapes.map((one): Flow => flowOf(one, units));
      const [awake, resting] = [policiesOf(viewOf(entries)), policiesOf(viewOf(entries))];
      const rest = () => {
        for (const { namespace } of units) resting(namespace).at(namespace).rest();
      };
      for (const [at, flow] of wanted.entries()) {
        if (at === when % wanted.length) rest();
        expect(evaluate(flow, resting)).toEqual(evaluate(flow, awake));
      }
      // Once more, from what it remembers.
      for (const flow of wanted) expect(evaluate(flow, resting)).toEqual(evaluate(flow, awake));
    }),
    { numRuns: 300 },
  );
});

test('a policy at rest has the rules that it had, and finds each by its rank', () => {
  fc.assert(
    fc.property(tenant, from => {
      const entries = entriesOf(from);
      const policies = policiesOf(viewOf(entries));
      for (const { namespace, tags } of unitEnds(entries))
        for (const direction of DIRECTIONS) {
          const policy = policies(namespace).at(namespace);
          const subject = policy.wire(tags);
          const before = policy.rules(subject, direction);
          policy.rest();
          expect(policy.rules(subject, direction)).toEqual(before);
          for (const rule of before) expect(policy.rule(direction, rule.rank)).toEqual(rule);
        }
    }),
    { numRuns: 100 },
  );
});
