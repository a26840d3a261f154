import { ICMP, ICMP6, type ProtocolPort, TCP, UDP } from '../schema/protocol-ports.ts';
import type { ParsedRule } from './rule-index.ts';
import { firstCome, joined, overlay, type Span } from './spans.ts';

/**
 * What decides about a flow: the first rule that counts, none: the default action; and the observed rule that would come
 * before it.
 */
export interface Outcome {
  enforced: ParsedRule | undefined;
  observed: ParsedRule | undefined;
}

/**
 * What decides about a peer, for all traffic: five lines of numbers. `tcp` and `udp` by port, `icmp` and `icmp6` by
 * type × 256 + code, `other` by protocol number.
 */
export type Outcomes = Readonly<Record<Line, readonly Span<Outcome>[]>>;
export type Line = (typeof LINES)[number];

export const LINES = ['tcp', 'udp', 'icmp', 'icmp6', 'other'] as const;
export const HIGHEST: Readonly<Record<Line, number>> = {
  tcp: 65_535,
  udp: 65_535,
  icmp: 65_535,
  icmp6: 65_535,
  other: 255,
};

const PROTOCOLS: Readonly<Record<Exclude<Line, 'other'>, number>> = {
  tcp: TCP,
  udp: UDP,
  icmp: ICMP,
  icmp6: ICMP6,
};

type Stretch = Omit<Span<unknown>, 'value'>;

/** Where an entry of protocolPorts holds on a line. */
function stretchesOf(entry: ProtocolPort, line: Line, layer3Only: boolean): Stretch[] {
  if (line === 'other') {
    return entry.kind === 'protocol' ? [{ from: entry.protocol, to: entry.protocol }] : [];
  }
  if (entry.protocol !== PROTOCOLS[line] || entry.kind === 'protocol') return [];
  const whole = { from: 0, to: HIGHEST[line] };
  if (entry.kind === 'ports') return [layer3Only ? whole : entry.ports];
  if (entry.type === undefined) return [whole];
  const base = entry.type * 256;
  return (entry.codes ?? [{ from: 0, to: 255 }]).map(({ from, to }) => ({
    from: base + from,
    to: base + to,
  }));
}

function* claims(rules: readonly ParsedRule[], line: Line, layer3Only: boolean): Generator<Span<ParsedRule>> {
  for (const value of rules) {
    if (value.ports === 'any') yield { from: 0, to: HIGHEST[line], value };
    else
      for (const entry of value.ports)
        for (const stretch of stretchesOf(entry, line, layer3Only)) yield { ...stretch, value };
  }
}

const sameOutcome = (a: Outcome, b: Outcome): boolean =>
  a.enforced === b.enforced && a.observed === b.observed;

/** What no rule says anything about. */
const unsaid = (line: Line): readonly Span<Outcome>[] => [
  { from: 0, to: HIGHEST[line], value: { enforced: undefined, observed: undefined } },
];

function along(line: Line, rules: readonly ParsedRule[], layer3Only: boolean): readonly Span<Outcome>[] {
  // Most rules are about one line or two.
  if (claims(rules, line, layer3Only).next().done) return unsaid(line);
  const counting = rules.filter(rule => !rule.observed);
  const enforced = firstCome(HIGHEST[line], claims(counting, line, layer3Only));
  const any =
    counting.length === rules.length
      ? []
      : firstCome(HIGHEST[line], claims(rules, line, layer3Only)).filter(({ value }) => value.observed);
  const both = overlay(HIGHEST[line], enforced, any).map(({ from, to, value: [rule, observed] }) => ({
    from,
    to,
    value: { enforced: rule, observed },
  }));
  return joined(both, sameOutcome);
}

/** `rules`: those that name the peer, in order of precedence. Each line of the answer is covered from end to end. */
export const outcomesOf = (rules: readonly ParsedRule[], layer3Only: boolean): Outcomes => ({
  tcp: along('tcp', rules, layer3Only),
  udp: along('udp', rules, layer3Only),
  icmp: along('icmp', rules, layer3Only),
  icmp6: along('icmp6', rules, layer3Only),
  other: along('other', rules, layer3Only),
});
