import { PeersPayload, PolicyPayload } from '../../shared/schema/bundle.ts';
import { NamespacePath, ObjectId } from '../../shared/schema/ids.ts';
import { Tag } from '../../shared/schema/tag.ts';
import type { HostPolicy, LocalUnit } from './data-plane.ts';
import { firstEpoch } from './nft/epoch.ts';
import { loadText } from './nft/load.ts';
import { Renderer } from './policy/renderer.ts';

const HERE = NamespacePath.parse('/specimen');
const idOf = (number: number): ObjectId => ObjectId.parse(number.toString(16).padStart(24, '0'));
const REJECT = { action: 'Reject', namespace: HERE } as const;
const placed = (number: number) => ({ ID: idOf(number), name: 'x', namespace: HERE, propagate: true });
const tag = (text: string): Tag => Tag.parse(text);

/** More than a few ports are looked up, few are rules one by one; a stretch of ICMP types is read from the packet itself. */
const MANY = ['tcp/1:9', 'tcp/22', 'tcp/80', 'tcp/443', 'udp/53'];
const rule = (object: string, protocolPorts: readonly string[], more = {}) => ({
  action: 'Allow',
  logsDisabled: false,
  name: '',
  object: [[object]],
  observationEnabled: false,
  protocolPorts,
  ...more,
});
const RULES = [
  rule('app=peer', MANY),
  rule('app=peer', ['icmp/3/0:5', 'icmp/8', 'icmp6', 'esp'], { action: 'Reject' }),
  rule('net=partner', ['tcp/443'], { logsDisabled: true }),
  rule('net=names', ['any']),
];

const POLICY = {
  format: 1,
  namespace: HERE,
  namespaceID: idOf(1),
  namespaces: [
    { path: HERE, incoming: REJECT, outgoing: REJECT, tagPrefixEnforcement: 'Warn', tagPrefixes: [] },
  ],
  externalNetworks: [
    { ...placed(2), entries: ['192.0.2.0/24', '!192.0.2.7/32', '2001:db8::/48'], tags: ['net=partner'] },
    { ...placed(3), entries: ['www.example.com', '*.example.com'], tags: ['net=names'] },
  ],
  namespaceMappings: [],
  profileMappings: [],
  profiles: [],
  rulesets: [
    {
      ...placed(4),
      fallback: false,
      incomingRules: RULES,
      outgoingRules: RULES,
      subject: [['app=own']],
    },
  ],
};
const PEER = { ...placed(5), addresses: ['198.51.100.7', '2001:db8:1::7'], tags: ['app=peer'] };
const { name: _, propagate: __, ...IDENTITY } = PEER;

const unit = (number: number, more: Partial<LocalUnit>): LocalUnit => ({
  ID: idOf(number),
  namespace: HERE,
  tags: [tag('app=own')],
  addresses: [],
  isHost: false,
  ...more,
});

const specimenPolicy = (cgroup: string | undefined): HostPolicy => ({
  payloads: {
    'directives.json': { format: 1, enforcers: [] },
    'peers.json': PeersPayload.parse({ format: 1, identities: [IDENTITY] }),
    'policy.json': PolicyPayload.parse(POLICY),
  },
  digests: { 'directives.json': 'specimen', 'peers.json': 'specimen', 'policy.json': 'specimen' },
  units: [
    unit(6, { isHost: true }),
    unit(7, { addresses: ['203.0.113.7', '2001:db8:2::7'] }),
    ...(cgroup === undefined ? [] : [unit(8, { cgroup, cgroupID: '1' })]),
  ],
  profile: {
    ...placed(9),
    excludedInterfaces: ['specimen*'],
    excludedNetworks: ['10.96.0.0/12', '2001:db8:96::/48'],
    ignoreExpression: [],
    maxStale: '24h',
    staleAction: 'hold',
    tags: [],
    targetNetworks: [],
    targetUDPNetworks: [],
    trustedCAs: [],
  },
  names: new Map([['www.example.com', ['203.0.113.80', '2001:db8:3::80']]]),
  infrastructure: {
    controlPlane: [
      { address: '198.51.100.1', port: 443 },
      { address: '2001:db8:4::1', port: 443 },
    ],
    resolvers: ['198.51.100.53', '2001:db8:4::53'],
  },
  layer3Only: false,
  lockdown: false,
});

/**
 * Rules as an agent loads them, with at least one of every kind that it ever does: what a kernel says of them it says of any policy.
 * They are the renderer's own, so that there is no second list of what it needs. `cgroup`: a path that is there, to try units by
 * control group as well.
 */
export function specimen(cgroup?: string): string {
  const model = new Renderer().render(specimenPolicy(cgroup));
  return loadText(model, { epoch: firstEpoch(0), fresh: new Set(['198.51.100.7', '2001:db8:1::7']) });
}
