import * as fc from 'fast-check';
import { type Json, resolved } from './document.ts';
import { text } from './hostile.ts';

/** Stand for namespaces of a run, which has its own. */
export const TENANT = '/TENANT';
export const CHILD = '/TENANT/child';

const tags = fc.constantFrom(
  'app=web',
  'app=db',
  'role=front end',
  'ключ=значение',
  'аpp=web',
  'app=web\u0301',
  'app=we*',
  '$identity=processingunit',
  '$identity=enforcer',
  `$namespace=${TENANT}`,
  `$namespace=${TENANT}/*`,
  '@org:tenant=x',
  '@auth:realm=certificate',
  '@auth:subject=somebody',
  'externalnetwork:name=internet',
);
const cidrs = fc.constantFrom('10.0.0.0/8', '!10.1.0.0/16', '192.0.2.7', '2001:db8::/32', '0.0.0.0/0');
const list = <T>(of: fc.Arbitrary<T>, minLength = 0) => fc.uniqueArray(of, { minLength, maxLength: 3 });

/** What a schema says in words only, by the name under which it is stated. */
const named: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  CidrList: list(cidrs),
  NamespacePath: fc.constantFrom(TENANT, CHILD, `${TENANT}/nowhere`, '/'),
  NetworkEntries: list(fc.oneof(cidrs, fc.constantFrom('www.example.com', '*.example.com.', 'a')), 1),
  ProtocolPorts: list(
    fc.constantFrom('tcp/443', 'udp/53', 'tcp/8000:8999', 'icmp', 'icmp/8/0', 'esp', 'any', 'TCP/80'),
  ),
  Selector: list(list(tags, 1), 1),
  Tag: tags,
  Timestamp: fc
    .date({ min: new Date('1970-01-01'), max: new Date('9999-01-01'), noInvalidDate: true })
    .map(date => date.toISOString()),
};

/** And by its pattern. */
const patterned: Readonly<Record<string, fc.Arbitrary<string>>> = {
  '@auth:role=': fc.constantFrom('@auth:role=namespace.viewer', '@auth:role=enforcer', '@auth:role=nobody'),
  '(get|post|': fc.constantFrom('@auth:role=namespace.viewer', 'externalnetwork,get', '*,any'),
  'https:': fc.constantFrom('https://login.example.com', 'https://169.254.169.254/latest'),
};

const formats: Readonly<Record<string, fc.Arbitrary<string>>> = {
  ipv4: fc.ipV4(),
  ipv6: fc.ipV6(),
  cidrv4: fc.constantFrom('10.0.0.0/8', '192.0.2.1/32'),
  cidrv6: fc.constantFrom('2001:db8::/32', '::/0'),
  'date-time': fc.constantFrom('2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00Z'),
  uri: fc.constantFrom('https://login.example.com'),
};

const anyText = fc.oneof(fc.constantFrom('web', 'db', 'x', '1h', '1.2.3'), text);

function texts({ pattern, format, minLength = 0, maxLength = 64 }: Json): fc.Arbitrary<string> {
  const known = Object.entries(patterned).find(([part]) => String(pattern ?? '').includes(part))?.[1];
  if (known) return known;
  if (typeof format === 'string' && formats[format]) return formats[format];
  if (typeof pattern === 'string') {
    try {
      return fc.stringMatching(new RegExp(pattern));
    } catch {
      // A pattern that the library cannot turn around.
    }
  }
  return anyText.filter(value => value.length >= Number(minLength) && value.length <= Number(maxLength));
}

function objects({
  properties = {},
  required = [],
  additionalProperties,
  propertyNames,
}: Json): fc.Arbitrary<unknown> {
  const shape = Object.fromEntries(
    Object.entries(properties as Record<string, Json>)
      .filter(([, { readOnly }]) => !readOnly)
      .map(([name, schema]) => [name, fromSchema(schema)]),
  );
  const keys = (required as string[]).filter(key => Object.hasOwn(shape, key));
  const some = fc
    .record(shape, { requiredKeys: keys })
    .chain(value => fc.subarray(Object.keys(value)).map(kept => pick(value, [...keys, ...kept])));
  if (additionalProperties === false || additionalProperties === undefined) return some;
  const names = propertyNames ? fromSchema(propertyNames as Json) : anyText;
  const more = fc.dictionary(names as fc.Arbitrary<string>, fromSchema(additionalProperties as Json), {
    maxKeys: 2,
    noNullPrototype: true,
  });
  return fc.tuple(some, more).map(([fields, others]) => ({ ...others, ...fields }));
}

const pick = (value: Json, keys: readonly string[]): Json =>
  Object.fromEntries(Object.entries(value).filter(([key]) => keys.includes(key)));

/** Values that the schema takes, or nearly so: what it says in words only is met by chance. */
export function fromSchema(schema: Json): fc.Arbitrary<unknown> {
  const { name, ...json } = resolved(schema);
  const known = name === undefined ? undefined : named[name];
  if (known) return known;
  if (Array.isArray(json.enum)) return fc.constantFrom(...(json.enum as unknown[]));
  if ('const' in json) return fc.constant(json.const);
  const choices = (json.oneOf ?? json.anyOf) as Json[] | undefined;
  if (choices) return fc.oneof(...choices.map(fromSchema));
  switch (json.type) {
    case 'boolean':
      return fc.boolean();
    case 'integer':
    case 'number':
      return fc.integer({
        min: Number(json.minimum ?? 0),
        max: Math.min(Number(json.maximum ?? 1000), 2 ** 40),
      });
    case 'string':
      return texts(json);
    case 'array': {
      const minLength = Number(json.minItems ?? 0);
      return fc.array(fromSchema((json.items ?? {}) as Json), { minLength, maxLength: minLength + 2 });
    }
    case 'object':
      return objects(json);
    default:
      return fc.jsonValue({ maxDepth: 2 }) as fc.Arbitrary<unknown>;
  }
}
