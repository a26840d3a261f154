import { printPorts } from '../ports.ts';
import type { Clause } from './clauses.ts';
import type { Note } from './findings.ts';
import type { LegacyNetwork, LegacyPolicy } from './read.ts';

/** Names in one message. */
const MOST_NAMES = 10;

const textOf = (clause: Clause): string => `[${clause.join(', ')}]`;

const namesOf = (networks: readonly LegacyNetwork[]): string => {
  const names = networks.slice(0, MOST_NAMES).map(({ name }) => `\`${name}\``);
  const more = networks.length - names.length;
  return more > 0 ? `${names.join(', ')} and ${more} more` : names.join(', ');
};

export function noteSplit(
  policy: LegacyPolicy,
  clause: Clause,
  networks: readonly LegacyNetwork[],
  note: Note,
): void {
  note(
    'bound-by-name',
    'same',
    policy,
    `${textOf(clause)} selects ${namesOf(networks)}, whose ports differ from the policy's; the rules name them one by one, so add a rule for each network that gets these tags later`,
  );
}

export function noteUnreadable(
  policy: LegacyPolicy,
  clause: Clause,
  selected: readonly LegacyNetwork[],
  note: Note,
): void {
  const unread = selected.filter(({ limit }) => limit === undefined);
  if (unread.length === 0) return;
  const instead =
    policy.action === 'Reject' ? 'everything that the policy names is rejected' : 'nothing is allowed';
  note(
    'unreadable-ports',
    'narrower',
    policy,
    `${textOf(clause)} selects ${namesOf(unread)}, whose ports cannot be read; ${instead} there, write a rule for it`,
  );
}

/** Where the network's ports cannot be read, that was told already. */
export function noteNothing(
  policy: LegacyPolicy,
  { name, limit }: LegacyNetwork,
  clause: Clause,
  note: Note,
): void {
  if (limit === undefined) return;
  note(
    'no-common-ports',
    'same',
    policy,
    `${textOf(clause)} selects \`${name}\` with ${printPorts(limit).join(', ')}, none of which the policy has; it never decided there, and no rule says so`,
  );
}

export function noteAlike(
  policy: LegacyPolicy,
  { name }: LegacyNetwork,
  clause: Clause,
  count: number,
  note: Note,
): void {
  const instead =
    policy.action === 'Reject' ? 'rejects what any of them has' : 'allows what all of them have';
  note(
    'alike-networks',
    'narrower',
    policy,
    `${textOf(clause)} selects ${count} networks \`${name}\` with other ports each and nothing to tell them apart; the rule ${instead}; give them different names and convert again`,
  );
}
