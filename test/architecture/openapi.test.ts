import { readFileSync } from 'node:fs';
import { Validator } from '@seriousme/openapi-schema-validator';
import { expect, test } from 'vitest';
import { operations } from '../../shared/api/routes.ts';
import { WITHOUT } from '../make/story.ts';

type Json = Record<string, unknown>;
const document: Json = JSON.parse(readFileSync('docs/openapi.json', 'utf8'));

/** Everything in the document that is an object, with where it stands. */
function* every(value: unknown, at: string): Generator<[string, Json]> {
  if (value === null || typeof value !== 'object') return;
  if (!Array.isArray(value)) yield [at, value as Json];
  for (const [key, part] of Object.entries(value)) yield* every(part, `${at}/${key}`);
}

const entriesOf = (value: unknown): [string, Json][] => Object.entries((value ?? {}) as Record<string, Json>);
const components = document.components as Record<string, Json>;

test('the document is valid OpenAPI 3.1', async () => {
  const validator = new Validator();
  const { valid, errors } = await validator.validate(structuredClone(document));
  expect(errors).toBeUndefined();
  expect([valid, validator.version]).toEqual([true, '3.1']);
});

test('every attribute of every body says what it is: end its schema with `.describe(…)`', () => {
  const silent = [...every(components.schemas, '')].flatMap(([at, schema]) =>
    at.endsWith('/properties')
      ? entriesOf(schema).flatMap(([name, { description }]) => (description ? [] : [`${at}/${name}`]))
      : [],
  );
  expect(silent).toEqual([]);
});

test('every parameter, header, answer, group and operation says what it is', () => {
  const described: [string, Json][] = [
    ...entriesOf(components.parameters),
    ...entriesOf(components.headers),
    ...entriesOf(components.responses),
    ...entriesOf(components.securitySchemes),
    ...entriesOf(document.tags),
    ...entriesOf(document.paths).flatMap(([path, methods]) =>
      entriesOf(methods).flatMap(([method, operation]): [string, Json][] => [
        [`${method} ${path}`, operation],
        ...entriesOf(operation.parameters)
          .filter(([, parameter]) => !('$ref' in parameter))
          .map(([, parameter]): [string, Json] => [`${method} ${path} ${parameter.name}`, parameter]),
      ]),
    ),
  ];
  const silent = described.filter(([, { description }]) => !description).map(([name]) => name);
  expect(silent).toEqual([]);
});

test('every reference leads somewhere, and every part is referred to', () => {
  const referred = new Set(
    [...every(document, '')].flatMap(([, { $ref }]) => (typeof $ref === 'string' ? [$ref] : [])),
  );
  const stated = entriesOf(components)
    .filter(([kind]) => kind !== 'securitySchemes')
    .flatMap(([kind, parts]) => Object.keys(parts).map(name => `#/components/${kind}/${name}`));
  const none = (names: Iterable<string>, of: ReadonlySet<string>) => [...names].filter(name => !of.has(name));
  expect(none(referred, new Set(stated))).toEqual([]);
  // Failures that no route states yet.
  expect(none(stated, referred).filter(name => !/error-(405|429)$/.test(name))).toEqual([]);
});

test('every operation has an example in test/make/story.ts, or a reason there for having none', () => {
  const told = new Set((document['x-story'] as string[]).map(line => line.split(' ')[0]));
  const without = operations.filter(operation => !told.has(operation));
  expect(without).toEqual(Object.keys(WITHOUT).sort());
});
