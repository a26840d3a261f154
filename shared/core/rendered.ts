import type { BundleExternalNetwork } from '../schema/bundle.ts';
import type { Tag } from '../schema/tag.ts';
import type { Direction, RuleRef } from './decision.ts';
import type { NamespacePolicy } from './policy.ts';
import { printPorts } from './ports.ts';
import type { ParsedRule } from './rule-index.ts';

/** A rule that counts for a processing unit, with the external networks that it names. */
export interface RenderedRule extends RuleRef {
  action: 'Allow' | 'Reject';
  object: readonly (readonly Tag[])[];
  /** Canonical; `any` for everything. */
  protocolPorts: readonly string[];
  observed: boolean;
  logged: boolean;
  networks: readonly BundleExternalNetwork[];
}

const DIRECTIONS = ['incoming', 'outgoing'] as const satisfies readonly Direction[];

/**
 * Every rule that counts for a processing unit with these tags in the policy's namespace: incoming ones, then outgoing
 * ones, each in order of precedence. Fallback rulesets are in it only when no other selects the unit.
 */
export function renderedRules(policy: NamespacePolicy, tags: readonly Tag[]): RenderedRule[] {
  const subject = policy.wire(tags);
  const { networks } = policy;
  const rendered = (rule: ParsedRule): RenderedRule => ({
    ...rule.ref,
    action: rule.action,
    object: rule.object.map(clause => policy.clauseTags(clause)),
    protocolPorts: printPorts(rule.ports),
    observed: rule.observed,
    logged: rule.logged,
    networks: networks
      .filter(({ clauses }) => rule.object.some(clause => clauses.includes(clause)))
      .map(({ network }) => network),
  });
  return DIRECTIONS.flatMap(direction => policy.rules(subject, direction).map(rendered));
}
