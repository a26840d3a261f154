import { fail } from '../../schema/failure.ts';
import type { HostFacts, PreflightContext, PreflightFinding } from '../../schema/host-facts.ts';
import type { Check } from './check.ts';
import { clusterChecks } from './cluster.ts';
import { hostChecks } from './host.ts';
import { namespaceChecks } from './namespace.ts';

const checks: Readonly<Record<string, Check>> = { ...hostChecks, ...clusterChecks, ...namespaceChecks };

/** In the order in which they are reported. */
export const CHECKS = Object.keys(checks);

/** @throws `invalid` for a name that no check has */
export function checkForced(forced: readonly string[]): void {
  const unknown = forced.find(name => !CHECKS.includes(name));
  if (unknown === undefined) return;
  throw fail('invalid', `there is no check \`${unknown}\`; there are ${CHECKS.join(', ')}`, {
    attribute: 'forceChecks',
    value: unknown,
  });
}

/** Every check that concerns the host. A failed one that is forced, by its name, no longer stops the install. */
export function preflight(
  facts: HostFacts,
  context: PreflightContext,
  forced: readonly string[] = [],
): PreflightFinding[] {
  checkForced(forced);
  return Object.entries(checks).flatMap(([check, of]) => {
    const found = of(facts, context);
    return found ? [{ check, ...found, forced: found.result === 'fail' && forced.includes(check) }] : [];
  });
}

/** What stops an install. */
export const stopping = (findings: readonly PreflightFinding[]): PreflightFinding[] =>
  findings.filter(({ result, forced }) => result === 'fail' && !forced);
