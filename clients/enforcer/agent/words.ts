import type { OpenResult } from '../../../shared/bundle/open.ts';
import type { Enforcer } from '../../../shared/schema/enforcer.ts';
import type { Reported } from './membership.ts';

/* What is said of a policy, to people and to the control plane; nothing is done here. */

type Opened = Extract<OpenResult, { ok: true }>;

/** Characters of a reason that the control plane takes. */
const LONGEST_REASON = 1024;

/** Of a bundle that was just taken. `rules`: digest of what the kernel holds; empty where nothing is enforced. */
export function takenWords({ payloads, binding, revision }: Opened, policy: string, rules: string): string {
  const { size, externalNetworks } = payloads['policy.json'];
  const peers = payloads['peers.json'].size;
  const counts = `rulesets: ${size}, external networks: ${externalNetworks.length}, peers: ${peers}`;
  const what = rules === '' ? `verified revision ${revision}` : `enforces revision ${revision}`;
  const digests = `policy sha256 ${policy}${rules === '' ? '' : `, rules ${rules}`}`;
  return `${what} of ${binding.namespace} (${counts}; ${digests})`;
}

/** `held`: what holds instead. */
export const refusal = (
  reason: string,
  detail: string,
  revision: number,
  held: Pick<Reported, 'digest' | 'policy'>,
): Reported => ({
  revision,
  state: 'refused',
  reason: `${reason}: ${detail}`.slice(0, LONGEST_REASON),
  ...held,
});

export const sameReport = (a: Reported | undefined, b: Reported | undefined): boolean =>
  JSON.stringify(a) === JSON.stringify(b);

/** What is wrong with the age of a bundle, if anything. */
export function ageTrouble({
  lockdown,
  staleFor,
}: {
  lockdown: boolean;
  staleFor: number;
}): Error | undefined {
  if (lockdown) return new Error('the bundle is too old, and its profile says lockdown');
  if (staleFor > 0) return new Error('the bundle is past its expiry; the last good policy is held');
  return undefined;
}

/** As the control plane is told: whether a policy is enforced here. */
export const enforcementOf = (isEnforcing: boolean, isRefused: boolean): Enforcer['enforcementStatus'] =>
  isEnforcing ? 'Active' : isRefused ? 'Failed' : 'Inactive';
