import type { Tag } from '../schema/tag.ts';
import { HIGHEST, LINES, type Line, type Outcome, outcomesOf } from './outcomes.ts';
import type { NamespacePolicy } from './policy.ts';
import type { ParsedRule } from './rule-index.ts';
import { joined, overlay, type Span } from './spans.ts';

/** What one end's policy says to a peer, for all traffic. */
export interface Side {
  policy: NamespacePolicy;
  direction: 'incoming' | 'outgoing';
  rules: readonly ParsedRule[];
}

/** `tags` are the unit's own; `peer` the clauses that the other end satisfies, by its tags or by networks. */
export function sideOf(
  policy: NamespacePolicy,
  direction: Side['direction'],
  tags: readonly Tag[],
  peer: readonly number[],
): Side {
  const clauses = new Set(peer);
  const rules = policy
    .rules(policy.wire(tags), direction)
    .filter(rule => rule.object.some(clause => clauses.has(clause)));
  return { policy, direction, rules };
}

const allows = ({ policy, direction }: Side, { enforced }: Outcome): boolean =>
  (enforced ? enforced.action : policy.namespace[direction].action) === 'Allow';

/** Text of a stretch of traffic, as protocolPorts write it. */
function textOf(line: Line, { from, to }: Pick<Span<unknown>, 'from' | 'to'>): string[] {
  if (line === 'tcp' || line === 'udp') return [`${line}/${from === to ? from : `${from}:${to}`}`];
  if (line === 'other') return [];
  return [line];
}

/**
 * Traffic that all sides allow, in the grammar of protocolPorts. TCP and UDP are exact; ICMP is named when any of it is
 * allowed; other protocols are left out. `any` when everything is.
 */
export function allowedTraffic(sides: readonly Side[]): string[] {
  const perLine = LINES.map(line => {
    const spans = sides
      .map(side =>
        outcomesOf(side.rules, false)[line].map(
          (span): Span<boolean> => ({ ...span, value: allows(side, span.value) }),
        ),
      )
      .reduce((a, b) =>
        overlay(HIGHEST[line], a, b).map(span => ({
          ...span,
          value: span.value[0] === true && span.value[1] === true,
        })),
      );
    return { line, spans: joined(spans, (a, b) => a === b) };
  });
  if (perLine.every(({ spans }) => spans.every(({ value }) => value))) return ['any'];
  const texts = perLine.flatMap(({ line, spans }) =>
    spans.filter(({ value }) => value).flatMap(span => textOf(line, span)),
  );
  return [...new Set(texts)];
}
