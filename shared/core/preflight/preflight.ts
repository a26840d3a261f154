import { fail } from '../../schema/failure.ts';
import type { HostFacts, PreflightContext, PreflightFinding } from '../../schema/host-facts.ts';
import type { Check } from './check.ts';
import { clusterChecks } from './cluster.ts';
import { hostChecks } from './host.ts';
import { namespaceChecks } from './namespace.ts';

const checks: Readonly<Record<string, Check>> = { ...hostChecks, ...clusterChecks, ...namespaceChecks };

/** In the order in which they are reported. */
export const CHECKS = Object.keys(checks);

/** Fails where nobody knows what a host is: its agent did not tell. */
export const FACTS = 'facts';

export const UNKNOWN_HOST: PreflightFinding = {
  check: FACTS,
  result: 'fail',
  message: 'its agent did not tell what its host is',
  remedy: 'see that its agent runs and polls, or force the check facts',
  forced: false,
};

/** @throws `invalid` for a name that no check has */
export function checkForced(forced: readonly string[]): void {
  const unknown = forced.find(name => name !== FACTS && !CHECKS.includes(name));
  if (unknown === undefined) return;
  throw fail('invalid', `there is no check \`${unknown}\`; there are ${[...CHECKS, FACTS].join(', ')}`, {
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
