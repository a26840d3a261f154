import { MOST_ELEMENTS } from './resource.ts';

/** Keys of claims that many callers of a tenant share, those that most do last. */
const WIDE = [
  'account',
  'projectid',
  'tenantid',
  'subscriptions',
  'organization',
  'partition',
  'prismaid',
  'namespace',
  'realm',
];

/** Characters of a claim that an index holds: a key of the store has room for them and what stands in front. */
const INDEXED = 200;

/** Found with every caller: authorizations of more kinds of callers than an index can tell apart. */
export const ANYBODY = '*';

const breadth = (claim: string): number => WIDE.indexOf(/^@auth:([^=]*)=/.exec(claim)?.[1] ?? '');

/** What an index knows a claim by; two long ones may look alike there. */
export const indexedClaim = (claim: string): string => claim.slice(0, INDEXED).toWellFormed();

/** The claim of a clause that fewest callers have. */
const telling = (clause: readonly string[]): string[] =>
  clause.toSorted((a, b) => breadth(a) - breadth(b) || (a < b ? -1 : 1)).slice(0, 1);

/**
 * Claims by which whoever a subject selects finds it: one of each clause, so that a caller who looks for each of its own claims
 * misses none, and reads little that is not for it.
 */
export function tellingClaims(subject: readonly (readonly string[])[]): string[] {
  const all = [...new Set(subject.flatMap(telling).map(indexedClaim))];
  return all.length > MOST_ELEMENTS ? [ANYBODY] : all;
}
