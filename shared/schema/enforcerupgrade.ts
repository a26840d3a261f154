import { z } from 'zod';
import { NamespacePath, ObjectId, Timestamp } from './ids.ts';
import { HOST_STATES, Probe, RUNNER_WAYS, UpgradeMode, Witness } from './migration.ts';
import { Description, Name, resource } from './resource.ts';
import { Selector } from './tag.ts';

/** Hosts that one execution of the Map takes care of: as many as an inline Map runs at a time. */
export const BATCH = 40;

const Duration = z.string().regex(/^(0|(\d+(s|m|h))+)$/, 'must be a duration such as 10m');
/** `3`: so many hosts; `5%`: of those of the wave. */
const Share = z.string().regex(/^\d{1,5}%?$/, 'must be a number of hosts, or a share such as 5%');

/** What `POST /enforcerupgrades` takes. */
export const UpgradeSpec = z.strictObject({
  name: Name.default('upgrade'),
  description: Description,
  selector: Selector.default([['$identity=enforcer']] as never).describe(
    'Which enforcers, by their tags; every one unless said.',
  ),
  recursive: z.boolean().default(true).describe('Those of namespaces below, too.'),
  targetVersion: z
    .string()
    .max(128)
    .default('latest')
    .describe('A version, `latest`, or `namespace`: the default of the namespace.'),
  canary: z.int().min(0).max(1000).default(1).describe('Hosts of a first wave, before all others; 0: none.'),
  waves: z.int().min(1).max(100).default(3).describe('Into how many waves the others are divided.'),
  maxConcurrency: z.int().min(1).max(10_000).default(20).describe('Hosts at a time.'),
  failureThreshold: Share.default('5%').describe(
    'Failures of a wave that are put up with: a number, or a share of its hosts. One more stops the upgrade.',
  ),
  healthProbe: z.array(Probe).max(50).default([]).describe('Connections that each host tries afterwards.'),
  maxRejectedRatio: z
    .number()
    .min(1)
    .max(1000)
    .default(3)
    .describe('How many times its baseline a host’s rate of rejected flows may become.'),
  soak: Duration.default('1m').describe('How long a wave is watched before it is judged.'),
  hostTimeout: Duration.default('30m').describe('How long a host may take for each step.'),
  schedule: Timestamp.optional().describe('When to begin; at once unless said.'),
  mode: UpgradeMode.default('keep-rules').describe(
    'What becomes of the rules between uninstall and install.',
  ),
  allowDowngrade: z.boolean().default(false).describe('An older version than a host has is no mistake.'),
  forceChecks: z
    .array(z.string().max(64))
    .max(50)
    .default([])
    .describe(
      'Checks of the preflight that may fail, by name; `facts`: hosts that do not tell what they are.',
    ),
});
export type UpgradeSpec = z.infer<typeof UpgradeSpec>;

export const UPGRADE_STATUS = [
  'Scheduled',
  'Planning',
  'Running',
  'Paused',
  'RollingBack',
  'Succeeded',
  'RolledBack',
  'Aborted',
  'Refused',
  'Failed',
] as const;

/** Statuses that nothing follows. */
export const ENDED: readonly (typeof UPGRADE_STATUS)[number][] = [
  'Succeeded',
  'RolledBack',
  'Aborted',
  'Refused',
  'Failed',
];

const Counts = z.strictObject({
  hosts: z.int().min(0).describe('All of them.'),
  upgraded: z.int().min(0).describe('Have the wanted version, and are healthy.'),
  restored: z.int().min(0).describe('Have their former version again.'),
  failed: z.int().min(0).describe('Have neither, or nobody knows.'),
  skipped: z.int().min(0).describe('Were left alone.'),
});
export type Counts = z.infer<typeof Counts>;

const Wave = z.strictObject({
  hosts: z.int().min(0).describe('How many it was planned with.'),
  batches: z.array(z.int().min(0)).describe('Its parts.'),
  skipped: z.int().min(0).default(0).describe('Hosts that planning left alone.'),
  counts: Counts.optional().describe('What came of it; absent before it was judged.'),
});

export const enforcerupgrade = resource({
  identity: 'enforcerupgrade',
  plural: 'enforcerupgrades',
  aliases: ['upgrade', 'upgrades'],
  group: 'upgrades',
  summary: 'Uninstalls the agents of many hosts and installs another version, wave by wave',
  defaultOrder: 'createTime',
  readOnly: {
    status: z.enum(UPGRADE_STATUS).default('Planning').describe('Where it stands.'),
    wanted: z.enum(['Run', 'Pause', 'Abort']).default('Run').describe('What was last asked of it.'),
    reason: z.string().max(1024).default('').describe('Why it did not succeed.'),
    version: z.string().default('').describe('The version that `targetVersion` came to.'),
    targets: z.int().min(0).default(0).describe('Hosts that it was started for.'),
    planned: z.int().min(0).default(0).describe('Hosts that were claimed so far.'),
    cursor: z.string().default('').describe('Where planning goes on.'),
    isPlanned: z.boolean().default(false).describe('Every host is in its wave.'),
    plannedTime: Timestamp.optional().describe('When every host was in its wave, and asked what it is.'),
    judged: z.int().min(0).default(0).describe('Parts whose hosts went through the preflight.'),
    unknown: z
      .int()
      .min(0)
      .default(0)
      .describe(
        'Hosts that did not tell what they are, and therefore failed the preflight or were forced through it.',
      ),
    unfit: z.int().min(0).default(0).describe('Hosts that failed the preflight.'),
    wave: z.int().min(0).default(0).describe('Number of the wave that runs or comes next, from 0.'),
    phase: z
      .enum(['Before', 'Mend', 'Back'])
      .default('Before')
      .describe('Of the wave: to come, its unhealthy hosts to be restored, or all of it to be rolled back.'),
    waves: z.array(Wave).default([]).describe('The waves, first the canary.'),
    tripped: z
      .boolean()
      .default(false)
      .describe('More failed in this wave than is put up with: no host begins any more.'),
    witnesses: z
      .array(Witness)
      .max(50)
      .optional()
      .describe('Other ends of its probes that are hosts of ours; absent before planning.'),
    pauseToken: z.string().default('').describe('What waits for its resumption.'),
    startTime: Timestamp.optional().describe('When it began.'),
    endTime: Timestamp.optional().describe('When it ended.'),
    claims: z.array(z.string()).default([]).describe('Who started it.'),
  },
  createOnly: {},
  writable: { name: Name, description: Description, spec: UpgradeSpec.describe('What was asked for.') },
});
export type EnforcerUpgrade = z.infer<typeof enforcerupgrade.stored>;

/** One host of an upgrade, as its batch remembers it. */
export const UpgradeHost = z.strictObject({
  ID: ObjectId.describe('The enforcer.'),
  namespace: NamespacePath.describe('Where it lives.'),
  name: z.string().describe('Its name.'),
  from: z.string().describe('Version that it had.'),
  state: z.enum(HOST_STATES).describe('Where it stands, or stood when its wave was judged.'),
  reason: z.string().default('').describe('Why it failed or was left alone.'),
  openMilliseconds: z.int().min(0).optional().describe('How long no rule of ours was loaded.'),
  instance: z.string().optional().describe('The EC2 instance that it is; absent elsewhere.'),
  ranBy: z
    .enum(RUNNER_WAYS)
    .optional()
    .describe('What started its runner: its agent, or SSM Run Command. Absent: none has reported.'),
});
export type UpgradeHost = z.infer<typeof UpgradeHost>;

export const upgradebatch = resource({
  identity: 'upgradebatch',
  plural: 'upgradebatches',
  aliases: [],
  group: 'upgrades',
  summary: 'Part of a wave',
  readOnly: {},
  createOnly: {},
  writable: {
    name: Name,
    upgrade: ObjectId.describe('The upgrade.'),
    number: z.int().min(0).describe('Its place among all parts, from 0.'),
    hosts: z.array(UpgradeHost).max(BATCH).describe('Its hosts.'),
  },
});
export type UpgradeBatch = z.infer<typeof upgradebatch.stored>;
