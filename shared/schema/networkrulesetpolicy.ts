import { z } from 'zod';
import { ProtocolPorts } from './protocol-ports.ts';
import { Description, Name, type RuleIssue, resource } from './resource.ts';
import { Selector } from './tag.ts';

export const NetworkRule = z.strictObject({
  action: z.enum(['Allow', 'Reject']).default('Allow'),
  /** Selects processing units and external networks. */
  object: Selector,
  /** Empty means any. */
  protocolPorts: ProtocolPorts.default([]),
  /** Goes into flow reports as ruleName. */
  name: z.string().max(16).default(''),
  logsDisabled: z.boolean().default(false),
  /** Reported, never decisive. */
  observationEnabled: z.boolean().default(false),
});
export type NetworkRule = z.infer<typeof NetworkRule>;

/** Two rules are equal over action, object as a set of sets, and ports; names, logs and observation don't count. */
const ruleKey = (rule: NetworkRule): string =>
  JSON.stringify([
    rule.action,
    rule.object.map(clause => JSON.stringify([...clause].sort())).sort(),
    rule.protocolPorts.map(port => port.toLowerCase()).sort(),
  ]);

const equalRules = (attribute: string, rules: NetworkRule[]): RuleIssue[] => {
  const first = new Map<string, number>();
  return rules.flatMap((rule, index) => {
    const key = ruleKey(rule);
    const earlier = first.get(key);
    if (earlier === undefined) first.set(key, index);
    return earlier === undefined
      ? []
      : [
          {
            path: [attribute, index],
            input: rule,
            message: `rule ${index + 1} equals rule ${earlier + 1}; keep one of them`,
          },
        ];
  });
};

export const networkrulesetpolicy = resource({
  identity: 'networkrulesetpolicy',
  plural: 'networkrulesetpolicies',
  aliases: ['netruleset', 'netrulesets', 'netset', 'netsets', 'networkruleset', 'networkrulesets'],
  group: 'policies',
  summary: 'Who may talk to the processing units that its subject selects, and to whom they may talk',
  defaultOrder: 'name',
  readOnly: {},
  createOnly: {},
  writable: {
    name: Name,
    description: Description,
    /** Selects processing units only. */
    subject: Selector,
    incomingRules: z.array(NetworkRule).default([]),
    outgoingRules: z.array(NetworkRule).default([]),
    propagate: z.boolean().default(false),
    disabled: z.boolean().default(false),
    /** Used for a processing unit only when no ruleset without this flag selects it. */
    fallback: z.boolean().default(false),
  },
  rules: value => [
    ...equalRules('incomingRules', value.incomingRules),
    ...equalRules('outgoingRules', value.outgoingRules),
  ],
});
export type NetworkRuleSetPolicy = z.infer<typeof networkrulesetpolicy.stored>;
