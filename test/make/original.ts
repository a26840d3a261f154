/** Why a resource of the original is not here. Counts only as long as no route serves its path. */
const REPORTS = 'of what agents report there are flows alone';
const CONSOLE = 'served the original’s console alone';
const SERVICES = 'belongs to its HTTP services, which are no part of microsegmentation here';
const CERTIFICATES = 'its certificate authorities: agents here trust a TUF root and hold a key of their own';

export interface OriginalResource {
  identity: string;
  /** First segment of the path. */
  path: string;
  /** What the original's documents do not say, or what to use instead. */
  absent?: string;
}

const same = (identity: string, absent?: string): OriginalResource => ({
  identity,
  path: identity,
  ...(absent === undefined ? {} : { absent }),
});

const plural = (identity: string, absent?: string): OriginalResource => ({
  ...same(identity, absent),
  path: /(s|x|ch)$/.test(identity)
    ? `${identity}es`
    : identity.endsWith('y')
      ? `${identity.slice(0, -1)}ies`
      : `${identity}s`,
});

/** Every resource that the original documents, by its identity. */
export const ORIGINAL: readonly OriginalResource[] = [
  plural('accessiblenamespace'),
  plural('activity'),
  plural('alarm', CONSOLE),
  plural('apiauthorizationpolicy'),
  plural('apicheck'),
  plural('appcredential'),
  same('authn'),
  same('authz'),
  plural('automation', 'runs scripts in the control plane; subscribe to what happens and act outside'),
  same('claims', 'who called is in the log: `GET /activities`'),
  plural('clausesmatch'),
  plural('cnssearch', REPORTS),
  plural('cnssuggestion', REPORTS),
  plural('connectionexceptionreport', REPORTS),
  plural('counterreport', REPORTS),
  same('defaultenforcerversion'),
  plural('dependencymap'),
  same('discoverymode'),
  plural('dnslookupreport', REPORTS),
  plural('enforcer'),
  same('enforcerlog', REPORTS),
  plural('enforcerprofile'),
  plural('enforcerprofilemappingpolicy'),
  plural('enforcerrefresh', 'agents poll their bundle; nothing has to be refreshed'),
  plural('enforcerreport', 'what an agent reports of itself is in `GET /enforcers/{id}`, by its pokes'),
  plural('eventlog', REPORTS),
  same('export'),
  plural('externalnetwork'),
  plural('flowreport', REPORTS),
  plural('graphedge', 'part of `GET /dependencymaps`'),
  plural('graphnode', 'part of `GET /dependencymaps`'),
  plural('hit', CONSOLE),
  plural('hookpolicy', SERVICES),
  plural('hostservice'),
  plural('hostservicemappingpolicy'),
  same('import'),
  plural('importreference', 'a label recognizes what an import made: `POST /import`'),
  plural('importrequest', 'a namespace cannot ask another one to import'),
  same('issue'),
  same('localca', CERTIFICATES),
  same('logout', 'tokens are short-lived; disable the credential, or drop the cookie'),
  plural('message', CONSOLE),
  same('metricsquery', 'metrics are CloudWatch’s on AWS'),
  same('metricsqueryrange', 'metrics are CloudWatch’s on AWS'),
  plural('namespace'),
  plural('namespacemappingpolicy'),
  same('namespacepolicyinfo'),
  same('namespaceinfo'),
  {
    ...same(
      'namespacerenderer',
      'where a processing unit goes: `GET /namespacemappingpolicies/{id}/processingunits`',
    ),
    path: 'namespacerenderers',
  },
  plural('namespacetype'),
  plural('networkaccesspolicy'),
  plural('networkrulesetpolicy'),
  plural('oidcprovider'),
  same('organizationalmetadata'),
  plural('packetreport', REPORTS),
  plural('pingrequest', REPORTS),
  plural('pingresult', REPORTS),
  plural('policy'),
  plural('policygraph'),
  plural('policyrenderer'),
  plural('processingunit'),
  plural('processingunitpolicy', 'policy of the original’s first generation, which had no effect any more'),
  { identity: 'putrafficaction', path: 'putrafficactions' },
  plural('quotapolicy', 'limits are the platform’s: docs/deploy.md'),
  plural('recipe', 'templates are rendered by `apoctl api import --set`'),
  plural('renderedpolicy'),
  plural('reportsquery', REPORTS),
  plural('role'),
  same('search', 'filter each resource with `q`'),
  plural('statsquery', REPORTS),
  plural('suggestedpolicy', REPORTS),
  plural('tag', 'filter with `q=associatedTags contains …`'),
  { identity: 'tagprefix', path: 'tagprefixes' },
  plural('tagvalue', 'filter with `q=associatedTags contains …`'),
  plural('tenant', 'create a namespace of type Tenant in `/`'),
  plural('trustedca', CERTIFICATES),
  plural('trustednamespace', CERTIFICATES),
  { identity: '_meta', path: '_meta' },
  { identity: 'jwks', path: '.well-known' },
  plural('event'),
];

/** Relations of the original that are not served, by why. Those to what does not exist here and that are lists are, and are empty. */
export const ABSENT_RELATIONS: readonly (readonly [string, string])[] = [
  [
    '`/namespaces/{id}/oauthinfo`, `/namespaces/{id}/oauthkeys`',
    'issue tokens for its HTTP services, which are no part of microsegmentation here',
  ],
  [
    '`/enforcers/{id}/enforcerrefreshes`, `/processingunits/{id}/processingunitrefreshes`',
    'agents poll their bundle; nothing has to be refreshed',
  ],
  ['`/processingunits/{id}/pingprobes`', REPORTS],
  [
    '`/processingunits/{id}/vulnerabilities`',
    'images are scanned elsewhere; `vulnerabilityLevel` is always empty',
  ],
];
