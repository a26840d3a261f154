import { asMeant, isSameTime } from '../shared/core/as-meant.ts';
import { LIMITS } from '../shared/schema/config.ts';
import { fail } from '../shared/schema/failure.ts';
import type { AnyResource } from '../shared/schema/resource.ts';
import { type Identity, type InputOf, type ObjectOf, resourceOf } from '../shared/schema/resources.ts';
import { brokenRules, parsed } from './pipeline/problem.ts';

export type Fields = Record<string, unknown>;

/** No object with a longer list fits into an item of the store; each element that is wrong is work. */
const LONGEST_LIST = LIMITS.item / 8;

function refuseLongLists(fields: Fields): void {
  const long = Object.entries(fields).filter(
    ([, value]) => Array.isArray(value) && value.length > LONGEST_LIST,
  );
  if (long.length === 0) return;
  throw brokenRules(
    long.map(([key, value]) => ({
      path: [key],
      message: `it has ${(value as unknown[]).length} elements; ${LONGEST_LIST} are possible, so split it`,
    })),
  );
}

export const asFields = (body: unknown): Fields => {
  if (body === null || typeof body !== 'object' || Array.isArray(body)) {
    throw fail('invalid', 'the body must be one JSON object');
  }
  refuseLongLists(body as Fields);
  return body as Fields;
};

const isEmpty = (value: unknown): boolean =>
  value === null ||
  value === '' ||
  value === false ||
  value === 0 ||
  (typeof value === 'object' && Object.keys(value).length === 0);

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b) || isSameTime(a, b);

/** What was sent, with every attribute read as what it is. */
const meantBy = (identity: Identity, sent: Fields): Fields =>
  asFields(asMeant(resourceOf(identity).stored, sent));

/**
 * Leaves out what the server alone writes; it may be sent back as it was read (`stored`), or empty.
 * An update has looked at `updateTime` by itself.
 */
function withoutReadOnly(identity: Identity, sent: Fields, stored?: Fields): Fields {
  const { readOnly } = resourceOf(identity);
  const wrong = Object.keys(sent).filter(
    key =>
      Object.hasOwn(readOnly, key) &&
      !(stored && key === 'updateTime') &&
      !isEmpty(sent[key]) &&
      !(stored && (same(sent[key], stored[key]) || isSameTime(sent[key], stored[key]))),
  );
  if (wrong.length > 0) {
    throw brokenRules(
      wrong.map(key => ({ path: [key], input: sent[key], message: 'it is read-only; leave it out' })),
    );
  }
  return Object.fromEntries(Object.entries(sent).filter(([key]) => !Object.hasOwn(readOnly, key)));
}

/** Leaves out what only older releases had, where it says nothing; else tells what to write instead. */
function withoutOlder({ older }: AnyResource, fields: Fields): Fields {
  if (!older) return fields;
  const { says = value => !isEmpty(value) } = older;
  const said = older.attributes.filter(name => Object.hasOwn(fields, name) && says(fields[name]));
  if (said.length > 0) {
    const message = older.instead(fields);
    throw brokenRules(said.map(name => ({ path: [name], input: fields[name], message })));
  }
  return Object.fromEntries(Object.entries(fields).filter(([name]) => !older.attributes.includes(name)));
}

/** What was sent, as an input of the resource says it. */
export const readAs = (identity: Identity, sent: Fields): Fields =>
  withoutOlder(resourceOf(identity), meantBy(identity, sent));

export function parseInput<I extends Identity>(identity: I, fields: Fields): InputOf<I> {
  const resource = resourceOf(identity);
  const input = parsed(resource.input, withoutOlder(resource, fields)) as InputOf<I>;
  const issues = resource.rules?.(input) ?? [];
  if (issues.length > 0) throw brokenRules(issues);
  return input;
}

/** The input of a create. */
export const inputOfCreate = <I extends Identity>(identity: I, fields: Fields): InputOf<I> =>
  parseInput(identity, withoutReadOnly(identity, meantBy(identity, fields)));

/**
 * The new version of an object: what was sent over what is stored, checked like a create. In a sparse one `null` means the
 * default, as in JSON Merge Patch (RFC 7396).
 */
export function inputOfUpdate<I extends Identity>(
  identity: I,
  stored: ObjectOf<I>,
  sent: Fields,
  sparse: boolean,
): InputOf<I> {
  const { createOnly, writable, imported } = resourceOf(identity);
  const fields = withoutReadOnly(identity, meantBy(identity, sent), stored as Fields);
  const fixed = Object.keys(createOnly).filter(
    key => Object.hasOwn(fields, key) && !same(fields[key], Reflect.get(stored, key)),
  );
  if (fixed.length > 0) {
    throw brokenRules(
      fixed.map(key => ({
        path: [key],
        input: fields[key],
        message: 'it is set at creation and never changes',
      })),
    );
  }
  const kept = Object.fromEntries(
    Object.entries(stored).filter(
      ([key]) => key in createOnly || (sparse && key in writable && !Object.hasOwn(sent, key)),
    ),
  );
  // What only an import can have put there stays, unless it is told to go.
  const left = (imported ?? []).filter(name =>
    Object.hasOwn(sent, name) ? same(fields[name], Reflect.get(stored, name)) : sparse,
  );
  const said = Object.entries({ ...kept, ...fields }).filter(([key]) => !left.includes(key));
  const input = parseInput(identity, Object.fromEntries(said));
  return { ...input, ...Object.fromEntries(left.map(name => [name, Reflect.get(stored, name)])) };
}
