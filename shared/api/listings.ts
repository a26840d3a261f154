import { z } from 'zod';
import { type Operation, routes } from './routes.ts';

/** What can be listed and is no resource with CRUD: the activity log, flow reports, runs of imports and so on. */
export interface Listing {
  /** As its path has it: `activities`. */
  plural: string;
  /** As permissions have it: `activity`. */
  singular: string;
  summary: string;
  list: Operation;
  /** Absent: nobody counts them. */
  count: Operation | undefined;
  /** Whether pages follow a cursor, and not numbers. */
  hasCursor: boolean;
  /** Whether there are pages by number. */
  hasPages: boolean;
  /** Names of what an entry holds. */
  attributes: string[];
}

const attributesOf = (answer: z.ZodType | undefined): string[] =>
  answer instanceof z.ZodArray && answer.element instanceof z.ZodObject
    ? Object.keys(answer.element.shape)
    : [];

/** From the table of operations: every `list…` with a path of one segment that is no resource's own. */
export const listings: readonly Listing[] = Object.entries(routes).flatMap(([name, route]) => {
  const [, plural] = /^\/(\w+)$/.exec(route.path) ?? [];
  if (plural === undefined || route.crud || route.method !== 'GET' || !/^list[A-Z]/.test(name)) return [];
  const counting = Object.entries(routes).find(
    ([, { method, path, crud }]) => method === 'HEAD' && path === route.path && !crud,
  );
  const { allow, summary, takes = [], ok } = route;
  return {
    plural,
    singular: typeof allow === 'object' && 'identity' in allow ? allow.identity : plural,
    summary,
    list: name as Operation,
    count: counting?.[0] as Operation | undefined,
    hasCursor: takes.includes('after'),
    hasPages: takes.includes('page'),
    attributes: attributesOf(ok),
  };
});

/** Singular or plural, in any case. */
export const listingNamed = (name: string): Listing | undefined =>
  listings.find(({ singular, plural }) => [singular, plural].includes(name.toLowerCase()));
