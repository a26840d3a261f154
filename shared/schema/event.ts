import { z } from 'zod';
import { cloudaccount } from './cloudaccount.ts';

/** EventBridge's envelope, the part that is ours to read. */
const envelope = { id: z.string().min(1).max(256), time: z.iso.datetime({ offset: true }) };

const provider = cloudaccount.createOnly.provider;

/** A cloud account was added to the product. Published by whoever manages accounts. */
export const CloudAccountOnboarded = z.object({
  ...envelope,
  source: z.literal('microseg'),
  'detail-type': z.literal('CloudAccountOnboarded'),
  detail: z.strictObject({
    prismaID: z
      .string()
      .regex(/^[a-zA-Z0-9-_]+$/)
      .max(128),
    name: cloudaccount.createOnly.name,
    accountID: cloudaccount.createOnly.accountID,
    provider,
    defaultPUIncomingTrafficAction: cloudaccount.createOnly.defaultPUIncomingTrafficAction,
    defaultPUOutgoingTrafficAction: cloudaccount.createOnly.defaultPUOutgoingTrafficAction,
  }),
});

/** AWS Control Tower's lifecycle event. Source: Control Tower user guide, "Lifecycle events". */
export const CreateManagedAccount = z.object({
  ...envelope,
  source: z.literal('aws.controltower'),
  'detail-type': z.literal('AWS Service Event via CloudTrail'),
  account: z.string().regex(/^\d{12}$/),
  detail: z.object({
    eventSource: z.literal('controltower.amazonaws.com'),
    eventName: z.literal('CreateManagedAccount'),
    serviceEventDetails: z.object({
      createManagedAccountStatus: z.object({
        organizationalUnit: z.object({
          organizationalUnitName: z.string(),
          organizationalUnitId: z.string(),
        }),
        account: z.object({ accountName: z.string(), accountId: z.string().regex(/^\d{12}$/) }),
        state: z.enum(['SUCCEEDED', 'FAILED']),
        message: z.string().optional(),
        requestedTimestamp: z.string().optional(),
        completedTimestamp: z.string().optional(),
      }),
    }),
  }),
});

/** What became of an onboarding. Ours to publish, others' to act on. */
const outcome = <T extends string>(type: T) =>
  z.object({
    ...envelope,
    source: z.literal('microseg'),
    'detail-type': z.literal(type),
    detail: z.object({
      prismaID: z.string(),
      name: z.string(),
      accountID: z.string(),
      /** Set when it failed. */
      error: z.string().optional(),
      cause: z.string().optional(),
    }),
  });
export const CloudAccountReady = outcome('CloudAccountReady');
export const CloudAccountFailed = outcome('CloudAccountFailed');

/** What an event about an upgrade tells of. */
export const UPGRADE_MOMENTS = [
  'started',
  'waveBegun',
  'waveEnded',
  /** A host has not got, or not kept, the wanted version. */
  'host',
  'paused',
  'resumed',
  'aborted',
  'ended',
] as const;

const hostCounts = {
  hosts: z.int(),
  upgraded: z.int(),
  restored: z.int(),
  failed: z.int(),
  skipped: z.int(),
};

const UpgradeHostTold = z.strictObject({
  ID: z.string(),
  namespace: z.string(),
  name: z.string(),
  state: z.string(),
  reason: z.string(),
});

/** Where an upgrade of enforcers stands. Ours to publish, others' to act on. */
export const EnforcerUpgradeChanged = z.object({
  ...envelope,
  source: z.literal('microseg'),
  'detail-type': z.literal('EnforcerUpgradeChanged'),
  detail: z.object({
    ID: z.string(),
    namespace: z.string(),
    name: z.string(),
    status: z.string(),
    /** Why it did not succeed; empty otherwise. */
    reason: z.string(),
    version: z.string(),
    targets: z.int(),
    moment: z.enum(UPGRADE_MOMENTS),
    /** Of the waves that were judged. */
    ...hostCounts,
    /** With moments of a wave. `mend` and `back`: its hosts get their former version again. */
    wave: z
      .strictObject({
        number: z.int(),
        direction: z.enum(['forward', 'mend', 'back']),
        ...hostCounts,
        /** Those that were not upgraded, at most 20. */
        failures: z.array(UpgradeHostTold),
      })
      .exactOptional(),
    host: UpgradeHostTold.exactOptional(),
  }),
});

/** An import of many objects ended, as `status` says. Ours to publish, others' to act on. */
export const ImportEnded = z.object({
  ...envelope,
  source: z.literal('microseg'),
  'detail-type': z.literal('ImportEnded'),
  detail: z.object({
    ID: z.string(),
    namespace: z.string(),
    label: z.string(),
    status: z.string(),
    /** Why it did not succeed; empty otherwise. */
    reason: z.string(),
    total: z.int(),
    created: z.int(),
    updated: z.int(),
    unchanged: z.int(),
    removed: z.int(),
  }),
});

/** Every event on the bus. EventBridge rules, local subscriptions and handlers read this catalogue. */
export const events = {
  CloudAccountOnboarded,
  CreateManagedAccount,
  CloudAccountReady,
  CloudAccountFailed,
  EnforcerUpgradeChanged,
  ImportEnded,
} as const;
export type EventName = keyof typeof events;
export type BusEvent = z.infer<(typeof events)[EventName]>;

/** Events that somebody here acts on: event → its EventBridge pattern. */
export const consumed = {
  CloudAccountOnboarded: { source: ['microseg'], 'detail-type': ['CloudAccountOnboarded'] },
  CreateManagedAccount: {
    source: ['aws.controltower'],
    'detail-type': ['AWS Service Event via CloudTrail'],
    detail: { eventName: ['CreateManagedAccount'] },
  },
} as const satisfies Partial<Record<EventName, unknown>>;
