import type { HostPolicy } from '../../clients/enforcer/data-plane.ts';
import type { PeersPayload, PolicyPayload } from '../../shared/schema/bundle.ts';
import { pathOf } from '../../test/core/objects.ts';

const idOf = (number: number): string => number.toString(16).padStart(24, '0');
const PATH = pathOf('/t');
const reject = { action: 'Reject', namespace: '/' };

/** A DNS name, wherever it leads, is let in and out by the first ruleset as well. */
export const NAME = 'api.example.com';
const NETWORK = {
  ...{ ID: idOf(900), name: 'api', namespace: PATH, propagate: false },
  ...{ entries: [NAME], tags: ['externalnetwork:name=api'] },
};

/** So many rulesets that all select the host, each lets in one kind of peer on one port; the one in the middle on `port`. */
export const policyPayload = (rulesets: number, port?: number): PolicyPayload =>
  ({
    format: 1,
    namespace: PATH,
    namespaceID: idOf(1),
    namespaces: [
      { path: PATH, incoming: reject, outgoing: reject, tagPrefixEnforcement: 'Warn', tagPrefixes: [] },
    ],
    externalNetworks: [NETWORK],
    namespaceMappings: [],
    profileMappings: [],
    profiles: [],
    rulesets: Array.from({ length: rulesets }, (_, at) => ({
      ID: idOf(1000 + at),
      fallback: false,
      incomingRules: [completeRule(at, 2 * at === rulesets ? port : undefined)],
      name: `ruleset-${at}`,
      namespace: PATH,
      outgoingRules: [completeRule(at, 2 * at === rulesets ? port : undefined)],
      propagate: false,
      subject: SUBJECT,
    })),
  }) as unknown as PolicyPayload;

/** Whom the rulesets are for. */
export const SUBJECT = [['app=web']];

/** What the ruleset of that number says. */
export const ruleOf = (at: number) => ({
  action: 'Allow',
  object: [[`svc=${at}`]],
  protocolPorts: [`tcp/${FIRST_PORT + at}`],
});

const completeRule = (at: number, port: number | undefined) => ({
  logsDisabled: false,
  name: '',
  observationEnabled: false,
  ...ruleOf(at),
  ...(at === 0 ? { object: [...ruleOf(at).object, NETWORK.tags] } : {}),
  ...(port === undefined ? {} : { protocolPorts: [`tcp/${port}`] }),
});

/** The first ruleset's port. */
export const FIRST_PORT = 5000;

/** So many peers, spread over the kinds. `moved`: this one has got another address. `first`: addresses of the first. */
export const peersPayload = (
  peers: number,
  kinds: number,
  { moved = -1, first = [] }: { moved?: number; first?: readonly string[] } = {},
): PeersPayload =>
  ({
    format: 1,
    identities: Array.from({ length: peers }, (_, at) => ({
      ID: idOf(1_000_000 + at),
      addresses: at === 0 && first.length > 0 ? first : [at === moved ? '11.0.0.1' : addressOf(at)],
      namespace: PATH,
      tags: [`$namespace=${PATH}`, `svc=${at % kinds}`],
    })),
  }) as unknown as PeersPayload;

export const addressOf = (at: number): string => `10.${at >> 16}.${(at >> 8) & 255}.${at & 255}`;

/** The policy of a host that all rulesets select. */
export const policyOf = (
  policy: PolicyPayload,
  peers: PeersPayload,
  digests: HostPolicy['digests'],
  names: HostPolicy['names'] = new Map(),
): HostPolicy => ({
  payloads: { 'directives.json': { format: 1, enforcers: [] }, 'peers.json': peers, 'policy.json': policy },
  digests,
  units: [
    {
      ID: idOf(5) as HostPolicy['units'][number]['ID'],
      namespace: PATH,
      tags: ['app=web'] as unknown as HostPolicy['units'][number]['tags'],
      addresses: [],
      isHost: true,
    },
  ],
  names,
  infrastructure: { controlPlane: [], resolvers: [] },
  layer3Only: false,
  lockdown: false,
});

/** What a plain `nft -f` loads in place of it: a set of the addresses, and a rule for each port. */
export function plainRules(rules: number, addresses: number): string {
  const ports = Array.from({ length: rules }, (_, at) => `tcp dport ${FIRST_PORT + at} accept\n`).join('');
  const elements = Array.from({ length: addresses }, (_, at) => addressOf(at)).join(', ');
  return `table inet plain {
set peers { type ipv4_addr; }
chain i { type filter hook input priority 0;
${ports}}
}
add element inet plain peers { ${elements} }
`;
}
