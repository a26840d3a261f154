import { type CrudAction, crudOperation, type Operation } from '../../shared/api/routes.ts';
import { identities, type Noun, resourceOf } from '../../shared/schema/resources.ts';
import { minimal } from '../functions/inputs.ts';

/** One request of the story. `{{name}}` is the ID that a step kept under the name, `{{name.attribute}}` more of its answer. */
export interface Step {
  operation: Operation;
  summary: string;
  namespace: string;
  id?: string;
  query?: string;
  headers?: Readonly<Record<string, string>>;
  body?: unknown;
  /** Name under which the answer is kept. */
  as?: string;
}

export const TENANT = '/acme';
const HOME = `${TENANT}/shop`;

/** Worth more to a reader than the least that a create must say, which all others show. */
const bodies: Readonly<Partial<Record<Noun, object>>> = {
  apiauthorizationpolicy: {
    name: 'auditors may look',
    subject: [['@auth:realm=oidc', '@auth:namespace=/acme', '@auth:email=auditor@example.com']],
    authorizedIdentities: ['@auth:role=namespace.viewer'],
    authorizedNamespace: HOME,
  },
  appcredential: {
    name: 'pipeline',
    roles: ['@auth:role=namespace.editor'],
    authorizedSubnets: ['192.0.2.0/24'],
  },
  cloudaccount: { name: 'aws-dev', accountID: '826088932159', provider: 'aws' },
  externalnetwork: {
    name: 'internet',
    entries: ['0.0.0.0/0', '!10.0.0.0/8'],
    associatedTags: ['externalnetwork:name=internet'],
  },
  networkrulesetpolicy: {
    name: 'web',
    subject: [['app=web']],
    incomingRules: [
      { action: 'Allow', object: [['externalnetwork:name=internet']], protocolPorts: ['tcp/443'] },
    ],
    outgoingRules: [{ action: 'Allow', object: [['app=db']], protocolPorts: ['tcp/5432'] }],
  },
  processingunit: {
    name: 'web-1',
    type: 'Docker',
    addresses: ['10.0.0.7'],
    associatedTags: ['app=web'],
    operationalStatus: 'Running',
  },
  namespacemappingpolicy: { name: 'to payments', subject: [['app=pay']], mappedNamespace: 'payments' },
};

/** Enough of an object that another example shows whole. */
const FEW = { 'x-fields': 'ID,description' };

const home = (identity: Noun): string => (identity === 'cloudaccount' ? TENANT : HOME);

const crud = (action: CrudAction, identity: Noun, summary: string, more: Partial<Step> = {}): Step => ({
  operation: crudOperation(action, identity),
  summary,
  namespace: home(identity),
  ...more,
});

const create = (identity: Noun): Step =>
  crud('create', identity, `Create one ${identity}`, {
    body:
      identity === 'namespace'
        ? { name: 'payments', type: 'Group' }
        : (bodies[identity] ?? minimal(HOME)[identity]),
    as: identity,
  });

/** What is done with every resource once it is there. */
const use = (identity: Noun): Step[] => {
  const { plural } = resourceOf(identity);
  const id = `{{${identity}}}`;
  return [
    crud('list', identity, `List ${plural}, ten at a time by cursor`, { query: 'limit=10', headers: FEW }),
    crud('count', identity, `Count ${plural}, those of the namespaces below too`, {
      query: 'recursive=true',
    }),
    crud('get', identity, `Get one ${identity} by ID`, { id, as: `${identity}-read` }),
    crud('update', identity, 'Try to replace it, and change nothing', {
      id,
      query: 'dryRun=true',
      headers: FEW,
      body: { '...': `${identity}-read`, description: 'replaced' },
    }),
    crud('patch', identity, 'Change the description alone', {
      id,
      headers: FEW,
      body: { description: 'changed' },
    }),
  ];
};

const remove = (identity: Noun): Step =>
  crud('delete', identity, `Delete one ${identity}`, { id: `{{${identity}}}`, headers: FEW });

const ask = (operation: Operation, summary: string, more: Partial<Step> = {}): Step => ({
  operation,
  summary,
  namespace: HOME,
  ...more,
});

const legacy = {
  name: 'old web',
  subject: [['app=web']],
  object: [['app=db']],
  ports: ['tcp/5432'],
  action: 'Allow',
};

const lookups: readonly Step[] = [
  ask('listActivities', 'Who wrote what in the last hour?', { query: 'startRelative=1h&limit=2' }),
  ask('countActivities', 'How much was written?', { query: 'startRelative=1h' }),
  ask('listNetworkrulesetpolicy', 'Filter, and take the names alone', {
    query: 'q=name%20%3D%3D%20%22web%22&order=-createTime',
    headers: { 'x-fields': 'ID,name' },
  }),
  ask('decideFlow', 'May the internet talk to the web servers?', {
    body: {
      source: { address: '198.51.100.7' },
      destination: { tags: ['app=web'] },
      protocolPort: 'tcp/443',
    },
  }),
  ask('renderPolicy', 'Which rules count for a web server?', { body: { processingUnitTags: ['app=web'] } }),
  ask('renderPolicies', 'Which rulesets are for web servers?', {
    body: { tags: ['app=web'], type: 'NetworkRuleSet', processMode: 'Subject' },
  }),
  ask('graphPolicy', 'Whom could a web server talk to?', { body: { PUIdentity: ['app=web'] } }),
  ask('matchClauses', 'What has this tag?', { body: { clauses: [['app=web']] } }),
  ask('listUnitRenderedPolicies', 'Which rules count for one unit?', { id: '{{processingunit}}' }),
  ask('listRulesetUnits', 'Which units is a ruleset for?', {
    id: '{{networkrulesetpolicy}}',
    query: 'mode=subject',
  }),
  ask('listRulesetNetworks', 'Which networks does a ruleset name?', { id: '{{networkrulesetpolicy}}' }),
  ask('listMappedUnits', 'Which units does a mapping move?', { id: '{{namespacemappingpolicy}}' }),
  ask('listMappingEnforcers', 'Which enforcers is a mapping for?', {
    id: '{{enforcerprofilemappingpolicy}}',
  }),
  ask('listMappingProfiles', 'Which profiles does a mapping give?', {
    id: '{{enforcerprofilemappingpolicy}}',
  }),
  ask('listEnforcerProfiles', 'Which profile does an enforcer have?', { id: '{{enforcer}}' }),
  ask('listEnforcerHostServices', 'Which host services had an enforcer?', { id: '{{enforcer}}' }),
  ask('listRulesetServices', 'HTTP services of a ruleset: none', { id: '{{networkrulesetpolicy}}' }),
  ask('listUnitServices', 'HTTP services of a unit: none', { id: '{{processingunit}}' }),
  ask('listNamespaceTrustedCas', 'Certificate authorities of a namespace: none', { id: '{{namespace}}' }),
  ask('listEnforcerTrustedCas', 'Certificate authorities of an enforcer: none', { id: '{{enforcer}}' }),
  ask('listEnforcerDebugBundles', 'Debug bundles of an enforcer: none', { id: '{{enforcer}}' }),
  ask('listPolicies', 'List policies of every kind'),
  ask('getPolicy', 'Get a policy of any kind', { id: '{{networkrulesetpolicy}}' }),
  ask('pokeEnforcer', 'The agent is alive and enforces revision 3', {
    id: '{{enforcer}}',
    query: 'status=Connected&revision=3&state=applied',
  }),
  ask('pokeProcessingUnit', 'The workload runs and is protected', {
    id: '{{processingunit}}',
    query: 'status=Running&enforcementStatus=Active',
  }),
  ask('createEnforcerCredentials', 'Read access to the bundle', { id: '{{enforcer}}' }),
  ask('createPreflight', 'May an agent be installed on this host?', {
    body: {
      host: 'web-1.example.com',
      facts: {
        platform: 'linux',
        distribution: 'debian',
        distributionVersion: '12',
        kernel: '6.1.0-18-amd64',
        processors: 2,
        memory: 4_294_967_296,
        diskFree: 42_949_672_960,
        clockSkew: 0,
        capabilities: ['NET_ADMIN', 'SYS_ADMIN'],
        cgroup2: true,
        nft: '1.0.6',
        systemd: true,
      },
    },
  }),
  ask('applyPreset', 'Leave another agent on the hosts alone', {
    body: { name: 'ignore-twistlock-defender' },
  }),
  ask('lintNamespace', 'What will stop working?', { query: 'recursive=true' }),
  ask('getNamespaceInfo', 'What counts in the namespace?'),
  ask('getNamespacePolicyInfo', 'Which default actions count?'),
  ask('getOrganizationalMetadata', 'Which tags are handed down?'),
  ask('getTagPrefixes', 'Which prefixes count?'),
  ask('getDefaultEnforcerVersion', 'Which version should enforcers have?'),
  ask('getPuTrafficActions', 'What happens to traffic that no rule decides?'),
  ask('getNamespaceType', 'What is the namespace?'),
  ask('listAccessibleNamespaces', 'Where may I work?'),
  ask('listRoles', 'Which roles are there?'),
  ask('getJwks', 'Keys that verify tokens', { namespace: '' }),
  ask('checkApi', 'May I write rulesets here?', {
    body: { namespace: HOME, operation: 'Create', targetIdentities: ['networkrulesetpolicy'] },
  }),
  ask('authorizeClaims', 'What may the auditor do?', {
    body: {
      claims: ['@auth:realm=oidc', '@auth:namespace=/acme', '@auth:email=auditor@example.com'],
      targetNamespace: HOME,
    },
  }),
  ask('getDiscoveryMode', 'Is it in discovery mode?'),
  ask('enableDiscoveryMode', 'Let everything through that no rule rejects'),
  ask('disableDiscoveryMode', 'Reject everything that no rule allows'),
  ask('setDefaultEnforcerVersion', 'Have enforcers of one version', { body: { defaultVersion: '1.2.3' } }),
  ask('getMetaName', 'What software is this?', { namespace: '' }),
  ask('getMetaVersion', 'Which version?', { namespace: '' }),
  ask('getMetaConfig', 'Before there is a token', { namespace: '' }),
];

const files: readonly Step[] = [
  ask('export', 'Take the policy of a namespace along', {
    body: { identities: ['networkrulesetpolicy', 'externalnetwork'], label: 'shop' },
    as: 'exported',
  }),
  ask('import', 'Bring it into another one', {
    namespace: `${TENANT}/copy`,
    body: { data: { '...': 'exported' }, mode: 'Import' },
    headers: { 'idempotency-key': '5f2b1c1e-shop' },
  }),
  ask('createConversion', 'Convert a network policy of before', {
    body: { data: { data: { networkaccesspolicies: [legacy] } }, suffix: '' },
  }),
];

const manyObjects: readonly Step[] = [
  ask('createImport', 'Where to upload a document of 2 MB?', {
    body: { label: 'shop', size: 2_097_152 },
    as: 'import',
  }),
  ask('startImport', 'It was uploaded: begin', { id: '{{import}}' }),
  ask('getImport', 'How far is it?', { id: '{{import}}' }),
  ask('listImports', 'Which imports were there?'),
  ask('cancelImport', 'End it', { id: '{{import}}' }),
];

const traffic: readonly Step[] = [
  ask('createFlowReports', 'Report what an enforcer saw', {
    body: [
      {
        timestamp: '2026-03-01T12:00:00.000Z',
        action: 'Accept',
        sourceID: 'somewhere',
        sourceIP: '198.51.100.7',
        sourceType: 'ExternalNetwork',
        destinationID: '{{processingunit}}',
        destinationIP: '10.0.0.7',
        destinationPort: 443,
        destinationType: 'ProcessingUnit',
        protocol: 6,
        policyID: '{{networkrulesetpolicy}}',
        policyNamespace: HOME,
        serviceType: 'L3',
        namespace: HOME,
        value: 1,
      },
    ],
  }),
  ask('listFlowReports', 'What was seen in the last hour?', { query: 'startRelative=1h&limit=100' }),
  ask('listDependencyMaps', 'Who talked to whom in the last hour, on the App Dependency Map?', {
    query: 'recursive&startRelative=1h',
  }),
  ask('createReportsQuery', 'What came to port 443 in the last hour?', {
    query: 'recursive&startRelative=1h&q=destinationPort==443',
    body: { report: 'Flows' },
  }),
  ask('createCnssearch', 'The same, in RQL', {
    query: 'recursive',
    body: {
      query: "network from microseg.flow_record where action = 'Accept' and destinationPort = 443",
      timeRange: { type: 'relative', value: { amount: 1, unit: 'hour' } },
    },
  }),
];

const upgrade: readonly Step[] = [
  ask('createEnforcerrelease', 'Publish a version for everybody', {
    namespace: '/',
    body: minimal('/').enforcerrelease,
  }),
  ask('createEnforcerUpgrade', 'Upgrade every enforcer: one first, then the others in three waves', {
    body: { targetVersion: 'latest', canary: 1, waves: 3, failureThreshold: '5%', soak: '5m' },
    as: 'upgrade',
  }),
  ask('listEnforcerUpgrades', 'Which upgrades were there?'),
  ask('getEnforcerUpgrade', 'How far is it?', { id: '{{upgrade}}' }),
  ask('listUpgradeHosts', 'Where does each host stand?', { id: '{{upgrade}}' }),
  ask('pauseEnforcerUpgrade', 'Wait before the next wave', { id: '{{upgrade}}' }),
  ask('resumeEnforcerUpgrade', 'Go on', { id: '{{upgrade}}' }),
  ask('abortEnforcerUpgrade', 'End it', { id: '{{upgrade}}' }),
];

/** From a tenant to a policy that decides, then everything away again. */
export const story: readonly Step[] = [
  ask('createNamespace', 'Create a tenant', {
    namespace: '/',
    body: { name: 'acme', type: 'Tenant' },
    as: 'tenant',
  }),
  ask('createNamespace', 'Create a namespace in discovery mode', {
    namespace: TENANT,
    body: {
      name: 'shop',
      type: 'CloudAccount',
      defaultPUIncomingTrafficAction: 'Allow',
      defaultPUOutgoingTrafficAction: 'Allow',
    },
    as: 'shop',
  }),
  ask('createNamespace', 'Create one that inherits', { namespace: TENANT, body: { name: 'copy' } }),
  ...identities.map(create),
  ask('issueToken', 'Trade a signed assertion for a token', {
    namespace: '',
    body: { realm: 'AppCredential', metadata: { token: '{{assertion}}' }, validity: '1h' },
    as: 'issued',
  }),
  ask('verifyToken', 'What does the token say?', { namespace: '', body: { token: '{{issued.token}}' } }),
  ...identities.flatMap(use),
  ...lookups,
  ...files,
  ...manyObjects,
  ...traffic,
  ...upgrade,
  ask('deletePolicy', 'Delete a policy of any kind', { id: '{{networkaccesspolicy}}' }),
  ask('revokeEnforcer', 'Revoke the certificate of an enforcer', { id: '{{enforcer}}' }),
  ...identities
    .filter(identity => identity !== 'networkaccesspolicy')
    .toReversed()
    .map(remove),
];

/** Operations that need something which no document can hold, and so have no example. */
export const WITHOUT: Readonly<Partial<Record<Operation, string>>> = {
  listMetaRoutes: 'says what this document says',
  registerEnforcer: 'needs a key pair of the agent',
  reportDirective: 'needs a directive that a workflow gave out',
  deleteNetworkaccesspolicy: 'is shown by deletePolicy',
};
