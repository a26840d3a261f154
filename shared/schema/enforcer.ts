import { z } from 'zod';
import { HostFacts } from './host-facts.ts';
import { Timestamp } from './ids.ts';
import { Ec2Instance } from './instance.ts';
import { Migration, Witness } from './migration.ts';
import { Description, Name, resource } from './resource.ts';

const Version = z.string().max(128).default('');

/** Milliseconds of the life of an enforcer's connection. */
export const LIFE = {
  /** Between two pokes. */
  interval: 30_000,
  /** A poke that says nothing new is noted when the one noted before is so old. */
  noted: 60_000,
  /** Without a poke it is unreachable. */
  unreachable: 5 * 60_000,
  /**
   * Pokes of one stretch are due together, when the first of them would be, so that few move what the index holds. Who goes on poking
   * never is: a stretch is less than `unreachable`, by more than the time between two notes is more than `noted`.
   */
  stretch: 4 * 60_000,
} as const;

interface Heard {
  unreachable: boolean;
  operationalStatus: string;
  lastPokeTime?: string | undefined;
}

/** When it is unreachable if its noted poke was the last; never, where it is already, said goodbye or never poked. */
export const lostAt = (enforcer: Heard): number | undefined =>
  enforcer.unreachable || enforcer.operationalStatus === 'Disconnected' || enforcer.lastPokeTime === undefined
    ? undefined
    : // The record of its last poke may be as old as `noted` though the next one came.
      Date.parse(enforcer.lastPokeTime) + LIFE.unreachable + LIFE.noted;

/** Before it can be lost, and never later: the beginning of a stretch of time. */
const dueFrom = (enforcer: Heard): string | undefined => {
  const lost = lostAt(enforcer);
  return lost === undefined ? undefined : new Date(lost - (lost % LIFE.stretch)).toISOString();
};

/** What the agent says of its bundle: downloaded, verified and active are told apart. */
export const ReportedBundle = z.strictObject({
  revision: z.int().min(0).describe('Revision of the bundle.'),
  state: z.enum(['applied', 'refused']).describe('Whether it is enforced, or was not verified.'),
  reason: z.string().max(1024).default('').describe('Why it was refused; empty when it is enforced.'),
  digest: z
    .string()
    .max(128)
    .default('')
    .describe('SHA-256 of the rules that were made of it, as read back; empty where nothing is enforced.'),
  policy: z
    .string()
    .max(128)
    .default('')
    .describe(
      'SHA-256 of the policy.json that is enforced, which the control plane compares with what it published.',
    ),
});
export type ReportedBundle = z.infer<typeof ReportedBundle>;

export const enforcer = resource({
  identity: 'enforcer',
  plural: 'enforcers',
  aliases: ['defender', 'defenders'],
  group: 'enforcers',
  summary: 'An agent that polls a bundle and enforces it on its host',
  defaultOrder: 'name',
  inheritsOrganization: true,
  refs: ['machineID'],
  due: dueFrom,
  readOnly: {
    unreachable: z.boolean().default(false).describe('Nothing was heard of it for five minutes.'),
    lastSyncTime: Timestamp.optional().describe('When it was last heard of, as precise as `LIFE.noted`.'),
    lastPokeTime: Timestamp.optional().describe('The same; the original keeps two.'),
    migration: Migration.optional().describe('Where it stands in an upgrade.'),
    watches: z
      .array(Witness.extend({ until: Timestamp.describe('For how long.') }))
      .max(50)
      .optional()
      .describe('Flows that an upgrade’s probes make to it, and that its records are to confirm.'),
    verifiedInstance: Ec2Instance.optional().describe(
      'The EC2 instance that its AWS identity proves it to be: the only one that anything is sent to by SSM.',
    ),
    registrationTime: Timestamp.optional().describe('When an agent last registered as this enforcer.'),
    lastMigrationTime: Timestamp.optional().describe('Kept for clients of the original.'),
    certificate: z
      .string()
      .default('')
      .describe('PEM. Its public key is the enforcer’s: it gets tokens with it, as with an app credential.'),
    certificateExpirationDate: Timestamp.optional().describe('End of the certificate.'),
    localCA: z.string().default('').describe('Kept for clients of the original: always empty.'),
    publicToken: z.string().default('').describe('Kept for clients of the original: always empty.'),
  },
  createOnly: {
    FQDN: z.string().min(1).max(253).describe('Name of the host.'),
    machineID: z
      .string()
      .max(256)
      .default('')
      .describe(
        'From SMBIOS, MACs or the cloud. One machine has one enforcer in a namespace: it finds its object by this.',
      ),
  },
  writable: {
    name: Name,
    description: Description,
    operationalStatus: z
      .enum(['Registered', 'Connected', 'Disconnected', 'Initialized'])
      .default('Registered')
      .describe('What the agent says of its connection.'),
    enforcementStatus: z
      .enum(['Inactive', 'Active', 'Failed'])
      .default('Inactive')
      .describe('What the agent says of its data plane.'),
    startTime: Timestamp.optional().describe('When the agent was started.'),
    currentVersion: Version.describe('Version of the agent.'),
    nextAvailableVersion: Version.describe('Version that it should have.'),
    migrationStatus: z
      .enum(['None', 'Running', 'Failed'])
      .default('None')
      .describe('Kept for clients of the original.'),
    certificateRequest: z
      .string()
      .max(16_384)
      .default('')
      .describe(
        'PEM of a PKCS #10 request for an EC P-256 key. Signed into `certificate` and then forgotten.',
      ),
    logLevel: z
      .enum(['Info', 'Debug', 'Warn', 'Error', 'Trace'])
      .default('Info')
      .describe('How much the agent logs.'),
    logLevelDuration: z.string().default('10s').describe('For how long it does, a Go duration.'),
    subnets: z
      .array(z.union([z.cidrv4(), z.cidrv6()]))
      .default([])
      .describe('Networks that the host is in.'),
    controller: z.string().default('').describe('Kept for clients of the original.'),
    collectInfo: z.boolean().default(false).describe('Asks the agent for `collectedInfo`.'),
    collectedInfo: z
      .record(z.string(), z.string())
      .default({})
      .describe('What the agent found out about its host.'),
    lastCollectionTime: Timestamp.optional().describe('When it did.'),
    lastCollectionID: z.string().max(256).default('').describe('Kept for clients of the original.'),
    facts: HostFacts.optional().describe('What the agent collected on its host, for preflights.'),
    instance: Ec2Instance.optional().describe(
      'The EC2 instance that it says it runs on: where that is proven and its agent is dead, an upgrade starts the runner there by SSM.',
    ),
    instanceToken: z
      .string()
      .max(8192)
      .default('')
      .describe(
        'Token of this API for the AWS identity of `instance`, which proves it. Looked at and then forgotten.',
      ),
    bundle: ReportedBundle.optional().describe('As the agent last reported it.'),
  },
});
export type Enforcer = z.infer<typeof enforcer.stored>;
