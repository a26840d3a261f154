import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HIGHEST, type Line, outcomesOf } from '../../shared/core/outcomes.ts';
import { portsMatch, type Traffic } from '../../shared/core/ports.ts';
import type { ParsedRule } from '../../shared/core/rule-index.ts';
import { parseProtocolPorts } from '../../shared/schema/protocol-ports.ts';
import { objectId, pathOf } from './objects.ts';

const PORTS = [
  [],
  ['tcp/80'],
  ['tcp/80:443', 'udp/53'],
  ['udp/0:65535'],
  ['icmp/8/0', 'icmp6'],
  ['icmp/3/0:5,9'],
  ['esp', 'gre'],
];

const rules = fc
  .array(
    fc.record({
      action: fc.constantFrom('Allow' as const, 'Reject' as const),
      observed: fc.boolean(),
      ports: fc.constantFrom(...PORTS).map(parseProtocolPorts),
    }),
    { maxLength: 6 },
  )
  .map(list =>
    list.map(
      (one, index): ParsedRule => ({
        ...one,
        rank: index,
        logged: true,
        object: [0],
        ref: {
          rulesetID: objectId(1),
          name: 'r',
          namespace: pathOf('/t'),
          propagated: false,
          direction: 'incoming',
          index,
          ruleName: '',
        },
      }),
    ),
  );

const TRAFFIC: readonly [Line, number, Traffic][] = [
  ...[0, 79, 80, 81, 443, 444, 65_535].map((port): [Line, number, Traffic] => [
    'tcp',
    port,
    { kind: 'ports', protocol: 6, port },
  ]),
  ...[0, 52, 53, 54].map((port): [Line, number, Traffic] => [
    'udp',
    port,
    { kind: 'ports', protocol: 17, port },
  ]),
  ...[0, 3, 8].flatMap(type =>
    [0, 4, 6, 9, 255].map((code): [Line, number, Traffic] => [
      'icmp',
      type * 256 + code,
      { kind: 'icmp', protocol: 1, type, code },
    ]),
  ),
  ['icmp6', 128 * 256, { kind: 'icmp', protocol: 58, type: 128, code: 0 }],
  ['other', 50, { kind: 'protocol', protocol: 50 }],
  ['other', 47, { kind: 'protocol', protocol: 47 }],
  ['other', 132, { kind: 'protocol', protocol: 132 }],
];

describe('outcomes', () => {
  it('say of all traffic what the first rule that matches says', () => {
    fc.assert(
      fc.property(rules, list => {
        const outcomes = outcomesOf(list, false);
        for (const [line, number, traffic] of TRAFFIC) {
          const matching = list.filter(rule => portsMatch(rule.ports, traffic));
          const first = matching[0];
          const found = outcomes[line].find(({ from, to }) => from <= number && number <= to)?.value;
          expect(found).toEqual({
            enforced: matching.find(rule => !rule.observed),
            observed: first?.observed ? first : undefined,
          });
        }
      }),
    );
  });

  it('cover every line from end to end', () => {
    fc.assert(
      fc.property(rules, list => {
        for (const [line, spans] of Object.entries(outcomesOf(list, false))) {
          expect(spans[0]?.from).toBe(0);
          expect(spans.at(-1)?.to).toBe(HIGHEST[line as Line]);
        }
      }),
    );
  });

  it('forget ports, and only ports, at layer 3', () => {
    const [rule] =
      fc.sample(
        rules.filter(list => list.length > 0),
        { numRuns: 1, seed: 1 },
      )[0] ?? [];
    if (!rule) throw new Error('no rule');
    const only = (text: string) =>
      outcomesOf([{ ...rule, observed: false, ports: parseProtocolPorts([text]) }], true);
    expect(only('tcp/80').tcp).toHaveLength(1);
    expect(only('tcp/80').udp[0]?.value.enforced).toBeUndefined();
    expect(only('icmp/8/0').icmp).toHaveLength(3);
  });
});
