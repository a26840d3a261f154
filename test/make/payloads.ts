import { PAYLOADS, type PayloadBytes, type Payloads } from '../../shared/schema/bundle.ts';

export const TENANT = '/acme';
export const NAMESPACE = '/acme/prod/default';
export const NAMESPACE_ID = '0190f3a1b2c3d4e5f6071829';

/** Small payloads that the schemas accept. `mark` is a tag value, to tell one set from another. */
export const makePayloads = (mark = 'web', namespace = NAMESPACE, namespaceID = NAMESPACE_ID): Payloads => ({
  'directives.json': PAYLOADS['directives.json'].parse({
    format: 1,
    enforcers: [{ ID: '0190f3a1b2c3d4e5f607182a', logLevel: 'Info', name: 'host-1', targetVersion: '' }],
  }),
  'peers.json': PAYLOADS['peers.json'].parse({
    format: 1,
    identities: [
      { ID: '0190f3a1b2c3d4e5f607182b', addresses: ['10.0.0.7'], namespace, tags: [`app=${mark}`] },
    ],
  }),
  'policy.json': PAYLOADS['policy.json'].parse({
    format: 1,
    namespace,
    namespaceID,
    namespaces: [
      {
        path: namespace,
        incoming: { action: 'Reject', namespace: '/' },
        outgoing: { action: 'Allow', namespace: '/acme/prod' },
        tagPrefixEnforcement: 'Warn',
        tagPrefixes: ['app='],
      },
    ],
    externalNetworks: [],
    namespaceMappings: [],
    profileMappings: [],
    profiles: [],
    rulesets: [
      {
        ID: '0190f3a1b2c3d4e5f607182c',
        name: 'web',
        namespace,
        propagate: false,
        fallback: false,
        incomingRules: [{ action: 'Allow', object: [[`app=${mark}`]], protocolPorts: ['tcp/443'] }],
        outgoingRules: [],
        subject: [['app=web']],
      },
    ],
  }),
});

const bytes = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

/** Bytes of payloads. A compile sorts keys as well, which matters to nobody who opens them. */
export const payloadBytes = (payloads: Payloads): PayloadBytes => ({
  'directives.json': bytes(payloads['directives.json']),
  'peers.json': bytes(payloads['peers.json']),
  'policy.json': bytes(payloads['policy.json']),
});
