import type { Traffic } from '../shared/core/ports.ts';
import type { InputOf } from '../shared/schema/resources.ts';

/** What the demo plays, and the journeys check: a shop in three clouds. All addresses are of documentation or private use. */

export const TENANT = '826920578209172635';

interface Account {
  name: string;
  accountID: string;
  provider: InputOf<'cloudaccount'>['provider'];
  /** How it comes in: an event on the bus, or the API. */
  by: 'event' | 'api';
}

export const ACCOUNTS: readonly Account[] = [
  { name: 'aws-dev', accountID: '826088932159', provider: 'aws', by: 'event' },
  { name: 'azure-prod', accountID: '0b1f6471-1bf0-4dda-aec3-cb9272f09590', provider: 'azure', by: 'event' },
  { name: 'gcp-data', accountID: 'shop-data-204719', provider: 'gcp', by: 'api' },
];

/** Namespace of an account, and the group in it that the onboarding makes. */
export const accountPath = ({ name, accountID }: Pick<Account, 'name' | 'accountID'>): string =>
  `/${TENANT}/${name}-${accountID}`;
export const groupPath = (account: Account): string => `${accountPath(account)}/default`;

const [AWS, AZURE, GCP] = ACCOUNTS as [Account, Account, Account];

/** Objects of the tenant; all propagate into every account. */
export const EXTERNAL_NETWORKS = [
  {
    name: 'internet',
    entries: ['0.0.0.0/0', '!10.0.0.0/8'],
    associatedTags: ['externalnetwork:name=internet'],
  },
  { name: 'corporate', entries: ['10.20.0.0/16'], associatedTags: ['externalnetwork:name=corporate'] },
  { name: 'bad-actors', entries: ['203.0.113.0/24'], associatedTags: ['externalnetwork:name=bad-actors'] },
].map(network => ({ ...network, propagate: true }));

export const RULESETS = [
  {
    name: 'web',
    subject: [['app=web']],
    incomingRules: [
      { action: 'Allow', object: [['externalnetwork:name=internet']], protocolPorts: ['tcp/443'] },
      { action: 'Reject', object: [['externalnetwork:name=bad-actors']], protocolPorts: ['any'] },
      { action: 'Allow', object: [['externalnetwork:name=corporate']], protocolPorts: ['tcp/22'] },
    ],
    outgoingRules: [{ action: 'Allow', object: [['app=db']], protocolPorts: ['tcp/5432'] }],
  },
  {
    name: 'db',
    subject: [['app=db']],
    incomingRules: [{ action: 'Allow', object: [['app=web']], protocolPorts: ['tcp/5432'] }],
    outgoingRules: [],
  },
].map(ruleset => ({ ...ruleset, propagate: true }));

interface Unit {
  name: string;
  namespace: string;
  address: string;
  tags: string[];
}

export const UNITS: readonly Unit[] = [
  { name: 'web-1', namespace: groupPath(AWS), address: '10.1.0.10', tags: ['app=web'] },
  { name: 'db-1', namespace: groupPath(AZURE), address: '10.2.0.20', tags: ['app=db'] },
  { name: 'report-1', namespace: groupPath(GCP), address: '10.3.0.30', tags: ['app=report'] },
];

/** Hosts with an enforcer. The third account has none: its units are known, and decided where they arrive. */
export const ENFORCERS = [
  { name: 'host-web', namespace: groupPath(AWS) },
  { name: 'host-db', namespace: groupPath(AZURE) },
] as const;

const tcp = (port: number): Traffic => ({ kind: 'ports', protocol: 6, port });

/** Ends are names of units or addresses. */
export interface WantedFlow {
  from: string;
  to: string;
  traffic: Traffic;
  wanted: 'allow' | 'reject';
}

export const FLOWS: readonly WantedFlow[] = [
  { from: '198.51.100.7', to: 'web-1', traffic: tcp(443), wanted: 'allow' },
  { from: '203.0.113.9', to: 'web-1', traffic: tcp(443), wanted: 'reject' },
  { from: '10.20.1.1', to: 'web-1', traffic: tcp(22), wanted: 'allow' },
  { from: '198.51.100.7', to: 'web-1', traffic: tcp(22), wanted: 'reject' },
  { from: 'web-1', to: 'db-1', traffic: tcp(5432), wanted: 'allow' },
  { from: 'web-1', to: 'db-1', traffic: tcp(22), wanted: 'reject' },
  { from: 'report-1', to: 'db-1', traffic: tcp(5432), wanted: 'reject' },
  { from: 'db-1', to: '198.51.100.7', traffic: tcp(443), wanted: 'reject' },
];
