/** What a role or a raw permission grants: identity → verbs. `*` as identity means every identity. */
export type Permissions = Readonly<Record<string, readonly RoleVerb[]>>;
export type RoleVerb = 'any' | 'get' | 'post' | 'put' | 'delete';

interface Role {
  name: string;
  description: string;
  authorizations: Permissions;
  /** Agents' roles are not offered to people. */
  private?: true;
}

/** Read access that all roles for people share. Source: the original's list of roles, `domain.md` 6.5. */
const BASE: Permissions = {
  accessiblenamespace: ['get'],
  apicheck: ['post'],
  defaultenforcerversion: ['get'],
  discoverymode: ['get'],
  namespace: ['get'],
  namespaceinfo: ['get'],
  namespacepolicyinfo: ['get'],
  namespacetype: ['get'],
  organizationalmetadata: ['get'],
  putrafficaction: ['get'],
  role: ['get'],
  tagprefix: ['get'],
};

/** Asking what policy would do changes nothing. */
const ASKING: Permissions = {
  clausesmatch: ['post'],
  conversion: ['post'],
  decision: ['post'],
  policygraph: ['post'],
  policyrenderer: ['post'],
  renderedpolicy: ['get', 'post'],
};

/**
 * Roles by key. A role that is not here grants nothing. The keys are the original's; those whose resources do not
 * exist here yet are left out until they do.
 */
export const ROLES: Readonly<Record<string, Role>> = {
  'namespace.administrator': {
    name: 'Namespace Administrator',
    description: 'Everything in the namespace and below.',
    authorizations: { '*': ['any'] },
  },
  'namespace.editor': {
    name: 'Namespace Editor',
    description: 'As the administrator, without authorizations. Deprecated: use namespace.administrator.',
    authorizations: {
      ...BASE,
      ...ASKING,
      activity: ['get'],
      cloudaccount: ['any'],
      discoverymode: ['any'],
      policy: ['any'],
      enforcer: ['any'],
      installtoken: ['any'],
      preflight: ['post'],
      enforcercredential: ['any'],
      enforcerprofile: ['any'],
      enforcerprofilemappingpolicy: ['any'],
      export: ['post'],
      externalnetwork: ['any'],
      hostservice: ['any'],
      hostservicemappingpolicy: ['any'],
      import: ['any'],
      namespace: ['any'],
      namespacemappingpolicy: ['any'],
      networkaccesspolicy: ['any'],
      networkrulesetpolicy: ['any'],
      processingunit: ['any'],
    },
  },
  'namespace.viewer': {
    name: 'Namespace Viewer',
    description: 'Sees everything in the namespace and below.',
    authorizations: { '*': ['get'], ...ASKING, apicheck: ['post'], export: ['post'] },
  },
  'namespace.importer': {
    name: 'Namespace Importer',
    description: 'May import; still needs rights on the objects in the import.',
    authorizations: { ...BASE, import: ['post'] },
  },
  'namespace.exporter': {
    name: 'Namespace Exporter',
    description: 'May export; still needs rights on the objects in the export.',
    authorizations: { ...BASE, export: ['post'] },
  },
  'ruleset.administrator': {
    name: 'Ruleset Administrator',
    description: 'Manages network rulesets; sees external networks.',
    authorizations: {
      ...BASE,
      ...ASKING,
      externalnetwork: ['get'],
      networkrulesetpolicy: ['any'],
    },
  },
  'infrastructure.administrator': {
    name: 'Infrastructure Administrator',
    description: 'Manages everything but namespaces.',
    authorizations: {
      ...BASE,
      apiauthorizationpolicy: ['any'],
      appcredential: ['any'],
      conversion: ['post'],
      enforcer: ['any'],
      installtoken: ['any'],
      preflight: ['post'],
      externalnetwork: ['any'],
      namespacemappingpolicy: ['any'],
      networkaccesspolicy: ['any'],
      networkrulesetpolicy: ['any'],
    },
  },
  'infrastructure.viewer': {
    name: 'Infrastructure Viewer',
    description: 'Sees everything but namespaces.',
    authorizations: {
      ...BASE,
      apiauthorizationpolicy: ['get'],
      appcredential: ['get'],
      conversion: ['post'],
      enforcer: ['get'],
      externalnetwork: ['get'],
      namespacemappingpolicy: ['get'],
      networkaccesspolicy: ['get'],
      networkrulesetpolicy: ['get'],
    },
  },
  'system.editor': {
    name: 'System Editor',
    description: 'Manages enforcers and their profiles.',
    authorizations: {
      ...BASE,
      enforcer: ['any'],
      installtoken: ['any'],
      preflight: ['post'],
      enforcerprofile: ['any'],
      enforcerprofilemappingpolicy: ['any'],
      hostservice: ['any'],
      hostservicemappingpolicy: ['any'],
    },
  },
  'system.viewer': {
    name: 'System Viewer',
    description: 'Sees enforcers and their profiles.',
    authorizations: {
      ...BASE,
      enforcer: ['get'],
      enforcerprofile: ['get'],
      enforcerprofilemappingpolicy: ['get'],
      hostservice: ['get'],
      hostservicemappingpolicy: ['get'],
    },
  },
  'compute.editor': {
    name: 'Compute Editor',
    description: 'Manages namespace mappings; sees processing units.',
    authorizations: { ...BASE, namespacemappingpolicy: ['any'], processingunit: ['get'] },
  },
  'compute.viewer': {
    name: 'Compute Viewer',
    description: 'Sees namespace mappings and processing units.',
    authorizations: { ...BASE, namespacemappingpolicy: ['get'], processingunit: ['get'] },
  },
  netsecops: {
    name: 'NetSecOps',
    description: 'Manages network policy in the namespaces of a cloud account.',
    authorizations: {
      ...BASE,
      ...ASKING,
      externalnetwork: ['any'],
      networkrulesetpolicy: ['any'],
      policy: ['get'],
      cloudaccount: ['get'],
      enforcer: ['get'],
      processingunit: ['get'],
    },
  },
  enforcer: {
    name: 'Enforcer',
    description: 'What an agent may do to register itself and read its policy.',
    authorizations: {
      namespace: ['get'],
      enforcer: ['get', 'post', 'put'],
      enforcercredential: ['post'],
      preflight: ['post'],
      enforcerprofile: ['get'],
      processingunit: ['get', 'post', 'put', 'delete'],
    },
    private: true,
  },
  'enforcer.runtime': {
    name: 'Enforcer Runtime',
    description: 'What a registered agent may do.',
    authorizations: {
      namespace: ['get'],
      enforcer: ['get', 'put'],
      enforcercredential: ['post'],
      preflight: ['post'],
      enforcerprofile: ['get'],
      processingunit: ['get', 'post', 'put', 'delete'],
    },
    private: true,
  },
};

const RAW_VERBS: Readonly<Record<string, RoleVerb>> = {
  any: 'any',
  get: 'get',
  head: 'get',
  post: 'post',
  put: 'put',
  patch: 'put',
  delete: 'delete',
};

/** `@auth:role=<key>` or `identity,verb…` → what it grants. Unknown roles and verbs grant nothing. */
export function permissionsOf(authorized: string): Permissions {
  if (authorized.startsWith('@auth:role=')) {
    return ROLES[authorized.slice('@auth:role='.length)]?.authorizations ?? {};
  }
  const [identity = '', ...verbs] = authorized.split(',');
  return { [identity]: verbs.flatMap(verb => RAW_VERBS[verb] ?? []) };
}

/** True when the permissions hold this verb on this identity. */
export const grants = (permissions: Permissions, identity: string, verb: RoleVerb): boolean =>
  [identity, '*'].some(key => {
    const verbs = Object.hasOwn(permissions, key) ? permissions[key] : undefined;
    return verbs?.includes(verb) || verbs?.includes('any');
  });

/** True when everything in `wanted` is in one of `held`: nobody can grant what they lack. */
export const covers = (held: readonly Permissions[], wanted: Permissions): boolean =>
  Object.entries(wanted).every(([identity, verbs]) =>
    verbs.every(verb => held.some(permissions => grants(permissions, identity, verb))),
  );

const VERBS = ['get', 'post', 'put', 'delete'] as const satisfies readonly RoleVerb[];

const verbsOn = (permissions: Permissions, identity: string): RoleVerb[] =>
  grants(permissions, identity, 'any') ? ['any'] : VERBS.filter(verb => grants(permissions, identity, verb));

/** What one of them holds. */
export const union = (all: readonly Permissions[]): Permissions => {
  const identities = new Set(all.flatMap(permissions => Object.keys(permissions)));
  return Object.fromEntries(
    [...identities]
      .sort()
      .map(identity => [identity, [...new Set(all.flatMap(permissions => verbsOn(permissions, identity)))]]),
  );
};

/** What both hold. */
export const intersection = (one: Permissions, other: Permissions): Permissions => {
  const identities = new Set([...Object.keys(one), ...Object.keys(other)]);
  const shared = [...identities].sort().map((identity): [string, RoleVerb[]] => {
    const verbs = verbsOn(one, identity);
    return [
      identity,
      verbs.includes('any') ? verbsOn(other, identity) : verbs.filter(verb => grants(other, identity, verb)),
    ];
  });
  return Object.fromEntries(shared.filter(([, verbs]) => verbs.length > 0));
};

/** As raw permissions, `identity,verb…`, which `permissionsOf` reads. */
export const rawOf = (permissions: Permissions): string[] =>
  Object.entries(permissions).map(([identity, verbs]) => [identity, ...verbs].join(','));
