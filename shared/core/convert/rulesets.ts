import type { NetworkRule } from '../../schema/networkrulesetpolicy.ts';
import { canonicalPorts, printPorts } from '../ports.ts';
import { type Clause, sameClauses } from './clauses.ts';
import type { Note } from './findings.ts';
import { expires, type Half, halvesOf, isTimeLimited } from './halves.ts';
import type { LegacyNetworks } from './networks.ts';
import { peerRules } from './peers.ts';
import type { LegacyPolicy } from './read.ts';

/** A ruleset before it has a name. */
export interface Draft {
  /** What tells two rulesets of one policy apart; empty when there is one. */
  part: '' | 'incoming' | 'outgoing';
  subject: Clause[];
  incomingRules: Partial<NetworkRule>[];
  outgoingRules: Partial<NetworkRule>[];
  disabled: boolean;
}

/** What else there is in the input. */
export interface Surroundings {
  networks: LegacyNetworks;
  /** Fallback policies count only where no other applies, so a policy that decides nothing still has an effect. */
  hasFallback: boolean;
}

/** A policy as rulesets: one for each end, or one for both when they have the same subject. */
export function draftsOf(policy: LegacyPolicy, { networks, hasFallback }: Surroundings, note: Note): Draft[] {
  const isSilencing = hasFallback && !policy.fallback && !policy.disabled;
  noteLosses(policy, note);
  const halves = halvesOf(policy, networks, isSilencing, note).map(half => ({
    ...half,
    rules: rulesOf(policy, half, networks, note),
  }));
  const useful = halves.filter(({ rules }) => rules.length > 0 || isSilencing);
  if (useful.length === 0) noteIneffective(policy, note);
  const disabled = policy.disabled || (policy.action !== 'Reject' && isTimeLimited(policy));
  const [one, other] = useful;
  const draft = (part: Draft['part'], ...of: typeof useful): Draft => ({
    part,
    subject: of[0]?.subject ?? [],
    incomingRules: of.flatMap(({ direction, rules }) => (direction === 'incoming' ? rules : [])),
    outgoingRules: of.flatMap(({ direction, rules }) => (direction === 'outgoing' ? rules : [])),
    disabled,
  });
  if (one && other && !sameClauses(one.subject, other.subject))
    return useful.map(half => draft(half.direction, half));
  return one ? [draft('', ...useful)] : [];
}

function rulesOf(
  policy: LegacyPolicy,
  { peers }: Half,
  networks: LegacyNetworks,
  note: Note,
): Partial<NetworkRule>[] {
  if (policy.action === 'Continue') return [];
  const { action } = policy;
  const observed = policy.observationEnabled && policy.observedTrafficAction === 'Continue';
  return peerRules(policy, peers, networks, note).map(rule => ({
    action,
    object: rule.object.map(clause => [...clause]),
    protocolPorts: printPorts(canonicalPorts(rule.ports)),
    ...(policy.logsEnabled ? {} : { logsDisabled: true }),
    ...(observed ? { observationEnabled: true } : {}),
  }));
}

function noteLosses(policy: LegacyPolicy, note: Note): void {
  const { action } = policy;
  const limited = (written: string): string =>
    action === 'Reject'
      ? `${written} is lost: the ruleset rejects at all times`
      : `${written} is lost: the ruleset is disabled, so that it does not allow for longer; enable it when that is wanted`;
  if (expires(policy))
    note('expiration', 'narrower', policy, limited(`expirationTime \`${policy.expirationTime}\``));
  if (policy.activeSchedule !== '')
    note('schedule', 'narrower', policy, limited(`activeSchedule \`${policy.activeSchedule}\``));
  if (action === 'Continue')
    note('continue-action', 'same', policy, 'its action is Continue, which decides nothing; it has no rules');
  if (policy.observationEnabled && policy.observedTrafficAction === 'Apply' && action !== 'Continue')
    note(
      'observation-applied',
      action === 'Reject' ? 'narrower' : 'same',
      policy,
      action === 'Reject'
        ? 'it was observed and rejected what no other policy allowed; its rules now reject that too; set observationEnabled on them to only observe'
        : 'it was observed and allowed what no other policy rejected; its rules allow that and are no longer shown as observed',
    );
  if (policy.encryptionEnabled)
    note('encryption', 'same', policy, 'encryptionEnabled is lost; encrypt between the services themselves');
  if ([...policy.subject, ...policy.object].some(clause => clause.length === 0))
    note('empty-clause', 'same', policy, 'a clause without tags selected nothing and is left out');
  if (policy.unknown.length > 0)
    note('unknown-attribute', 'open', policy, `${policy.unknown.join(', ')}: not known here and left out`);
}

function noteIneffective(policy: LegacyPolicy, note: Note): void {
  if (policy.action === 'Continue' || policy.negateObject || policy.negateSubject) return;
  note(
    'ineffective',
    'same',
    policy,
    'it selects no processing unit, or nobody at the other end; it decided nothing and has no ruleset',
  );
}
