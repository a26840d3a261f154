import type { AnyResource } from '../../schema/resource.ts';
import type { Comparison, Expression, Filter, Literal } from './ast.ts';
import { attributeOf } from './attribute.ts';

/** One question to an index: the objects whose attribute has exactly this value. */
export interface Lookup {
  attribute: string;
  value: string;
}

/** More questions than this cost more than reading what is there. */
export const MOST_LOOKUPS = 25;
/** Bytes of a value that fit into a key beside the rest of it. Nothing that is longer is indexed. */
const LONGEST_KEY = 900;

const textOf = (value: Literal): string | undefined =>
  'text' in value && value.text !== '' && new TextEncoder().encode(value.text).length <= LONGEST_KEY
    ? value.text
    : undefined;

/** Values of which the attribute must have one, where the comparison says so. */
function wanted(comparison: Comparison): string[] | undefined {
  const literals =
    comparison.kind === 'compare' && comparison.operator === '=='
      ? [comparison.value]
      : comparison.kind === 'among' && !comparison.negated
        ? comparison.values
        : undefined;
  const texts = literals?.map(textOf).filter(text => text !== undefined);
  return texts?.length === literals?.length ? texts : undefined;
}

/**
 * The few look-ups that find every object that can pass the filters, when indexes of the given attributes can tell;
 * undefined when they cannot, and everything must be read. What they find must still be filtered. No look-up at
 * all: nothing can pass.
 */
export function keyCondition(
  filters: readonly Filter[],
  resource: AnyResource,
  attributes: ReadonlySet<string>,
): Lookup[] | undefined {
  const any = (parts: (Lookup[] | undefined)[]): Lookup[] | undefined => {
    const all = parts.filter(part => part !== undefined);
    const lookups = distinct(all.flat());
    return all.length === parts.length && lookups.length <= MOST_LOOKUPS ? lookups : undefined;
  };
  const every = (parts: (Lookup[] | undefined)[]): Lookup[] | undefined =>
    parts.filter(part => part !== undefined).toSorted((a, b) => a.length - b.length)[0];
  const of = (expression: Expression, text: string): Lookup[] | undefined => {
    if (expression.kind === 'and') return every(expression.of.map(operand => of(operand, text)));
    if (expression.kind === 'or') return any(expression.of.map(operand => of(operand, text)));
    if (expression.kind === 'not') return undefined;
    const { name } = attributeOf(expression, resource, text);
    if (!attributes.has(name)) return undefined;
    return any([wanted(expression)?.map(value => ({ attribute: name, value }))]);
  };
  return any(filters.map(({ root, text }) => of(root, text)));
}

const distinct = (lookups: readonly Lookup[]): Lookup[] => [
  ...new Map(lookups.map(lookup => [JSON.stringify([lookup.attribute, lookup.value]), lookup])).values(),
];
