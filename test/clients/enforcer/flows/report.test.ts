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
    sourceID: PEER,
    sourceIP: '10.0.0.9',
    sourceType: 'ProcessingUnit',
    destinationID: UNIT,
    destinationIP: '10.0.0.1',
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

test('what is told is what the control plane takes', () => {
  for (const told of [report('A:a1:', '10.0.0.9', '10.0.0.1'), report('R:a3:', '192.0.2.1', '10.0.0.2')])
    expect(FlowReportInput.parse(told)).toMatchObject({ ...told });
});

test('what nothing is known of is not told', () => {
  expect(report('A:ff:', '10.0.0.9', '10.0.0.1')).toBeUndefined();
  expect(report('nonsense', '10.0.0.9', '10.0.0.1')).toBeUndefined();
});
