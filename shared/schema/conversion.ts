import { z } from 'zod';

/** An export as the original writes it. `data` maps names of resources to objects, in any of their names. */
export const LegacyExport = z.strictObject({
  APIVersion: z.int().min(0).max(1).default(1).describe('Version of the format: 0 or 1.'),
  label: z.string().max(256).default('').describe('Label under which it was exported.'),
  identities: z
    .array(z.string())
    .default([])
    .describe('Singular, as the original lists them; may be empty whatever `data` holds.'),
  data: z
    .record(z.string(), z.array(z.record(z.string(), z.unknown())))
    .describe('Plural name of a resource → its objects.'),
});
export type LegacyExport = z.infer<typeof LegacyExport>;

/** Everything that a conversion can have to say, and what it means. Closed. */
export const FINDINGS = {
  'alike-networks': 'networks with different ports cannot be told apart by name and tags',
  'bare-address': 'an address without a length, which is now that one host',
  'bound-by-name':
    'a rule names the networks of today, because their ports differ; later ones need rules of their own',
  'continue-action': 'a policy with the action Continue decides nothing',
  'empty-clause': 'a clause without tags selects nothing',
  encryption: 'rulesets do not ask for encryption',
  'enforcer-mapping': 'enforcers are no longer mapped to namespaces',
  expiration: 'rulesets do not expire',
  'fallback-above': 'what a fallback policy of an ancestor does here is not certain',
  'fallback-uncertain': 'a fallback policy beside one whose reach is not certain',
  'host-service': 'host services have no effect',
  ineffective: 'nothing that the policy could decide',
  negation: 'rulesets have no negation',
  'networks-as-subject': 'a ruleset is for processing units; its subject selects no external networks',
  'no-common-ports': 'the policy and the network have no port in common',
  'observation-applied': 'rulesets observe or decide, never both',
  'policy-above': 'a policy of an ancestor selects a network whose ports it does not know',
  schedule: 'rulesets have no schedule',
  'unknown-attribute': 'an attribute that is not carried over',
  'unreadable-ports': 'ports that cannot be read',
} as const;

export const FindingCode = z.enum(
  Object.keys(FINDINGS) as [keyof typeof FINDINGS, ...(keyof typeof FINDINGS)[]],
);
export type FindingCode = z.infer<typeof FindingCode>;

export const Finding = z.strictObject({
  code: FindingCode.describe('Kind of finding.'),
  effect: z
    .enum(['same', 'narrower', 'open'])
    .describe(
      'What becomes of decisions. `same`: nothing. `narrower`: less is allowed or more rejected than before. `open`: it depends on objects that were not in the input.',
    ),
  object: z
    .strictObject({
      identity: z.string().describe('What kind of object.'),
      name: z.string().describe('Its name.'),
      namespace: z.string().describe('As in the export: relative to it, `.` for its own.'),
    })
    .describe('Which object of the export.'),
  message: z.string().describe('What was found, with its value, and what to do.'),
});
export type Finding = z.infer<typeof Finding>;
