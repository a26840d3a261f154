import { z } from 'zod';
import { Timestamp } from './ids.ts';
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
} as const;

/** What the agent says of its bundle: downloaded, verified and active are told apart. */
export const ReportedBundle = z.strictObject({
  revision: z.int().min(0),
  state: z.enum(['applied', 'refused']),
  reason: z.string().max(1024).default(''),
  digest: z.string().max(128).default(''),
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
  readOnly: {
    /** Nothing was heard of it for five minutes. */
    unreachable: z.boolean().default(false),
    /** When it was last heard of, as precise as `LIFE.noted`. */
    lastSyncTime: Timestamp.optional(),
    /** The same; the original keeps two. */
    lastPokeTime: Timestamp.optional(),
    lastMigrationTime: Timestamp.optional(),
    /** PEM. Its public key is the enforcer's: it gets tokens with it, as with an app credential. */
    certificate: z.string().default(''),
    certificateExpirationDate: Timestamp.optional(),
  },
  createOnly: {
    FQDN: z.string().min(1).max(253),
    /** From SMBIOS, MACs or the cloud. One machine has one enforcer in a namespace: it finds its object by this. */
    machineID: z.string().max(256).default(''),
  },
  writable: {
    name: Name,
    description: Description,
    operationalStatus: z
      .enum(['Registered', 'Connected', 'Disconnected', 'Initialized'])
      .default('Registered'),
    enforcementStatus: z.enum(['Inactive', 'Active', 'Failed']).default('Inactive'),
    startTime: Timestamp.optional(),
    currentVersion: Version,
    nextAvailableVersion: Version,
    migrationStatus: z.enum(['None', 'Running', 'Failed']).default('None'),
    /** PEM of a PKCS #10 request for an EC P-256 key. Signed into `certificate` and then forgotten. */
    certificateRequest: z.string().max(16_384).default(''),
    logLevel: z.enum(['Info', 'Debug', 'Warn', 'Error', 'Trace']).default('Info'),
    logLevelDuration: z.string().default('10s'),
    subnets: z.array(z.union([z.cidrv4(), z.cidrv6()])).default([]),
    controller: z.string().default(''),
    collectInfo: z.boolean().default(false),
    collectedInfo: z.record(z.string(), z.string()).default({}),
    /** As the agent last reported it. */
    bundle: ReportedBundle.optional(),
  },
});
export type Enforcer = z.infer<typeof enforcer.stored>;
