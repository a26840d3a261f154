import { Tag } from '../../schema/tag.ts';
import { canNameUnits } from '../scopes.ts';
import { clauseKey, tagKey, tagMatches } from '../tags.ts';
import type { LegacyNetwork } from './read.ts';

export type Clause = readonly Tag[];

const UNIT = Tag.parse('$identity=processingunit');
const NETWORK = Tag.parse('$identity=externalnetwork');

/** Selects every processing unit. */
export const EVERY_UNIT: readonly Clause[] = [[UNIT]];
/** Selects whatever a rule can name. */
export const EVERYBODY: readonly Clause[] = [[UNIT], [NETWORK]];

/** The user interface gave every external network a tag of this key; nothing else has one. */
const NETWORK_KEY = 'externalnetwork:';

export const isNetworksOnly = (clause: Clause): boolean => clause.some(tag => tag.startsWith(NETWORK_KEY));

/** Can the clause select a processing unit? An empty one selects nothing. */
export const canSelectUnits = (clause: Clause): boolean => clause.length > 0 && canNameUnits(clause);

/** Can it select an external network? */
export const canSelectNetworks = (clause: Clause): boolean =>
  clause.length > 0 && clause.every(tag => tagKey(tag) !== '$identity' || tagMatches(tag, NETWORK));

export const canSelectPeers = (clause: Clause): boolean =>
  canSelectUnits(clause) || canSelectNetworks(clause);

/**
 * Does the network have a tag of this kind? An export does not say in which namespace it was made, nor always the
 * ID and the tags of organization. Those are taken to fit: where that is wrong, a clause that still holds them will
 * not match.
 */
function hasTag(network: LegacyNetwork, wanted: Tag): boolean {
  const key = tagKey(wanted);
  if (key === '$identity') return tagMatches(wanted, NETWORK);
  if (key === '$name') return tagMatches(wanted, `$name=${network.name}`);
  if (key === '$id') return network.ID === undefined || tagMatches(wanted, `$id=${network.ID}`);
  if (key === '$namespace') return true;
  const same = network.tags.filter(tag => tagKey(tag) === key);
  if (key.startsWith('@org:') && same.length === 0) return true;
  return same.some(tag => tagMatches(wanted, tag));
}

/** Does a clause select an external network, as far as the export tells? */
export const selectsNetwork = (clause: Clause, network: LegacyNetwork): boolean =>
  clause.length > 0 && clause.every(tag => hasTag(network, tag));

const union = (...lists: (readonly Tag[])[]): Tag[] => [...new Set(lists.flat())];

export const onlyUnits = (clause: Clause): Clause => union(clause, [UNIT]);

/** The same clause, for networks of one name; with `exactly`, also of all its tags. */
export const onlyNetwork = (clause: Clause, network: LegacyNetwork, exactly: boolean): Clause => {
  // Tags of an import change with it.
  const lasting = network.tags.filter(tag => !tag.startsWith('@import:'));
  const tags = exactly ? lasting.flatMap(tag => Tag.safeParse(tag).data ?? []) : [];
  return union(clause, [NETWORK, Tag.parse(`$name=${network.name}`)], tags);
};

/** Each tag once in a clause, each clause once, in the given order: what a ruleset asks for. */
export function distinct(clauses: readonly Clause[]): Tag[][] {
  const byKey = new Map<string, Tag[]>();
  for (const clause of clauses) {
    const tags = union(clause);
    const key = clauseKey(tags);
    if (!byKey.has(key)) byKey.set(key, tags);
  }
  return [...byKey.values()];
}

/** The same without clauses that a shorter one of them makes needless. */
export function leastClauses(clauses: readonly Clause[]): Tag[][] {
  const all = distinct(clauses);
  const short = all.filter(clause => clause.length === 1).flat();
  return all.filter(clause => clause.length === 1 || !clause.some(tag => short.includes(tag)));
}

export const sameClauses = (a: readonly Clause[], b: readonly Clause[]): boolean =>
  JSON.stringify(a.map(clauseKey).sort()) === JSON.stringify(b.map(clauseKey).sort());
