import { z } from 'zod';
import { ProtocolPorts } from './protocol-ports.ts';
import { Description, Disabled, Name, Propagate, type RuleIssue, resource } from './resource.ts';
import { Selector } from './tag.ts';

export const NetworkRule = z.strictObject({
  action: z.enum(['Allow', 'Reject']).default('Allow').describe('What happens to a flow that matches.'),
  object: Selector.describe('Selects processing units and external networks.'),
  protocolPorts: ProtocolPorts.default([]).describe('Empty means any.'),
  name: z.string().max(16).default('').describe('Goes into flow reports as ruleName.'),
  logsDisabled: z.boolean().default(false).describe('Flows that it decides are not reported.'),
  observationEnabled: z.boolean().default(false).describe('Reported, never decisive.'),
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
    subject: Selector.describe('Selects processing units only.'),
    incomingRules: z
      .array(NetworkRule)
      .default([])
      .describe('Who may talk to the subject. Order means nothing: Reject wins over Allow.'),
    outgoingRules: z.array(NetworkRule).default([]).describe('To whom the subject may talk.'),
    propagate: Propagate,
    disabled: Disabled,
    fallback: z
      .boolean()
      .default(false)
      .describe('Used for a processing unit only when no ruleset without this flag selects it.'),
  },
  rules: value => [
    ...equalRules('incomingRules', value.incomingRules),
    ...equalRules('outgoingRules', value.outgoingRules),
  ],
});
export type NetworkRuleSetPolicy = z.infer<typeof networkrulesetpolicy.stored>;
