import type { z } from 'zod';
import type {
  AccessibleNamespace,
  DefaultEnforcerVersion,
  DefaultEnforcerVersionRequest,
  EffectiveOrganizationalMetadata,
  NamespaceInfo,
  NamespacePolicyInfo,
  NamespaceTypeAnswer,
  PUTrafficActions,
  RoleAnswer,
  TagPrefixes,
} from '../../shared/api/namespace-messages.ts';
import { type EffectiveNamespace, effectiveNamespace, ROOT_VALUES } from '../../shared/core/namespace.ts';
import { ROLES } from '../../shared/core/role-table.ts';
import { NamespacePath, parentPath, ROOT } from '../../shared/schema/ids.ts';
import type { Namespace } from '../../shared/schema/namespace.ts';
import { resourceOf } from '../../shared/schema/resources.ts';
import type { Call, Handler, Reply } from '../call.ts';
import type { Deps } from '../deps.ts';
import { shownWithin } from '../hidden.ts';
import { arranged, everyBelow, list } from '../list.ts';
import { changeOwnNamespace, ownNamespace } from '../own-namespace.ts';

/** A list of one, of what counts in the request's namespace. The root has no object. Reads nothing more. */
const view =
  <T>(
    of: (effective: EffectiveNamespace, own: Namespace | undefined, lineage: readonly Namespace[]) => T,
  ): Handler =>
  async ({ lineage }) => ({ body: [of(effectiveNamespace(lineage), lineage.at(-1), lineage)], total: 1 });

/** Each entry of a list that namespaces inherit, and the first of them that has it; the root for those of everybody. */
const origins = <T extends string>(
  all: readonly T[],
  lineage: readonly Namespace[],
  of: (namespace: Namespace) => readonly string[],
) =>
  all.map(value => ({
    value,
    namespace: NamespacePath.parse(lineage.find(namespace => of(namespace).includes(value))?.name ?? ROOT),
  }));

/** Prefixes that every namespace has come from nobody, so from the root. */
const isDefault = (prefix: string): boolean => ROOT_VALUES.tagPrefixes.includes(prefix);

const effectiveOf = (effective: EffectiveNamespace, lineage: readonly Namespace[]) => ({
  defaultPUIncomingTrafficAction: effective.incoming,
  defaultPUOutgoingTrafficAction: effective.outgoing,
  tagPrefixEnforcement: effective.tagPrefixEnforcement,
  defaultEnforcerVersion: effective.defaultEnforcerVersion,
  tagPrefixes: origins(effective.tagPrefixes, lineage, ({ tagPrefixes }) =>
    tagPrefixes.filter(prefix => !isDefault(prefix)),
  ),
  organizationalMetadata: origins(
    effective.organizationalMetadata,
    lineage,
    ({ organizationalMetadata }) => organizationalMetadata,
  ),
});

const policyOf = ({ tagPrefixes, incoming, outgoing }: EffectiveNamespace) => ({
  prefixes: [...tagPrefixes],
  PUIncomingTrafficAction: incoming.value,
  PUOutgoingTrafficAction: outgoing.value,
});

const accessible = ({ ID, name, namespace }: Namespace): z.infer<typeof AccessibleNamespace> => ({
  ID,
  name: NamespacePath.parse(name),
  namespace,
});

const isWhole = ({ query }: Call): boolean =>
  ['q', 'page', 'pagesize', 'limit', 'after'].every(name => query[name] === undefined);

/** The namespaces from which downwards the caller holds something, and all below them. */
async function reachable(call: Call, deps: Deps): Promise<Reply> {
  const { store } = deps;
  const isThere = await shownWithin(store, call.namespace);
  const trees = await Promise.all(
    call.below.map(async path => {
      const own = await store.getByName('namespace', parentPath(path), path);
      return [...(own ? [own] : []), ...(await everyBelow(store, 'namespace', path))];
    }),
  );
  const reply = arranged(trees.flat().filter(isThere), resourceOf('namespace'), call, deps);
  return { ...reply, body: (reply.body as Namespace[]).map(accessible) };
}

/**
 * The request's namespace, in which the caller may ask, and all below it: what is granted in a namespace is granted
 * there too. Filters and pages as `GET /namespaces?recursive` does, and then leaves the namespace itself out.
 */
const listAccessibleNamespaces: Handler = async (call, deps) => {
  if (call.below.length > 0) return reachable(call, deps);
  const { body, ...rest } = await list(
    'namespace',
    { ...call, query: { ...call.query, recursive: ['true'] } },
    deps,
  );
  const own = isWhole(call) ? call.lineage.slice(-1) : [];
  const all = [...own, ...(body as Namespace[])];
  return {
    ...rest,
    ...(rest.total === undefined ? {} : { total: rest.total + own.length }),
    body: all.map(accessible),
  };
};

const roles = Object.entries(ROLES)
  .map(
    ([key, { name, description, authorizations, ...role }]): z.infer<typeof RoleAnswer> => ({
      key,
      name,
      description,
      authorizations: Object.fromEntries(
        Object.entries(authorizations).map(([identity, verbs]) => [identity, [...verbs]]),
      ),
      private: role.private ?? false,
    }),
  )
  .sort((a, b) => (a.key < b.key ? -1 : 1));

/** Empty: what is said above counts again. */
const setDefaultEnforcerVersion: Handler = async (call, deps) => {
  const { defaultVersion } = call.body as DefaultEnforcerVersionRequest;
  const own = ownNamespace(call, 'enforcers');
  const after = await changeOwnNamespace(own, { defaultEnforcerVersion: defaultVersion }, call, deps);
  const { value } = effectiveNamespace([...call.lineage.slice(0, -1), after]).defaultEnforcerVersion;
  return { body: { defaultVersion: value } satisfies z.infer<typeof DefaultEnforcerVersion> };
};

export const namespaceViews = {
  getNamespacePolicyInfo: view((effective): z.infer<typeof NamespacePolicyInfo> => policyOf(effective)),
  getNamespaceInfo: view(
    (effective, own, lineage): z.infer<typeof NamespaceInfo> => ({
      name: effective.path,
      description: own?.description ?? '',
      protected: own?.protected ?? false,
      ...policyOf(effective),
      effective: effectiveOf(effective, lineage),
    }),
  ),
  getOrganizationalMetadata: view(
    ({ organizationalMetadata }): z.infer<typeof EffectiveOrganizationalMetadata> => ({
      metadata: [...organizationalMetadata],
    }),
  ),
  getTagPrefixes: view(({ tagPrefixes }): z.infer<typeof TagPrefixes> => ({ prefixes: [...tagPrefixes] })),
  getDefaultEnforcerVersion: view(
    ({ defaultEnforcerVersion }): z.infer<typeof DefaultEnforcerVersion> => ({
      defaultVersion: defaultEnforcerVersion.value,
    }),
  ),
  getPuTrafficActions: view(
    ({ incoming, outgoing }): z.infer<typeof PUTrafficActions> => ({
      Incoming: incoming.value,
      Outgoing: outgoing.value,
    }),
  ),
  getNamespaceType: view((_, own): z.infer<typeof NamespaceTypeAnswer> => ({ type: own?.type ?? 'Default' })),
  setDefaultEnforcerVersion,
  listAccessibleNamespaces,
  listRoles: async () => ({ body: roles, total: roles.length }),
} satisfies Record<string, Handler>;
