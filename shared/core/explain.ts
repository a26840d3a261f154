import type { ByRule, FlowDecision, RuleRef, SideDecision, Via } from './decision.ts';
import { printTraffic } from './ports.ts';

const printRule = ({ direction, index, ruleName, name, namespace, propagated }: RuleRef): string =>
  `${direction} rule ${index + 1}${ruleName ? ` (\`${ruleName}\`)` : ''} of ruleset \`${name}\` in ${namespace}${propagated ? ' (propagated)' : ''}`;

const printVia = (via: Via): string => {
  const tags = via.clause.join(' and ');
  return via.kind === 'processing unit'
    ? `names processing unit tags ${tags}`
    : `names external network \`${via.name}\` (${via.entry}) by ${tags}`;
};

const printBy = ({ rule, via }: ByRule): string => `${printRule(rule)} ${printVia(via)}`;

const PAST = { allow: 'allowed', reject: 'rejected' } as const;

/** One sentence about one end: `allowed: incoming rule 1 of ruleset …`. Says only what the decision holds. */
export function describeSide(decision: SideDecision): string {
  const { verdict, by, side, namespace, traffic, observed, unlisted } = decision;
  const direction = side === 'source' ? 'outgoing' : 'incoming';
  const on = printTraffic(traffic);
  const reason =
    'rule' in by
      ? `${printBy(by)} on ${on}`
      : `no rule names the peer on ${on}, and the default for ${direction} traffic in ${namespace}, set in ${by.default.namespace}, is ${by.default.action}`;
  const seen = observed
    ? `; if observed rules counted, it would be ${PAST[observed.verdict]}: ${printBy(observed.by)}`
    : '';
  const off = unlisted
    ? `; ${unlisted.join(' and ')} ${unlisted.length === 1 ? 'counts' : 'count'} for nothing, because no tag prefix of ${namespace} lists ${unlisted.length === 1 ? 'it' : 'them'}`
    : '';
  return `${PAST[verdict]}: ${reason}${seen}${off}`;
}

/** One sentence for each end that had a say. */
export const describe = (decision: FlowDecision): { source?: string; destination?: string } => ({
  ...(decision.source ? { source: describeSide(decision.source) } : {}),
  ...(decision.destination ? { destination: describeSide(decision.destination) } : {}),
});
