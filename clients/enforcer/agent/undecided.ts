import { PeersPayload, PolicyPayload } from '../../../shared/schema/bundle.ts';
import { NamespacePath, ObjectId } from '../../../shared/schema/ids.ts';
import type { HostPolicy, LocalUnit } from '../data-plane.ts';

/**
 * What passes on a host on which no policy was verified yet: everything, or nothing but what the agent needs to get one.
 * It is the installation's word, because a profile is part of the policy.
 */
export const BEFORE_POLICY = ['allow', 'reject'] as const;
export type BeforePolicy = (typeof BEFORE_POLICY)[number];

const ROOT = NamespacePath.parse('/');
const NOBODY = ObjectId.parse('0'.repeat(24));
const REJECT = { action: 'Reject', namespace: ROOT } as const;

const HOST: LocalUnit = { ID: NOBODY, namespace: ROOT, tags: [], addresses: [], isHost: true };

const PAYLOADS = {
  'directives.json': { format: 1, enforcers: [] },
  'peers.json': PeersPayload.parse({ format: 1, identities: [] }),
  'policy.json': PolicyPayload.parse({
    format: 1,
    namespace: ROOT,
    namespaceID: NOBODY,
    namespaces: [
      { path: ROOT, incoming: REJECT, outgoing: REJECT, tagPrefixEnforcement: 'Warn', tagPrefixes: [] },
    ],
    externalNetworks: [],
    namespaceMappings: [],
    profileMappings: [],
    profiles: [],
    rulesets: [],
  }),
} as const;

/** Lets nothing through but what the agent needs. */
export const shutPolicy = (infrastructure: HostPolicy['infrastructure']): HostPolicy => ({
  payloads: PAYLOADS as unknown as HostPolicy['payloads'],
  digests: { 'directives.json': 'shut', 'peers.json': 'shut', 'policy.json': 'shut' },
  units: [HOST],
  names: new Map(),
  infrastructure,
  layer3Only: false,
  lockdown: true,
});
