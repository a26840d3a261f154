import type { Tag } from '../schema/tag.ts';

/** A clause's tag that ends in `*` stands for every tag that starts with what is before it. `*` elsewhere is literal. */
export const isWildcard = (tag: string): boolean => tag.endsWith('*');

/** What a wildcard's matches start with. */
export const wildcardPrefix = (tag: string): string => tag.slice(0, -1);

/** The part before the first `=`. */
export const tagKey = (tag: string): string => tag.slice(0, tag.indexOf('='));

/** Does a tag of an object satisfy one tag of a clause: `k=v`, `k=prefix*`, `k=*`. */
export const tagMatches = (wanted: string, tag: string): boolean =>
  isWildcard(wanted) ? tag.startsWith(wildcardPrefix(wanted)) : wanted === tag;

/** Every tag of the clause is satisfied. An empty clause selects nothing: the schema refuses it, and so do we. */
export function clauseMatches(clause: readonly Tag[], tags: readonly Tag[]): boolean {
  if (clause.length === 0) return false;
  for (const wanted of clause) {
    if (isWildcard(wanted) ? !tags.some(tag => tagMatches(wanted, tag)) : !tags.includes(wanted))
      return false;
  }
  return true;
}

/** Some clause is satisfied: outer or, inner and. */
export const expressionMatches = (clauses: readonly (readonly Tag[])[], tags: readonly Tag[]): boolean =>
  clauses.some(clause => clauseMatches(clause, tags));

/** The list itself when it is in order, else a sorted copy. */
export function sorted<T extends string>(list: readonly T[]): readonly T[] {
  for (let at = 1; at < list.length; at++)
    if ((list[at] ?? '') < (list[at - 1] ?? '')) return [...list].sort();
  return list;
}

/** Sorted, each once. */
export const distinct = <T extends string>(list: readonly T[]): T[] =>
  list.length < 2 ? [...list] : [...new Set(sorted(list))];

/** One text for equal clauses, whatever the order of their tags; it is the canonical clause as JSON. */
export const clauseKey = (clause: readonly Tag[]): string => JSON.stringify(sorted(clause));

/** A clause with its tags sorted, and its `clauseKey`. */
export interface KeyedClause {
  key: string;
  clause: readonly Tag[];
}

/** Tags sorted in each clause, then clauses, each once. */
export function canonicalClauses(clauses: readonly (readonly Tag[])[]): KeyedClause[] {
  const keyed = clauses.map(tags => {
    const clause = distinct(tags);
    return { key: JSON.stringify(clause), clause };
  });
  if (keyed.length < 2) return keyed;
  return [...new Map(keyed.map(one => [one.key, one])).values()].sort((a, b) => (a.key < b.key ? -1 : 1));
}

/** How a namespace treats tags that none of its effective prefixes lists. */
export interface TagPolicy {
  tagPrefixEnforcement: 'Warn' | 'Enforce';
  tagPrefixes: readonly string[];
}

export const isListed = (tag: string, { tagPrefixes }: TagPolicy): boolean =>
  tagPrefixes.some(prefix => tag.startsWith(prefix));

/** The tags that count: all of them under Warn, the listed ones under Enforce. Order is kept. */
export const wireTags = (tags: readonly Tag[], policy: TagPolicy): readonly Tag[] =>
  policy.tagPrefixEnforcement === 'Warn' ? tags : tags.filter(tag => isListed(tag, policy));
