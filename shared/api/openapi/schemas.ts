import { z } from 'zod';
import { Finding, LegacyExport } from '../../schema/conversion.ts';
import { NamespacePath, ObjectId, Timestamp } from '../../schema/ids.ts';
import { LintFinding } from '../../schema/lint.ts';
import { CidrList, NetworkEntries } from '../../schema/network-entry.ts';
import { NetworkRule } from '../../schema/networkrulesetpolicy.ts';
import { ProtocolPorts } from '../../schema/protocol-ports.ts';
import { identities, resourceOf } from '../../schema/resources.ts';
import { Selector, Tag, TagExpression } from '../../schema/tag.ts';
import { ErrorBody } from '../messages.ts';
import { operations, routes } from '../routes.ts';

export type Json = Record<string, unknown>;

/** What stands in many bodies, and is stated once. */
const shared = {
  CidrList,
  Finding,
  LegacyExport,
  LintFinding,
  NamespacePath,
  NetworkEntries,
  NetworkRule,
  ObjectId,
  ProtocolPorts,
  Selector,
  Tag,
  TagExpression,
  Timestamp,
};

export const inputName = (identity: string): string => `${identity}-input`;
export const changeName = (identity: string): string => `${identity}-change`;
export const updateName = (identity: string): string => `${identity}-update`;
export const requestName = (operation: string): string => `${operation}-request`;
export const answerName = (operation: string): string => `${operation}-answer`;

export const reference = (name: string): Json => ({ $ref: `#/components/schemas/${name}` });

/** A schema that is sent may leave out what has a default, so that the same name may need two statements. */
const SENT = '-sent';

type Io = 'input' | 'output';

/** Every body of one direction by its name. */
function bodies(io: Io): Record<string, z.ZodType> {
  const own = operations.filter(operation => !routes[operation].crud);
  if (io === 'input') {
    return {
      ...Object.fromEntries(identities.map(identity => [inputName(identity), resourceOf(identity).input])),
      ...Object.fromEntries(
        own.flatMap(operation => {
          const { input } = routes[operation];
          return input ? [[requestName(operation), input]] : [];
        }),
      ),
    };
  }
  return {
    ...Object.fromEntries(identities.map(identity => [identity, resourceOf(identity).stored])),
    ...Object.fromEntries(
      own.flatMap(operation => {
        const { ok } = routes[operation];
        return ok ? [[answerName(operation), ok]] : [];
      }),
    ),
    error: z.array(ErrorBody).min(1),
  };
}

const isText = (schema: unknown): boolean => JSON.stringify(schema) === '{"type":"string"}';

/** Of one query parameter. */
export const parameterSchema = (schema: z.ZodType): Json => {
  const { $schema: _, ...json } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Json;
  return json;
};

function stated(io: Io): Record<string, Json> {
  const registry = z.registry<{ id: string }>();
  const suffix = io === 'input' ? SENT : '';
  for (const [id, schema] of Object.entries(shared)) registry.add(schema, { id: `${id}${suffix}` });
  for (const [id, schema] of Object.entries(bodies(io))) {
    // The same schema under a second name: one says what the other is.
    registry.add(registry.has(schema) ? schema.clone() : schema, { id });
  }
  const { schemas } = z.toJSONSchema(registry, {
    io,
    unrepresentable: 'any',
    uri: id => `#/components/schemas/${id}`,
    override: ({ jsonSchema }) => {
      // The pattern knows fewer addresses than the format and the code: none with IPv4 inside.
      if (/^(ipv6|cidrv6)$/.test(jsonSchema.format ?? '')) delete jsonSchema.pattern;
      // Keys of JSON objects are always text.
      if (jsonSchema.propertyNames && isText(jsonSchema.propertyNames)) delete jsonSchema.propertyNames;
    },
  });
  return Object.fromEntries(
    Object.entries(schemas as Record<string, Json>).map(([name, { $schema: _, $id: __, ...schema }]) => [
      name,
      schema,
    ]),
  );
}

const withNames = (schema: Json, name: (old: string) => string): Json =>
  JSON.parse(
    JSON.stringify(schema, (key, value: unknown) =>
      key === '$ref' && typeof value === 'string' ? value.replace(/[^/]+$/, name) : value,
    ),
  );

/** What is the same in both directions keeps one name. */
function merged(sent: Record<string, Json>, answered: Record<string, Json>): Record<string, Json> {
  const plain = (name: string): string => name.replace(new RegExp(`${SENT}$`), '');
  const differing = new Set(Object.keys(sent).filter(name => name.endsWith(SENT)));
  let before: number;
  do {
    before = differing.size;
    const named = (name: string): string => (differing.has(name) ? name : plain(name));
    for (const name of differing) {
      const same = JSON.stringify(withNames(sent[name] ?? {}, named));
      if (same === JSON.stringify(answered[plain(name)])) differing.delete(name);
    }
  } while (differing.size < before);
  const named = (name: string): string => (differing.has(name) ? name : plain(name));
  const kept = Object.entries(sent).filter(([name]) => !name.endsWith(SENT) || differing.has(name));
  return {
    ...answered,
    ...Object.fromEntries(kept.map(([name, schema]) => [name, withNames(schema, named)])),
  };
}

const withoutDefaults = ({ properties, ...schema }: Json): Json => {
  const without = Object.entries(properties as Record<string, Json>).map(
    ([name, { default: _, ...property }]) => [name, property],
  );
  return { ...schema, properties: Object.fromEntries(without) };
};

/** A PATCH leaves alone what it does not say: nothing is required, and nothing has a default. */
const changeOf = ({ required: _, ...schema }: Json): Json => withoutDefaults(schema);

/** A PUT may carry all that was read, and must carry the `updateTime`. */
const updateOf = (stored: Json, { required, properties, ...input }: Json): Json => ({
  ...input,
  properties: { ...(stored.properties as Json), ...(properties as Json) },
  required: [...((required ?? []) as string[]), 'updateTime'],
});

/** What only the server writes, and what only a create may say. */
function marked(identity: (typeof identities)[number], schema: Json): Json {
  const { readOnly, createOnly } = resourceOf(identity);
  const properties = Object.entries(schema.properties as Record<string, Json>).map(([name, property]) => [
    name,
    {
      ...property,
      ...(Object.hasOwn(readOnly, name) ? { readOnly: true } : {}),
      ...(Object.hasOwn(createOnly, name) ? { 'x-createOnly': true } : {}),
    },
  ]);
  return { ...schema, properties: Object.fromEntries(properties) };
}

/** Every body of the API, by name and in order. */
export function schemas(): Json {
  const all = merged(stated('input'), stated('output'));
  for (const identity of identities) {
    const input = all[inputName(identity)] ?? {};
    all[identity] = {
      title: identity,
      description: `${resourceOf(identity).summary}.`,
      ...marked(identity, all[identity] ?? {}),
    };
    all[inputName(identity)] = marked(identity, input);
    all[changeName(identity)] = changeOf(marked(identity, input));
    all[updateName(identity)] = updateOf(all[identity], all[inputName(identity)] ?? {});
  }
  return Object.fromEntries(Object.entries(all).sort(([a], [b]) => (a < b ? -1 : 1)));
}
