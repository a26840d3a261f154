import { z } from 'zod';
import type { LegacyExport } from '../../schema/conversion.ts';
import { fail } from '../../schema/failure.ts';
import { networkAccess } from '../../schema/networkaccesspolicy.ts';
import type { PortSet } from '../../schema/protocol-ports.ts';
import { type Identity, identityNamed } from '../../schema/resources.ts';
import type { Named } from './findings.ts';
import { type Placed, relativePath } from './place.ts';
import { readServicePorts } from './service-ports.ts';

const carried = {
  name: z.string().min(1).max(256),
  namespace: z.string().default('').transform(relativePath),
  associatedTags: z.array(z.string()).default([]),
  metadata: z.array(z.string()).default([]),
};

/** Attributes that every object of an export may have and that a ruleset gets anew. */
const KNOWN = new Set([
  ...['ID', 'createTime', 'updateTime', 'normalizedTags', 'createIdempotencyKey', 'updateIdempotencyKey'],
  ...['zone', 'zHash', 'shard', 'migrationsLog', 'apiVersion', 'protected', 'annotations', 'description'],
]);

const Policy = z.object({
  ...carried,
  description: z.string().default(''),
  annotations: z.record(z.string(), z.array(z.string())).default({}),
  protected: z.boolean().default(false),
  ...networkAccess,
  expirationTime: z.string().default(''),
});

/** A legacy network policy of the input. */
export interface LegacyPolicy extends z.infer<typeof Policy>, Placed, Named {
  /** Attributes that are not known here, by name. */
  unknown: readonly string[];
}

const Network = z.object({
  ...carried,
  ID: z.string().optional(),
  entries: z.array(z.string()).default([]),
  propagate: z.boolean().default(false),
  archived: z.boolean().default(false),
  servicePorts: z.array(z.string()).default([]),
  protocols: z.array(z.union([z.string(), z.number()])).default([]),
  ports: z.array(z.union([z.string(), z.number()])).default([]),
});

/** A legacy external network of the input. */
export interface LegacyNetwork extends z.infer<typeof Network>, Placed, Named {
  tags: readonly string[];
  /** Undefined: what is written cannot be read. */
  limit: PortSet | undefined;
}

const withoutNulls = (object: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(object).filter(([, value]) => value !== null));

function parsed<T>(schema: z.ZodType<T>, object: Record<string, unknown>, at: string): T {
  const result = schema.safeParse(withoutNulls(object));
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const attribute = `${at}.${issue?.path.join('.') ?? ''}`;
  throw fail('invalid', `Attribute 'data.${attribute}' is wrong: ${issue?.message}; nothing was converted`, {
    attribute: `data.${attribute}`,
  });
}

/** Every list of one identity, under whichever of its names, with where it stands. */
export const objectsOf = (
  { data }: LegacyExport,
  identity: Identity,
): { at: string; object: Record<string, unknown> }[] =>
  Object.entries(data).flatMap(([key, objects]) =>
    identityNamed(key) === identity ? objects.map((object, at) => ({ at: `${key}[${at}]`, object })) : [],
  );

/** Objects of an ancestor count where they propagate; those that it gives for other namespaces are not ours. */
const reaches = (object: Placed): boolean => !object.above || (object.propagate && object.namespace === '');

export const policiesOf = (legacy: LegacyExport, above: boolean): LegacyPolicy[] =>
  objectsOf(legacy, 'networkaccesspolicy')
    .map(({ at, object }) => ({
      ...parsed(Policy, object, at),
      identity: 'networkaccesspolicy',
      above,
      unknown: Object.keys(object).filter(key => !KNOWN.has(key) && !Object.hasOwn(Policy.shape, key)),
    }))
    .filter(reaches);

export const readNetwork = (object: Record<string, unknown>, at: string, above: boolean): LegacyNetwork => {
  const network = parsed(Network, object, at);
  return {
    ...network,
    identity: 'externalnetwork',
    above,
    tags: [...network.associatedTags, ...network.metadata],
    limit: readServicePorts(network),
  };
};

export const networksOf = (legacy: LegacyExport, above: boolean): LegacyNetwork[] =>
  objectsOf(legacy, 'externalnetwork')
    .map(({ at, object }) => readNetwork(object, at, above))
    .filter(network => reaches(network) && !network.archived);
