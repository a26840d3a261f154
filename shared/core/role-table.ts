import type { Permissions, RoleVerb } from './roles.ts';

export interface Role {
  name: string;
  description: string;
  authorizations: Permissions;
  /** Agents' roles are not offered to people. */
  private?: true;
}

/**
 * What all roles for people share. Source: the original's list of roles, `domain.md` 6.5; what it names and does not
 * exist here (alarms, metrics) grants nothing.
 */
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

const on = (verbs: readonly RoleVerb[], ...identities: string[]): Permissions =>
  Object.fromEntries(identities.map(identity => [identity, verbs]));
const any = (...identities: string[]): Permissions => on(['any'], ...identities);
const get = (...identities: string[]): Permissions => on(['get'], ...identities);
const post = (...identities: string[]): Permissions => on(['post'], ...identities);

const role = (name: string, description: string, ...authorizations: readonly Permissions[]): Role => ({
  name,
  description,
  authorizations: Object.assign({}, BASE, ...authorizations),
});

const agent = (name: string, description: string, ...authorizations: readonly Permissions[]): Role => ({
  name,
  description,
  authorizations: Object.assign({}, ...authorizations),
  private: true,
});

const INFRASTRUCTURE = [
  'apiauthorizationpolicy',
  'appcredential',
  'automation',
  'enforcer',
  'externalnetwork',
  'namespacemappingpolicy',
  'networkaccesspolicy',
  'networkrulesetpolicy',
  'oidcprovider',
] as const;
const APPLICATION = ['externalnetwork', 'networkaccesspolicy', 'networkrulesetpolicy'] as const;
const SYSTEM = [
  'enforcer',
  'enforcerprofile',
  'enforcerprofilemappingpolicy',
  'hostservice',
  'hostservicemappingpolicy',
] as const;

/** What every agent may do once it is there. */
const AGENT: Permissions = {
  ...get('enforcerprofile', 'namespace'),
  ...post('enforcercredential', 'flowreport', 'preflight'),
  processingunit: ['get', 'post', 'put', 'delete'],
};

/**
 * Roles by key. A role that is not here grants nothing. The keys and what they are for are the original's, and so are
 * identities that do not exist here: they grant nothing until they do.
 */
export const ROLES: Readonly<Record<string, Role>> = {
  'namespace.administrator': {
    name: 'Namespace Administrator',
    description: 'Everything in the namespace and below.',
    authorizations: { '*': ['any'] },
  },
  'namespace.editor': role(
    'Namespace Editor',
    'As the administrator, without authorizations. Deprecated: use namespace.administrator.',
    ASKING,
    any('cloudaccount', 'defaultenforcerversion', 'discoverymode', 'enforcer', 'enforcercredential'),
    any('enforcerprofile', 'enforcerprofilemappingpolicy', 'externalnetwork'),
    any('hostservice', 'hostservicemappingpolicy'),
    any(
      'enforcerupgrade',
      'import',
      'importreference',
      'installtoken',
      'namespace',
      'namespacemappingpolicy',
    ),
    any('networkaccesspolicy', 'networkrulesetpolicy', 'policy', 'processingunit'),
    get('activity', 'dependencymap', 'flowreport'),
    post('cnssearch', 'export', 'preflight', 'preset', 'reportsquery'),
  ),
  'namespace.viewer': {
    name: 'Namespace Viewer',
    description: 'Sees everything in the namespace and below.',
    authorizations: { ...get('*'), ...ASKING, ...post('apicheck', 'cnssearch', 'export', 'reportsquery') },
  },
  'namespace.importer': role(
    'Namespace Importer',
    'May import; still needs rights on the objects in the import.',
    on(['get', 'post'], 'import'),
  ),
  'namespace.exporter': role(
    'Namespace Exporter',
    'May export; still needs rights on the objects in the export.',
    post('export'),
  ),
  'namespace.contributor': role(
    'Namespace Contributor',
    'May ask another namespace to import something.',
    post('importrequest'),
  ),
  'ruleset.administrator': role(
    'Ruleset Administrator',
    'Manages network rulesets; sees external networks.',
    ASKING,
    get('externalnetwork'),
    any('networkrulesetpolicy'),
  ),
  'infrastructure.administrator': role(
    'Infrastructure Administrator',
    'Manages everything but namespaces.',
    any(...INFRASTRUCTURE, 'enforcerupgrade', 'installtoken'),
    post('conversion', 'preflight', 'preset'),
  ),
  'infrastructure.viewer': role(
    'Infrastructure Viewer',
    'Sees everything but namespaces.',
    get(...INFRASTRUCTURE),
    post('conversion'),
  ),
  'app.developer': role(
    'Application Developer',
    'Manages network policy of applications.',
    ASKING,
    any(...APPLICATION, 'httpresourcespec', 'service', 'servicedependency', 'tokenscopepolicy'),
    get('processingunit'),
  ),
  'app.viewer': role(
    'Application Viewer',
    'Sees network policy of applications.',
    ASKING,
    get(...APPLICATION, 'httpresourcespec', 'service', 'servicedependency', 'tokenscopepolicy'),
    get('processingunit'),
  ),
  'system.editor': role(
    'System Editor',
    'Manages enforcers and their profiles.',
    any(...SYSTEM, 'enforcerupgrade', 'installtoken'),
    post('preflight', 'preset'),
  ),
  'system.viewer': role('System Viewer', 'Sees enforcers and their profiles.', get(...SYSTEM)),
  'compute.editor': role(
    'Compute Editor',
    'Manages namespace mappings; sees processing units.',
    any('namespacemappingpolicy'),
    get('processingunit'),
  ),
  'compute.viewer': role(
    'Compute Viewer',
    'Sees namespace mappings and processing units.',
    get('namespacemappingpolicy', 'processingunit'),
  ),
  'automation.editor': role('Automation Editor', 'Manages automations.', any('automation')),
  'automation.viewer': role('Automation Viewer', 'Sees automations.', get('automation')),
  appcredentials: role(
    'App Credentials',
    'Makes app credentials and authorizations, of no more than its own rights.',
    on(['get', 'post'], 'apiauthorizationpolicy', 'appcredential'),
  ),
  'enforcer-installer': role(
    'Enforcer Installer',
    'Manages the app credentials that enforcers are installed with.',
    any('appcredential', 'installtoken'),
    post('preflight'),
  ),
  'service.publisher': role('Service Publisher', 'Publishes services.', post('servicepublication')),
  netsecops: role(
    'NetSecOps',
    'Manages network policy in the namespaces of a cloud account.',
    ASKING,
    any('externalnetwork', 'networkrulesetpolicy'),
    get('cloudaccount', 'dependencymap', 'enforcer', 'policy', 'processingunit'),
    post('cnssearch', 'reportsquery'),
  ),
  'netsecops.viewer': role(
    'NetSecOps, read-only',
    'Sees network policy in the namespaces of a cloud account.',
    ASKING,
    get('cloudaccount', 'dependencymap', 'enforcer', 'externalnetwork', 'networkrulesetpolicy', 'policy'),
    get('processingunit'),
    post('cnssearch', 'reportsquery'),
  ),
  enforcer: agent('Enforcer', 'What an agent may do to register itself and read its policy.', AGENT, {
    enforcer: ['get', 'post', 'put'],
  }),
  'enforcer.runtime': agent('Enforcer Runtime', 'What a registered agent may do.', AGENT, {
    enforcer: ['get', 'put'],
  }),
  'aporeto-operator': agent(
    'Operator',
    'What the operator of a Kubernetes cluster may do: keep its namespaces and policy as the cluster has them.',
    any('externalnetwork', 'namespace', 'networkrulesetpolicy'),
    get('enforcer', 'processingunit'),
  ),
  kubesquall: agent(
    'Kubesquall',
    'What the converter of Kubernetes network policies may do.',
    any('externalnetwork', 'networkrulesetpolicy'),
    get('namespace'),
  ),
};
