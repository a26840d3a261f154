import { encode } from '@msgpack/msgpack';
import * as fc from 'fast-check';
import { type Described, described, type Parameter } from './document.ts';
import { CHILD, fromSchema, TENANT } from './from-schema.ts';
import { anything, filters, text } from './hostile.ts';

/** Bytes and what they are said to be. */
export type Body =
  | { as: 'json' | 'msgpack'; value: unknown /** Laid over the object that the path names. */; over: boolean }
  | { as: 'bytes'; type: string | undefined; hex: string };

/** A request before a run makes it its own: namespaces and IDs stand for those of the run. */
export interface Planned {
  at: Described;
  /** The nth object that the run made of the resource, or a text. */
  id: number | string;
  namespace: string | undefined;
  who: 'root' | 'viewer' | 'foreign' | 'nobody' | string;
  query: readonly (readonly [string, string])[];
  headers: Readonly<Record<string, string>>;
  body?: Body;
}

const mostly = <T>(good: fc.Arbitrary<T>, other: fc.Arbitrary<T>, weight = 12): fc.Arbitrary<T> =>
  fc.oneof({ weight, arbitrary: good }, { weight: 1, arbitrary: other });

function queryValue({ name, schema }: Parameter): fc.Arbitrary<string> {
  if (name === 'q') return filters;
  if (name === 'order') return mostly(fc.constantFrom('name', '-createTime', 'ID', 'subject'), text, 3);
  if (name === 'limit' || name === 'pagesize' || name === 'page')
    return mostly(fc.constantFrom('1', '2', '10', '1000'), text, 3);
  if (schema.type === 'boolean') return fc.constantFrom('', 'true', 'false');
  return mostly(fromSchema(schema).map(String), text, 3);
}

const flags = ['dryRun', 'archived'];

function queryOf(parameters: readonly Parameter[]): fc.Arbitrary<[string, string][]> {
  const own = parameters.filter(parameter => parameter.in === 'query');
  if (own.length === 0) return fc.constant([]);
  const one = fc
    .constantFrom(...own)
    .chain(parameter =>
      fc.tuple(fc.constantFrom(parameter.name, parameter.name.toLowerCase()), queryValue(parameter)),
    );
  const rare = fc.tuple(text, text);
  // Most requests say little: flags that keep anything from being done must not drown the rest.
  return fc
    .array(mostly(one, rare, 20), { maxLength: 3 })
    .chain(query => fc.boolean().map(dry => (dry ? query : query.filter(([name]) => !flags.includes(name)))));
}

const headerText = fc.oneof(
  fc.constantFrom('ID', 'ID,name', '*/*', 'application/msgpack', 'text/html', 'key-1', 'key-2', 'gzip', '1'),
  fc.string({ unit: 'grapheme-ascii', maxLength: 20 }),
  fc.string({ minLength: 0, maxLength: 300 }),
);

const headersOf = fc.dictionary(
  fc.constantFrom(
    'x-fields',
    'idempotency-key',
    'accept',
    'accept-encoding',
    'x-external-tracking-id',
    'x-read-consistency',
    'content-encoding',
    'x-forwarded-for',
    'cookie',
  ),
  headerText,
  { maxKeys: 2, noNullPrototype: true },
);

const rawBytes = fc.oneof(
  fc.uint8Array({ maxLength: 64 }).map(bytes => Buffer.from(bytes).toString('hex')),
  fc
    .constantFrom(
      '',
      '{',
      '[[[[[[[[',
      'null',
      '"x"',
      '1e999',
      '{"name":"a","name":"b"}',
      '{"__proto__":{"protected":true}}',
      '\ufeff{}',
      '{"name":"\\ud800"}',
      `${'['.repeat(5000)}${']'.repeat(5000)}`,
      `"${'x'.repeat(1_100_000)}"`,
    )
    .map(value => Buffer.from(value).toString('hex')),
  fc.constantFrom(
    'dcffff',
    'ddffffffff',
    'dfffffffff00',
    'c1',
    'd6ff00000000',
    'c70cff',
    'cb7ff0000000000000',
    'cb7ff8000000000000',
  ),
);

const types = fc.constantFrom(
  'application/json',
  'application/msgpack',
  'application/json; charset=utf-8',
  'text/plain',
  'application/yaml',
  '',
  undefined,
);

/** A value with something wrong in one place. */
const spoilt = (good: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
  fc.tuple(good, fc.nat(), anything, fc.option(text)).map(([value, at, wrong, extra]) => {
    if (value === null || typeof value !== 'object') return wrong;
    const copy = structuredClone(value) as Record<string, unknown>;
    const keys = Object.keys(copy);
    const key = extra ?? keys[at % Math.max(1, keys.length)] ?? 'name';
    return Object.fromEntries([...Object.entries(copy), [key, wrong]]);
  });

const canPack = (value: unknown): boolean => {
  try {
    encode(value, { maxDepth: 100 });
    return true;
  } catch {
    return false;
  }
};

function bodyOf({ body, examples, method }: Described): fc.Arbitrary<Body | undefined> {
  if (!body) return mostly(fc.constant(undefined), fc.constant({ as: 'json', value: {}, over: false }), 20);
  const stated = fromSchema(body);
  const good =
    examples.length === 0
      ? stated
      : fc.oneof(
          stated,
          fc.constantFrom(...examples),
          fc
            .tuple(fc.constantFrom(...examples), stated)
            .map(([example, more]) => ({ ...(example as object), ...(more as object) })),
        );
  const over = fc.constant(method === 'PUT');
  const value = fc.oneof(
    { weight: 6, arbitrary: good },
    { weight: 3, arbitrary: spoilt(good) },
    { weight: 1, arbitrary: anything },
  );
  return fc.oneof(
    {
      weight: 12,
      arbitrary: fc
        .record({
          as: mostly(fc.constant<'json' | 'msgpack'>('json'), fc.constant<'json' | 'msgpack'>('msgpack'), 6),
          value,
          over,
        })
        .map(sent =>
          sent.as === 'msgpack' && !canPack(sent.value) ? { ...sent, as: 'json' as const } : sent,
        ),
    },
    { weight: 1, arbitrary: fc.record({ as: fc.constant('bytes' as const), type: types, hex: rawBytes }) },
  );
}

const planned = new Map<string, fc.Arbitrary<Planned>>();

function plannedFor(at: Described): fc.Arbitrary<Planned> {
  const known = planned.get(at.operation);
  if (known) return known;
  const made = fc
    .record({
      at: fc.constant(at),
      id: mostly<number | string>(fc.nat({ max: 3 }), text),
      namespace: mostly<string | undefined>(
        fc.constantFrom(TENANT, TENANT, TENANT, TENANT, CHILD, CHILD, '/'),
        fc.oneof(text, fc.constant(undefined)),
      ),
      who: fc.oneof(
        { weight: 20, arbitrary: fc.constant('root') },
        { weight: 1, arbitrary: fc.constantFrom('viewer', 'foreign', 'nobody') },
        { weight: 1, arbitrary: headerText },
      ),
      query: queryOf(at.parameters),
      headers: mostly(fc.constant({}), headersOf, 2),
      body: bodyOf(at),
    })
    .map(({ body, ...rest }): Planned => ({ ...rest, ...(body ? { body } : {}) }));
  planned.set(at.operation, made);
  return made;
}

const resources = [...new Set(described.map(({ resource }) => resource))];
const creates = described.filter(({ method, body }) => method === 'POST' && body);

/** A story in one tenant: mostly about one resource, so that later requests meet what earlier ones made. */
export const stories: fc.Arbitrary<readonly Planned[]> = fc.constantFrom(...resources).chain(resource => {
  const own = described.filter(at => at.resource === resource);
  const making = own.filter(at => creates.includes(at));
  const choice = fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...own) },
    { weight: 4, arbitrary: fc.constantFrom(...(making.length > 0 ? making : own)) },
    { weight: 2, arbitrary: fc.constantFrom(...described) },
  );
  return fc.array(choice.chain(plannedFor), { minLength: 8, maxLength: 24, size: 'max' });
});
