import { expect, test } from 'vitest';
import type { KnownUnit } from '../../../../clients/enforcer/agent/host-policy.ts';
import type { Meaning } from '../../../../clients/enforcer/data-plane.ts';
import { Directory, reportOf } from '../../../../clients/enforcer/flows/report.ts';
import type { RuleRef } from '../../../../shared/core/decision.ts';
import { DirectivesPayload, PeersPayload, PolicyPayload } from '../../../../shared/schema/bundle.ts';
import { FlowReportInput } from '../../../../shared/schema/flowreport.ts';

const id = (number: number): string => number.toString(16).padStart(24, '0');
const GROUP = '/tenant/group';
const [UNIT, CONTAINER, PEER, NETWORK, RULESET] = [1, 2, 3, 4, 5].map(id);

const network = {
  ID: NETWORK,
  name: 'corporate',
  namespace: '/tenant',
  propagate: true,
  entries: ['10.20.0.0/16'],
  tags: ['externalnetwork:name=corporate'],
};
const payloads = {
  'policy.json': PolicyPayload.parse({
    format: 1,
    namespace: GROUP,
    namespaceID: id(9),
    namespaces: [
      {
        path: GROUP,
        incoming: { action: 'Reject', namespace: '/' },
        outgoing: { action: 'Allow', namespace: '/tenant' },
        tagPrefixEnforcement: 'Warn',
        tagPrefixes: [],
      },
    ],
    externalNetworks: [network],
    namespaceMappings: [],
    profileMappings: [],
    profiles: [],
    rulesets: [],
  }),
  'peers.json': PeersPayload.parse({
    format: 1,
    identities: [{ ID: PEER, addresses: ['10.0.0.9'], namespace: '/tenant/other', tags: ['app=db'] }],
  }),
  'directives.json': DirectivesPayload.parse({ format: 1, enforcers: [] }),
};

const unit = (ID: string | undefined, localID: string, addresses: string[]) =>
  ({
    ID,
    localID,
    name: localID,
    type: 'Host',
    namespace: GROUP,
    tags: [],
    normalizedTags: [],
    addresses,
  }) as unknown as KnownUnit;
const directory = new Directory(payloads, [
  unit(UNIT, 'host', ['10.0.0.1']),
  unit(CONTAINER, 'file:c', ['10.0.0.2']),
]);

const rule = {
  rulesetID: RULESET,
  name: 'web',
  namespace: '/tenant',
  propagated: true,
  direction: 'incoming',
  index: 0,
  ruleName: 'https',
} as unknown as RuleRef;

const MEANINGS: Readonly<Record<string, Meaning>> = {
  a1: { direction: 'incoming', verdict: 'allow', rule, namespace: rule.namespace },
  a2: { direction: 'outgoing', verdict: 'allow', namespace: '/tenant' as Meaning['namespace'] },
  a3: {
    direction: 'incoming',
    verdict: 'reject',
    namespace: '/' as Meaning['namespace'],
    observed: { verdict: 'allow', rule },
  },
};

const report = (prefix: string, source: string, destination: string, port = 443) =>
  reportOf(
    {
      prefix,
      conversation: { source, destination, traffic: { kind: 'ports', protocol: 6, port } },
      count: 7,
      at: Date.parse('2026-03-01T12:00:00.000Z'),
    },
    one => MEANINGS[one],
    directory,
    { ID: id(99), enforcerID: 'enforcer-1' },
  );

test('an incoming flow from a peer is told with unit, peer, ruleset and rule', () => {
  expect(report('A:a1:', '10.0.0.9', '10.0.0.1')).toEqual({
    ID: id(99),
    action: 'Accept',
    observedAction: 'NotApplicable',
    observed: false,
    encrypted: false,
    observedEncrypted: false,
    sourceID: PEER,
    sourceIP: '10.0.0.9',
    sourceType: 'ProcessingUnit',
    destinationID: UNIT,
    destinationIP: '10.0.0.1',
    destinationName: 'host',
    destinationType: 'ProcessingUnit',
    destinationPort: 443,
    protocol: 6,
    policyID: RULESET,
    policyNamespace: '/tenant',
    ruleName: 'https',
    serviceType: 'L3',
    enforcerID: 'enforcer-1',
    namespace: GROUP,
    remoteNamespace: '/tenant/other',
    reporter: 'Destination',
    timestamp: '2026-03-01T12:00:00.000Z',
    value: 7,
  });
});

test.each([
  [
    'an external network that holds it',
    '10.20.1.1',
    { destinationID: NETWORK, destinationType: 'ExternalNetwork' },
  ],
  ['somewhere', '192.0.2.1', { destinationID: 'somewhere', destinationType: 'ExternalNetwork' }],
  ['another unit of the host', '10.0.0.2', { destinationID: CONTAINER, destinationType: 'ProcessingUnit' }],
])('an outgoing flow goes to %s', (_, address, ends) => {
  const told = { sourceID: UNIT, policyID: 'default', policyNamespace: '/tenant', ruleName: '' };
  expect(report('A:a2:', '10.0.0.1', address)).toMatchObject({ ...told, ...ends });
});

test('a rejected flow tells why, and what an observed rule would have done', () => {
  expect(report('R:a3:', '192.0.2.1', '10.0.0.2')).toMatchObject({
    action: 'Reject',
    dropReason: 'policy',
    destinationID: CONTAINER,
    observed: true,
    observedAction: 'Accept',
    observedPolicyID: RULESET,
    observedPolicyNamespace: '/tenant',
  });
});

test('an outgoing flow to where a name led is told by the network that has the name, and by the name', () => {
  const policy = payloads['policy.json'];
  const named = { ...network, ID: id(6), name: 'saas', entries: ['*.example.com'] };
  const rules = [{ action: 'Allow', object: [[...named.tags]], protocolPorts: ['tcp/443'] }];
  const saas = PolicyPayload.parse({
    ...policy,
    externalNetworks: [named],
    rulesets: [
      {
        ID: RULESET,
        name: 'out',
        namespace: '/tenant',
        propagate: true,
        fallback: false,
        subject: [['app=web']],
        incomingRules: [],
        outgoingRules: rules,
      },
    ],
  });
  const names = new Map([['api.example.com', ['198.51.100.7']]]);
  const told = (address: string) =>
    reportOf(
      {
        prefix: 'A:a2:',
        conversation: {
          source: '10.0.0.1',
          destination: address,
          traffic: { kind: 'ports', protocol: 6, port: 443 },
        },
        count: 1,
        at: 0,
      },
      one => MEANINGS[one],
      new Directory({ ...payloads, 'policy.json': saas }, [unit(UNIT, 'host', ['10.0.0.1'])], names),
      { ID: id(99), enforcerID: 'enforcer-1' },
    );
  expect(told('198.51.100.7')).toMatchObject({
    destinationID: named.ID,
    destinationName: 'saas',
    destinationFQDN: 'api.example.com',
    sourceName: 'host',
  });
  expect(told('198.51.100.8')).toMatchObject({ destinationID: 'somewhere' });
  expect(told('198.51.100.8')).not.toHaveProperty('destinationFQDN');
});

/** Source: the original's attribute definitions, `@flow.abs` and flowreport; what its console of 2022 added comes last. */
const ORIGINAL =
  `ID action observedAction dropReason observedDropReason sourceID sourceIP sourceType sourceController
sourcePlatform destinationID destinationIP destinationPort destinationType destinationController destinationPlatform
protocol policyID policyNamespace observedPolicyID observedPolicyNamespace ruleName serviceType serviceID
serviceNamespace serviceURL serviceClaimHash encrypted observedEncrypted observed enforcerID namespace remoteNamespace
timestamp value destinationFQDN enforcerDNSReportID sourceName destinationName`.split(/\s+/);
/** Of services, controllers, platforms and reports of look-ups: there is nothing of that kind on a host. */
const NOTHING_OF_THE_KIND =
  /^(service(ID|Namespace|URL|ClaimHash)|.*(Controller|Platform)|enforcerDNSReportID)$/;

test('every attribute of the original is known, and told where there is something to tell', () => {
  expect(ORIGINAL.filter(name => !(name in FlowReportInput.shape))).toEqual([]);
  const rejects = { direction: 'outgoing', verdict: 'reject', namespace: '/' } as Meaning;
  const told = reportOf(
    {
      prefix: 'R:a9:',
      conversation: {
        source: '10.0.0.1',
        destination: '10.0.0.2',
        traffic: { kind: 'ports', protocol: 6, port: 1 },
      },
      count: 1,
      at: 0,
    },
    () => ({ ...rejects, rule, observed: { verdict: 'reject', rule } }),
    new Directory(
      payloads,
      [unit(UNIT, 'host', ['10.0.0.1']), unit(CONTAINER, 'file:c', ['10.0.0.2'])],
      new Map([['c.example.com', ['10.0.0.2']]]),
    ),
    { ID: id(99), enforcerID: 'enforcer-1' },
  );
  const missing = ORIGINAL.filter(name => !(name in (told ?? {})) && !NOTHING_OF_THE_KIND.test(name));
  expect(missing).toEqual([]);
});

test('what is told is what the control plane takes', () => {
  for (const told of [report('A:a1:', '10.0.0.9', '10.0.0.1'), report('R:a3:', '192.0.2.1', '10.0.0.2')])
    expect(FlowReportInput.parse(told)).toMatchObject({ ...told });
});

test('what nothing is known of is not told', () => {
  expect(report('A:ff:', '10.0.0.9', '10.0.0.1')).toBeUndefined();
  expect(report('nonsense', '10.0.0.9', '10.0.0.1')).toBeUndefined();
});
