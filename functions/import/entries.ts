import type { ImportRequest } from '../../shared/api/messages.ts';
import { fail } from '../../shared/schema/failure.ts';
import { isWithin, lineage, NamespacePath } from '../../shared/schema/ids.ts';
import { type Identity, identities, identityNamed } from '../../shared/schema/resources.ts';

/** One object of an import's file. */
export interface Entry {
  identity: Identity;
  /** Where it stands in the file: `externalnetworks[3]`. */
  at: string;
  /** Where it is to live. */
  namespace: NamespacePath;
  fields: Record<string, unknown>;
}

/** What an import cannot make, and what to do instead. */
const NOT_IMPORTED: Partial<Record<Identity, string>> = {
  appcredential:
    'app credentials, and nobody would receive the keys of those that an import makes; leave it out and create them one by one',
  importreference: 'import references, which stand for imports themselves; create them one by one',
  installtoken: 'install tokens, which are good for minutes; make new ones',
};

/** Namespaces first, as the others may live in them; the rest in the order of the registry. */
export const ORDER: readonly Identity[] = [
  'namespace',
  ...identities.filter(identity => identity !== 'namespace'),
];

/** Undefined when it would be no path. */
export const below = (namespace: NamespacePath, relative: string): NamespacePath | undefined =>
  relative === ''
    ? namespace
    : NamespacePath.safeParse(`${namespace === '/' ? '' : namespace}/${relative}`).data;

/** `.`, `./a/b`, or `a/b` as a path below; undefined for anything else, absolute paths among it. */
const resolved = (namespace: NamespacePath, said: string): NamespacePath | undefined =>
  below(namespace, said.replace(/^\.(\/|$)/, ''));

/** A full path, where it is the import's own namespace or one below. */
const within = (namespace: NamespacePath, said: string): NamespacePath | undefined => {
  const path = NamespacePath.safeParse(said).data;
  return path && isWithin(path, namespace) ? path : undefined;
};

/** Objects may name a namespace relative to the import's own, as in `./group` or `group`, or in full. */
function placeOf(namespace: unknown, at: string, home: NamespacePath): NamespacePath {
  if (namespace === undefined) return home;
  const path =
    typeof namespace === 'string' ? (resolved(home, namespace) ?? within(home, namespace)) : undefined;
  if (path) return path;
  throw fail(
    'invalid',
    `Attribute 'data.${at}.namespace' is \`${JSON.stringify(namespace)}\`; give a path relative to ${home}, such as ./group, or in full of a namespace below it`,
    { attribute: `data.${at}.namespace`, value: namespace },
  );
}

/** An authorization's namespace may be relative too, as exports write it. */
function absolute(identity: Identity, fields: Entry['fields'], home: NamespacePath): Entry['fields'] {
  const { authorizedNamespace: said } = fields;
  if (identity !== 'apiauthorizationpolicy' || typeof said !== 'string' || !said.startsWith('.'))
    return fields;
  return { ...fields, authorizedNamespace: resolved(home, said) ?? said };
}

function identityOf(name: string): Identity {
  const identity = identityNamed(name);
  const attribute = `data.${name}`;
  if (!identity) {
    throw fail('invalid', `Attribute '${attribute}' names no resource; use one of ${identities.join(', ')}`, {
      attribute,
    });
  }
  const why = NOT_IMPORTED[identity];
  if (why) throw fail('invalid', `Attribute '${attribute}' holds ${why}`, { attribute });
  return identity;
}

/** One object of a file, as it stands there under the name of its resource. */
export function entryOf(
  name: string,
  index: number,
  { namespace, ...fields }: Record<string, unknown>,
  home: NamespacePath,
): Entry {
  const identity = identityOf(name);
  const at = `${name}[${index}]`;
  return { identity, at, namespace: placeOf(namespace, at, home), fields: absolute(identity, fields, home) };
}

type Placed = Pick<Entry, 'identity' | 'namespace'>;

const rank = new Map(ORDER.map((identity, at) => [identity, at]));

/** Objects by the namespaces that they are to live in, parents before children, each in order of its kind. */
export function grouped<T extends Placed>(entries: readonly T[]): T[][] {
  const kind = ({ identity }: T): number => rank.get(identity) ?? 0;
  const groups = Map.groupBy(
    entries.toSorted((a, b) => kind(a) - kind(b)),
    ({ namespace }) => namespace,
  );
  return [...groups]
    .sort(([a], [b]) => lineage(a).length - lineage(b).length || (a < b ? -1 : 1))
    .map(([, group]) => group);
}

/** The file's objects, as they are applied. */
export function entriesOf(data: ImportRequest['data']['data'], home: NamespacePath): Entry[][] {
  const entries = Object.entries(data).flatMap(([name, objects]) => {
    identityOf(name);
    return objects.map((object, index) => entryOf(name, index, object, home));
  });
  return grouped(entries);
}
