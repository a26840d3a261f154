import { z } from 'zod';
import { isWithin, type NamespacePath, shortName } from '../schema/ids.ts';
import { type Identity, type ObjectOf, resourceOf } from '../schema/resources.ts';

/** Objects as they stand in an export: attributes that were said, and where below the export's namespace they live. */
export type Exported = Record<string, unknown>;

/** A file that an import takes. Source: the original's Export; `identities` in the singular, keys of `data` plural. */
export interface ExportFile {
  APIVersion: 1;
  label: string;
  identities: string[];
  data: Record<string, Exported[]>;
}

/** Made where they run, or with a secret that an export does not hold. */
const NOT_EXPORTED: Partial<Record<Identity, string>> = {
  appcredential: 'the keys of app credentials are kept by nobody but their owners; create new ones',
  cloudaccount: 'cloud accounts are onboarded, not imported; export the namespaces that were made for them',
  enforcer: 'enforcers register themselves where they run; export their profiles and mappings',
  enforcerrelease: 'releases are published with their files, not imported',
  importreference: 'its objects are exported by themselves; import them under the same label',
  installtoken: 'install tokens are good for minutes; make new ones',
  processingunit: 'processing units are registered by the enforcers that run them',
};

/** Why objects of a kind are in no export; undefined when they may be. */
export const notExported = (identity: Identity): string | undefined => NOT_EXPORTED[identity];

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

const isRecord = (value: unknown): value is Record<string, unknown> =>
  value !== null && typeof value === 'object' && !Array.isArray(value);

/** The value without attributes that a reader would fill in to the same, at every level that the schema knows. */
function said(schema: z.core.$ZodType, value: unknown): unknown {
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodOptional) {
    return said(schema.unwrap(), value);
  }
  if (schema instanceof z.ZodArray && Array.isArray(value)) {
    return value.map(item => said(schema.element, item));
  }
  if (!(schema instanceof z.ZodObject) || !isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, part]) => {
      const own = schema.shape[name];
      if (own === undefined || part === undefined) return [];
      const absent = z.safeParse(own, undefined);
      return absent.success && same(absent.data, part) ? [] : [[name, said(own, part)]];
    }),
  );
}

/** `.` for the ancestor itself, else `./a/b`. */
const relative = (path: string, ancestor: string): string =>
  path === ancestor ? '.' : `./${path.slice(ancestor === '/' ? 1 : ancestor.length + 1)}`;

/**
 * Tags that an import makes anew: the label's, and for what inherits them the organization of the place. An export in
 * another place must not bring the old ones along.
 */
const own = (identity: Identity, metadata: readonly string[]): string[] =>
  metadata.filter(
    tag =>
      !tag.startsWith('@import:label=') &&
      !(resourceOf(identity).inheritsOrganization && tag.startsWith('@org:')),
  );

/** Paths of namespaces as they are right wherever the file is imported. */
function moved(identity: Identity, object: ObjectOf<Identity>, home: NamespacePath): Exported {
  if (identity === 'namespace' && 'name' in object) return { name: shortName(object.name as NamespacePath) };
  if ('authorizedNamespace' in object && isWithin(object.authorizedNamespace, home)) {
    return { authorizedNamespace: relative(object.authorizedNamespace, home) };
  }
  if ('mappedNamespace' in object && object.mappedNamespace.startsWith('/')) {
    const { mappedNamespace, namespace } = object;
    const isBelow = isWithin(mappedNamespace, namespace) && mappedNamespace !== namespace;
    return isBelow ? { mappedNamespace: relative(mappedNamespace, namespace).slice(2) } : {};
  }
  return {};
}

function exported(identity: Identity, object: ObjectOf<Identity>, home: NamespacePath): Exported {
  const { createOnly, writable, secrets = [] } = resourceOf(identity);
  const shape = z.object({ ...createOnly, ...writable });
  const open = Object.fromEntries(Object.entries(object).filter(([name]) => !secrets.includes(name)));
  const place = object.namespace === home ? {} : { namespace: relative(object.namespace, home) };
  const metadata = own(identity, object.metadata);
  const whole = { ...open, ...moved(identity, object, home), metadata };
  return { ...(said(shape, whole) as Exported), ...place };
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** By place, then name, then all the rest: nothing of it depends on when or where the objects were made. */
const byContent = (a: Exported, b: Exported): number =>
  compare(String(a.namespace ?? ''), String(b.namespace ?? '')) ||
  compare(String(a.name), String(b.name)) ||
  compare(JSON.stringify(a), JSON.stringify(b));

/**
 * The export of objects that live in `home` and below. What is left out, an import fills in: defaults, what only the
 * server writes, and secrets. Importing it elsewhere and exporting that gives the same file.
 */
export function exportOf(
  objects: ReadonlyMap<Identity, readonly ObjectOf<Identity>[]>,
  home: NamespacePath,
  label: string,
): ExportFile {
  const kinds = [...objects].toSorted(([a], [b]) => compare(a, b));
  return {
    APIVersion: 1,
    label,
    identities: kinds.map(([identity]) => identity),
    data: Object.fromEntries(
      kinds
        .filter(([, found]) => found.length > 0)
        .map(([identity, found]) => [
          resourceOf(identity).plural,
          found.map(object => exported(identity, object, home)).sort(byContent),
        ]),
    ),
  };
}
