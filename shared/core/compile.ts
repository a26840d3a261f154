import type { PayloadBytes, PayloadName } from '../schema/bundle.ts';
import { fail } from '../schema/failure.ts';
import { lineage, type NamespacePath, tenantOf } from '../schema/ids.ts';
import type { Tag } from '../schema/tag.ts';
import {
  directiveJson,
  externalNetworkJson,
  namespaceJson,
  namespaceMappingJson,
  partsOf,
  profileJson,
  profileMappingJson,
} from './fragments.ts';
import { mappingsIn, reachable } from './mapping.ts';
import { type Payload, payload } from './payload.ts';
import { type Scope, scopesOf } from './scopes.ts';
import { type Held, inOrder } from './shelf.ts';
import type { PolicyView } from './view.ts';

/** What an enforcer's namespace gets. */
export interface Compiled {
  /** Canonical JSON: equal views give equal bytes. */
  payloads: PayloadBytes;
  /** SHA-256 of each payload, in hex. */
  digests: Record<PayloadName, string>;
  /** The distinct object clauses of its rules: which processing units it names. Sorted. */
  selectors: Tag[][];
  /** The namespaces it covers: its own, and those that its processing units can be mapped to. Sorted. */
  namespaces: NamespacePath[];
}

/** The entry of an object, made once. */
const entryOf =
  <T>(make: (object: T) => string) =>
  (held: Held<T, string>): string => {
    held.derived ??= make(held.object);
    return held.derived;
  };

const lowestID = (a: { ID: string }, b: { ID: string }): number => (a.ID < b.ID ? -1 : 1);

const list = (key: string, entries: readonly string[]): string => `"${key}":[${entries.join(',')}]`;

/** Members must come in order of their keys. */
const object = (members: readonly string[]): string => `{${members.join(',')}}`;

const NO_ENFORCERS = payload(object([list('enforcers', []), '"format":1']));

function directives(view: PolicyView, path: NamespacePath): Payload {
  const version = view.namespaces.effective(path).defaultEnforcerVersion.value;
  const enforcers = view.enforcers.livingIn(path);
  if (enforcers.length === 0) return NO_ENFORCERS;
  const entries = inOrder(enforcers).map(({ object }) => directiveJson(object, version));
  return payload(object([list('enforcers', entries), '"format":1']));
}

/** policy.json, with the object clauses of its rules by `clauseKey`, and the namespaces that it covers. */
export interface CompiledPolicy {
  json: string;
  clauses: ReadonlyMap<string, readonly Tag[]>;
  namespaces: NamespacePath[];
}

/** The policy alone, without the peers that it names. Fails as `compile` does. */
export function compilePolicy(view: PolicyView, path: NamespacePath): CompiledPolicy {
  const own = view.namespaces.at(path);
  if (!own) throw fail('not_found', `no namespace \`${path}\` to compile; create it, or correct the path`);
  const namespaces = reachable(view, path);
  const lineages = namespaces.map(lineage);
  const ownLineage = lineages.slice(0, 1);
  const mappings = namespaces.flatMap(one => mappingsIn(view, one)).sort(lowestID);
  const values = namespaces.map(one => view.namespaces.effective(one));
  const clauses = new Map<string, readonly Tag[]>();
  const rulesets = view.rulesets.applyingInAny(lineages).map(held => {
    const parts = partsOf(held);
    for (const { key, clause } of parts.clauses) clauses.set(key, clause);
    return parts.json;
  });
  const json = object([
    list('externalNetworks', view.externalNetworks.applyingInAny(lineages).map(entryOf(externalNetworkJson))),
    '"format":1',
    `"namespace":${JSON.stringify(path)}`,
    `"namespaceID":${JSON.stringify(own.ID)}`,
    list('namespaceMappings', mappings.map(namespaceMappingJson)),
    list('namespaces', values.map(namespaceJson)),
    list('profileMappings', view.profileMappings.applyingInAny(ownLineage).map(entryOf(profileMappingJson))),
    list('profiles', view.profiles.applyingInAny(ownLineage).map(entryOf(profileJson))),
    list('rulesets', rulesets),
  ]);
  return { json, clauses, namespaces };
}

/**
 * The payloads of an enforcer's namespace: only what applies in it or in a namespace that its processing units can
 * be mapped to, and of the tenant's processing units only those that a rule can name. Fails with `not_found` when
 * the namespace is not in the view.
 */
export function compile(view: PolicyView, path: NamespacePath): Compiled {
  const { json, clauses, namespaces } = compilePolicy(view, path);
  const policy = payload(json);
  const peers = view.peers.payload(path, clauses);
  const told = directives(view, path);
  return {
    payloads: { 'directives.json': told.bytes, 'peers.json': peers.bytes, 'policy.json': policy.bytes },
    digests: { 'directives.json': told.digest, 'peers.json': peers.digest, 'policy.json': policy.digest },
    selectors: [...clauses].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, clause]) => [...clause]),
    namespaces,
  };
}

/**
 * Where the processing units live that the rules of a bundle can name: what must be in the view, with the namespaces
 * above them, before `compile` is asked. It needs only the policy that applies in the namespace and where its
 * mappings lead.
 */
export function peerScopes(view: PolicyView, path: NamespacePath): Scope[] {
  const lineages = reachable(view, path).map(lineage);
  const clauses = view.rulesets
    .applyingInAny(lineages)
    .flatMap(held => partsOf(held).clauses.map(({ clause }) => clause));
  return scopesOf(clauses, tenantOf(path));
}
