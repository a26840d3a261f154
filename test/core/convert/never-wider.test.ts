import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { convert } from '../../../shared/core/convert/convert.ts';
import type { SideDecision } from '../../../shared/core/decision.ts';
import { evaluate, policiesOf } from '../../../shared/core/evaluate.ts';
import type { Finding } from '../../../shared/schema/conversion.ts';
import { viewOf } from '../objects.ts';
import { flowOf } from '../random-tenant.ts';
import { decideLegacy, type LegacyAnswer } from './legacy.ts';
import { asExport, asLegacy, flows, HOME, imported, legacyTenant, surroundings } from './random-export.ts';

/** Runs of the long form: `CONVERSION_RUNS=100000 npx vitest run --project unit test/core/convert`. */
const RUNS = Number(process.env.CONVERSION_RUNS ?? 400);

const isNarrower = (findings: readonly Finding[], policy: string): boolean =>
  findings.some(({ effect, object }) => effect === 'narrower' && object.name === policy);

/** The ruleset's policy: `p3-incoming` was made of `p3`. */
const policyOf = (ruleset: string): string => ruleset.replace(/-(incoming|outgoing)$/, '');

/** Why a flow that was allowed is now rejected is told: by who rejects it, or by all who allowed it. */
const isCovered = (before: LegacyAnswer, after: SideDecision, findings: readonly Finding[]): boolean =>
  'rule' in after.by
    ? isNarrower(findings, policyOf(after.by.rule.name))
    : before.by.length > 0 && before.by.every(name => isNarrower(findings, name));

describe('converted policies', () => {
  test('decide as before, or less where a finding names the policy', { timeout: 3_600_000 }, () => {
    const counts = { decisions: 0, byPolicy: 0, same: 0, narrower: 0 };
    fc.assert(
      fc.property(legacyTenant, flows, (random, shapes) => {
        const exports = asExport(random);
        const { export: mine, findings } = convert(exports.mine, { ancestors: [exports.above] });
        const { export: above } = convert(exports.above);
        const { entries, units } = surroundings(random);
        const policies = policiesOf(
          viewOf([...entries, ...imported(above, '/t', 1000), ...imported(mine, HOME, 3000)]),
        );
        const legacy = asLegacy(random);
        for (const shape of shapes) {
          const flow = flowOf(shape, units);
          const after = evaluate(flow, policies);
          for (const isActive of [true, false]) {
            const before = decideLegacy(legacy, flow, isActive);
            for (const end of ['source', 'destination'] as const) {
              const [was, is] = [before[end], after[end]];
              if (!was || !is) continue;
              counts.decisions++;
              if (was.by.length > 0) counts.byPolicy++;
              if (was.verdict === is.verdict) {
                counts.same++;
                continue;
              }
              expect(is.verdict, `${end} ${JSON.stringify(flow)}`).toBe('reject');
              expect(
                isCovered(was, is, findings),
                `${end} ${JSON.stringify({ flow, was, is, findings })}`,
              ).toBe(true);
              counts.narrower++;
            }
          }
        }
      }),
      { numRuns: RUNS },
    );
    process.stdout.write(
      `conversion: ${RUNS} exports, ${counts.decisions} decisions (${counts.byPolicy} by a policy), ${counts.same} the same, ${counts.narrower} narrower, 0 wider\n`,
    );
    expect(counts.same).toBeGreaterThan(counts.narrower);
  });

  test('stay as they are when they are converted again', () => {
    fc.assert(
      fc.property(legacyTenant, random => {
        const { mine, above } = asExport(random);
        const once = convert(mine, { ancestors: [above], suffix: '-v2' });
        const twice = convert(once.export, { ancestors: [above], suffix: '-v2' });
        expect(twice).toEqual({ export: once.export, findings: [] });
      }),
      { numRuns: 100 },
    );
  });
});
