import { z } from 'zod';
import { NamespacePath } from './ids.ts';

/** What a lint looks for. `clauses`: what stops working by itself; the others are deprecated or without effect. */
export const LINTS = [
  'clauses',
  'namespace-editor',
  'host-service',
  'legacy-policy',
  'enforcer-mapping',
] as const;

/** One call of the API, as its client takes it. */
export const Fix = z.strictObject({
  operation: z.string().describe('`operationId` of this document.'),
  namespace: NamespacePath.describe('`X-Namespace` of the request.'),
  params: z.record(z.string(), z.string()).exactOptional().describe('Values of the `{name}`s in the path.'),
  query: z.record(z.string(), z.string()).exactOptional().describe('Query parameters.'),
  body: z.record(z.string(), z.unknown()).exactOptional().describe('Body of the request.'),
});
export type Fix = z.infer<typeof Fix>;

export const LintFinding = z.strictObject({
  lint: z.enum(LINTS).describe('Kind of finding.'),
  identity: z.string().describe('What kind of object.'),
  ID: z.string().describe('Its ID.'),
  name: z.string().describe('Its name.'),
  namespace: NamespacePath.describe('Where it lives.'),
  path: z.string().describe('Where in the object, `incomingRules[0].object[1]`; empty: all of it.'),
  message: z.string().describe('What was found, with its value, and what to do.'),
  fixes: z
    .array(Fix)
    .describe('In order. Empty where nothing can be changed through the API: the root has no properties.'),
});
export type LintFinding = z.infer<typeof LintFinding>;
