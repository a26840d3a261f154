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
  operation: z.string(),
  namespace: NamespacePath,
  params: z.record(z.string(), z.string()).exactOptional(),
  query: z.record(z.string(), z.string()).exactOptional(),
  body: z.record(z.string(), z.unknown()).exactOptional(),
});
export type Fix = z.infer<typeof Fix>;

export const LintFinding = z.strictObject({
  lint: z.enum(LINTS),
  identity: z.string(),
  ID: z.string(),
  name: z.string(),
  namespace: NamespacePath,
  /** Where in the object, `incomingRules[0].object[1]`; empty: all of it. */
  path: z.string(),
  /** What was found, with its value, and what to do. */
  message: z.string(),
  /** In order. Empty where nothing can be changed through the API: the root has no properties. */
  fixes: z.array(Fix),
});
export type LintFinding = z.infer<typeof LintFinding>;
