import { type Clause, canSelectUnits, distinct, EVERY_UNIT, EVERYBODY, isNetworksOnly } from './clauses.ts';
import type { Note } from './findings.ts';
import type { LegacyNetworks } from './networks.ts';
import type { LegacyPolicy } from './read.ts';

/** One end at which a policy applies: whose traffic it decides there, and with whom. */
export interface Half {
  direction: 'incoming' | 'outgoing';
  /** Clauses for processing units; never empty. */
  subject: Clause[];
  peers: readonly Clause[];
}

interface End {
  clauses: readonly Clause[];
  negated: boolean;
}

/** The ends of a policy by its mode: at an `incoming` one, its object decides about its subject. */
function endsOf(policy: LegacyPolicy): { direction: Half['direction']; own: End; peer: End }[] {
  const initiator = { clauses: policy.subject, negated: policy.negateSubject };
  const recipient = { clauses: policy.object, negated: policy.negateObject };
  const incoming = { direction: 'incoming' as const, own: recipient, peer: initiator };
  const outgoing = { direction: 'outgoing' as const, own: initiator, peer: recipient };
  if (policy.applyPolicyMode === 'IncomingTraffic') return [incoming];
  if (policy.applyPolicyMode === 'OutgoingTraffic') return [outgoing];
  return [incoming, outgoing];
}

/** The zero time of the original means never. */
export const expires = ({ expirationTime }: LegacyPolicy): boolean =>
  expirationTime !== '' && !expirationTime.startsWith('0001-');

export const isTimeLimited = (policy: LegacyPolicy): boolean =>
  expires(policy) || policy.activeSchedule !== '';

/**
 * Which processing units it applies to cannot be said by a ruleset: now or then, or by exclusion. That matters where
 * there are fallback policies, which count only where no other applies.
 */
export const isUncertain = (policy: LegacyPolicy): boolean =>
  !policy.disabled &&
  !policy.fallback &&
  (isTimeLimited(policy) || endsOf(policy).some(({ own }) => own.negated));

/** Everything for a Reject, nothing for another action: what a negation becomes, so that it is never wider. */
const unnegated = ({ clauses, negated }: End, policy: LegacyPolicy, all: readonly Clause[]) => {
  if (!negated) return clauses;
  return policy.action === 'Reject' ? all : [];
};

/**
 * The halves of a policy that a ruleset can say. `keepAll`: there are fallback policies, which its mere presence
 * silences, so that nothing may be left out for tidiness.
 */
export function halvesOf(
  policy: LegacyPolicy,
  networks: LegacyNetworks,
  keepAll: boolean,
  note: Note,
): Half[] {
  noteNegation(policy, note);
  return endsOf(policy).flatMap(({ direction, own, peer }): Half[] => {
    const units = unnegated(own, policy, EVERY_UNIT).filter(canSelectUnits);
    const named = units.filter(isNetworksOnly);
    const tidy = named.length > 0 && !keepAll && policy.action !== 'Reject';
    const subject = distinct(tidy ? units.filter(clause => !named.includes(clause)) : units);
    if (tidy)
      note(
        'networks-as-subject',
        'narrower',
        policy,
        `[${named.map(String).join('], [')}] is for external networks, which have no rulesets; the ${direction} half leaves it out`,
      );
    else noteNetworks(policy, direction, subject, networks, note);
    return subject.length === 0 ? [] : [{ direction, subject, peers: unnegated(peer, policy, EVERYBODY) }];
  });
}

function noteNegation(policy: LegacyPolicy, note: Note): void {
  if (!policy.negateSubject && !policy.negateObject) return;
  const attribute = policy.negateSubject ? 'negateSubject' : 'negateObject';
  note(
    'negation',
    'narrower',
    policy,
    policy.action === 'Reject'
      ? `${attribute} is set; the rules now reject everybody there; name those who are to be rejected instead`
      : `${attribute} is set; nothing is allowed in its place; write rules that name those who are to be allowed`,
  );
}

/** All clauses of a half select networks: it is likely that no processing unit was meant. */
function noteNetworks(
  policy: LegacyPolicy,
  direction: Half['direction'],
  subject: readonly Clause[],
  networks: LegacyNetworks,
  note: Note,
): void {
  const meant = subject.flatMap(clause => {
    const network = networks
      .selectedBy(clause, policy)
      .find(one => clause.some(tag => one.tags.includes(tag)));
    return network ? [`\`${network.name}\``] : [];
  });
  if (meant.length < subject.length || subject.length === 0) return;
  note(
    'networks-as-subject',
    'same',
    policy,
    `the subject of the ${direction} half selects ${[...new Set(meant)].join(', ')}, which ${meant.length > 1 ? 'have' : 'has'} no rulesets; delete that ruleset when no processing unit has these tags`,
  );
}
