import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compile } from '../../shared/core/compile.ts';
import type { Flow, FlowDecision, NetworkEnd, SideDecision, UnitEnd } from '../../shared/core/decision.ts';
import { decide, evaluate, policiesOf } from '../../shared/core/evaluate.ts';
import { modelFromPayload } from '../../shared/core/policy.ts';
import { PAYLOADS } from '../../shared/schema/bundle.ts';
import type { NamespacePath } from '../../shared/schema/ids.ts';
import { type Entry, viewOf } from './objects.ts';
import {
  entriesOf,
  flowOf,
  type RandomRuleSet,
  type RandomTenant,
  rule,
  ruleset,
  shape,
  tenant,
  unitEnds,
} from './random-tenant.ts';
import { Reference } from './reference.ts';

const flows = fc.array(shape, { minLength: 4, maxLength: 12 });

const decideAll = (entries: readonly Entry[], wanted: readonly Flow[]): FlowDecision[] => {
  const policies = policiesOf(viewOf(entries));
  return wanted.map(flow => evaluate(flow, policies));
};

const flowsIn = (entries: readonly Entry[], shapes: Parameters<typeof flowOf>[0][]): Flow[] => {
  const units = unitEnds(entries);
  return shapes.map(one => flowOf(one, units));
};

const byText = (by: SideDecision['by']): string => {
  if (!('rule' in by)) return `default ${by.default.namespace}`;
  return `${by.rule.rulesetID} ${by.rule.index} ${by.via.kind === 'processing unit' ? 'unit' : by.via.ID}`;
};

const answer = (side: SideDecision | undefined) =>
  side && {
    verdict: side.verdict,
    by: byText(side.by),
    ...(side.observed ? { observed: `${side.observed.verdict} ${byText(side.observed.by)}` } : {}),
  };

/** The flow as the enforcer of one end sees it: the peer is who peers.json says has its address. */
function asEnforcer(
  entries: readonly Entry[],
  path: NamespacePath,
  peer: UnitEnd | NetworkEnd,
): { model: ReturnType<typeof modelFromPayload>; peer: UnitEnd | NetworkEnd } {
  const { payloads } = compile(viewOf(entries), path);
  const read = (bytes: Uint8Array): unknown => JSON.parse(Buffer.from(bytes).toString());
  const model = modelFromPayload(PAYLOADS['policy.json'].parse(read(payloads['policy.json'])));
  const { identities } = PAYLOADS['peers.json'].parse(read(payloads['peers.json']));
  if (peer.address === undefined) return { model, peer };
  const { address } = peer;
  const known = identities.find(one => one.addresses.includes(address));
  return {
    model,
    peer: known
      ? { kind: 'processing unit', namespace: known.namespace, tags: known.tags, address }
      : { kind: 'network', address },
  };
}

const withRuleSets = (from: RandomTenant, rulesets: RandomRuleSet[]): RandomTenant => ({ ...from, rulesets });

/** The same tenant with one more rule, in a ruleset of its own. */
const adding = (action: 'Allow' | 'Reject') =>
  fc.record({
    tenant,
    flows,
    extra: fc.tuple(ruleset, rule(fc.constant(action), fc.constant(false)), fc.boolean()).map(
      ([base, one, incoming]): RandomRuleSet => ({
        ...base,
        fallback: false,
        incomingRules: incoming ? [one] : [],
        outgoingRules: incoming ? [] : [one],
      }),
    ),
  });

describe('laws of policy', () => {
  test('a plain reading of the semantics gives the same verdicts for the same reasons', () => {
    fc.assert(
      fc.property(tenant, flows, (random, shapes) => {
        const entries = entriesOf(random);
        const wanted = flowsIn(entries, shapes);
        const reference = new Reference(entries);
        for (const [at, decision] of decideAll(entries, wanted).entries()) {
          const flow = wanted[at];
          if (!flow) continue;
          const expected = reference.evaluate(flow);
          expect(answer(decision.source)).toEqual(expected.source);
          expect(answer(decision.destination)).toEqual(expected.destination);
          const allowed = [decision.source, decision.destination].every(side => side?.verdict !== 'reject');
          expect(decision.verdict).toBe(allowed ? 'allow' : 'reject');
        }
      }),
      { numRuns: 120 },
    );
  });

  test('a bundle decides as the whole tenant does', () => {
    fc.assert(
      fc.property(tenant, flows, (random, shapes) => {
        const entries = entriesOf(random);
        const wanted = flowsIn(entries, shapes);
        for (const [at, decision] of decideAll(entries, wanted).entries()) {
          const flow = wanted[at];
          if (!flow) continue;
          const { from, to, traffic } = flow;
          if (from.kind === 'processing unit') {
            const { model, peer } = asEnforcer(entries, from.namespace, to);
            expect(decide(model.at(from.namespace), 'source', from, peer, traffic)).toEqual(decision.source);
          }
          if (to.kind === 'processing unit') {
            const { model, peer } = asEnforcer(entries, to.namespace, from);
            expect(decide(model.at(to.namespace), 'destination', to, peer, traffic)).toEqual(
              decision.destination,
            );
          }
        }
      }),
      { numRuns: 30 },
    );
  });

  test('an added Allow never turns an allow into a reject', () => {
    fc.assert(
      fc.property(adding('Allow'), ({ tenant: before, flows: shapes, extra }) => {
        // A ruleset that newly selects a subject switches its fallback rulesets off: that is what they are for.
        const plain = withRuleSets(
          before,
          before.rulesets.map(one => ({ ...one, fallback: false })),
        );
        const after = withRuleSets(plain, [...plain.rulesets, extra]);
        const wanted = flowsIn(entriesOf(plain), shapes);
        const then = decideAll(entriesOf(after), wanted);
        for (const [at, { verdict }] of decideAll(entriesOf(plain), wanted).entries())
          if (verdict === 'allow') expect(then[at]?.verdict).toBe('allow');
      }),
      { numRuns: 30 },
    );
  });

  test('an added Reject never turns a reject into an allow', () => {
    fc.assert(
      fc.property(adding('Reject'), ({ tenant: before, flows: shapes, extra }) => {
        const plain = withRuleSets(
          before,
          before.rulesets.map(one => ({ ...one, fallback: false })),
        );
        const after = withRuleSets(plain, [...plain.rulesets, extra]);
        const wanted = flowsIn(entriesOf(plain), shapes);
        const then = decideAll(entriesOf(after), wanted);
        for (const [at, { verdict }] of decideAll(entriesOf(plain), wanted).entries())
          if (verdict === 'reject') expect(then[at]?.verdict).toBe('reject');
      }),
      { numRuns: 30 },
    );
  });

  test('observed rules never change a verdict or its reason', () => {
    fc.assert(
      fc.property(tenant, flows, (random, shapes) => {
        const without = withRuleSets(
          random,
          random.rulesets.map(one => ({
            ...one,
            incomingRules: one.incomingRules.map(hide),
            outgoingRules: one.outgoingRules.map(hide),
          })),
        );
        const wanted = flowsIn(entriesOf(random), shapes);
        const then = decideAll(entriesOf(without), wanted);
        for (const [at, decision] of decideAll(entriesOf(random), wanted).entries()) {
          expect(then[at]?.verdict).toBe(decision.verdict);
          expect(then[at]?.source?.by).toEqual(decision.source?.by);
          expect(then[at]?.destination?.by).toEqual(decision.destination?.by);
        }
      }),
      { numRuns: 30 },
    );
  });

  test('the order of objects, clauses, tags and ports never changes a byte', () => {
    fc.assert(
      fc.property(tenant, fc.infiniteStream(fc.nat()), (random, chance) => {
        const draw = () => chance.next().value ?? 0;
        const entries = entriesOf(random);
        const other = entriesOf(
          withRuleSets(
            random,
            random.rulesets.map(one => ({
              ...one,
              subject: shuffled(
                one.subject.map(clause => shuffled(clause, draw)),
                draw,
              ),
              incomingRules: one.incomingRules.map(each => ({
                ...each,
                object: shuffled(
                  each.object.map(clause => shuffled(clause, draw)),
                  draw,
                ),
                protocolPorts: shuffled(each.protocolPorts, draw),
              })),
            })),
          ),
        );
        const one = viewOf(entries);
        const two = viewOf(shuffled(other, draw));
        for (const { name } of one.namespaces.values()) {
          const path = name as NamespacePath;
          expect(compile(two, path)).toEqual(compile(one, path));
        }
      }),
      { numRuns: 30 },
    );
  });

  test('the order of rules never changes a verdict', () => {
    fc.assert(
      fc.property(tenant, flows, (random, shapes) => {
        const turned = withRuleSets(
          random,
          random.rulesets.map(one => ({
            ...one,
            incomingRules: one.incomingRules.toReversed(),
            outgoingRules: one.outgoingRules.toReversed(),
          })),
        );
        const wanted = flowsIn(entriesOf(random), shapes);
        const then = decideAll(entriesOf(turned), wanted);
        for (const [at, { verdict }] of decideAll(entriesOf(random), wanted).entries())
          expect(then[at]?.verdict).toBe(verdict);
      }),
      { numRuns: 30 },
    );
  });

  test('what lives in a namespace never reaches its siblings or its parent', () => {
    fc.assert(
      fc.property(tenant, ruleset, flows, (random, extra, shapes) => {
        const after = withRuleSets(random, [...random.rulesets, { ...extra, namespace: '/t/b' }]);
        const wanted = flowsIn(entriesOf(random), shapes);
        const then = decideAll(entriesOf(after), wanted);
        for (const [at, decision] of decideAll(entriesOf(random), wanted).entries())
          for (const side of ['source', 'destination'] as const)
            if (decision[side]?.namespace !== '/t/b') expect(then[at]?.[side]).toEqual(decision[side]);
        for (const path of ['/t', '/t/a', '/t/a/x', '/u'] as NamespacePath[])
          expect(compile(viewOf(entriesOf(after)), path)).toEqual(compile(viewOf(entriesOf(random)), path));
      }),
      { numRuns: 30 },
    );
  });

  test('a view that was changed back compiles as one that never changed', () => {
    fc.assert(
      fc.property(tenant, tenant, (one, two) => {
        const view = viewOf(entriesOf(one));
        for (const { name } of view.namespaces.values()) compile(view, name as NamespacePath);
        for (const { identity, object } of entriesOf(two)) view.put(identity, object);
        for (const { identity, object } of entriesOf(two)) view.remove(identity, object.ID);
        for (const { identity, object } of entriesOf(one)) view.put(identity, object);
        const fresh = viewOf(entriesOf(one));
        for (const { name } of fresh.namespaces.values())
          expect(compile(view, name as NamespacePath)).toEqual(compile(fresh, name as NamespacePath));
      }),
      { numRuns: 30 },
    );
  });
});

/** A rule that matches nothing in place of an observed one, so that the others keep their index. */
const hide = <R extends RandomRuleSet['incomingRules'][number]>(one: R): R =>
  one.observationEnabled ? { ...one, object: [['app=nowhere']], observationEnabled: false } : one;

const shuffled = <T>(list: readonly T[], draw: () => number): T[] =>
  list
    .map(one => ({ one, at: draw() }))
    .sort((a, b) => a.at - b.at)
    .map(({ one }) => one);
