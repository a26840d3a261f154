import { z } from 'zod';
import { enforcerupgrade, UpgradeHost, UpgradeSpec } from '../schema/enforcerupgrade.ts';
import { PreflightFinding } from '../schema/host-facts.ts';
import { ObjectId } from '../schema/ids.ts';
import { READ, WRITE } from './fails.ts';
import type { Route } from './route.ts';

export { DirectiveAnswer, DirectiveReport } from './directive-routes.ts';

/** An upgrade as it is shown: without what only the workflow needs. */
export const ShownUpgrade = enforcerupgrade.stored.omit({
  cursor: true,
  pauseToken: true,
  normalizedTags: true,
});
export type ShownUpgrade = z.infer<typeof ShownUpgrade>;

/** What a dry run would do. */
export const UpgradePlan = ShownUpgrade.extend({
  plan: z
    .object({
      waves: z.array(z.int()).describe('Hosts of each wave.'),
      current: z.int().describe('Hosts that have the version already.'),
      unknown: z.int().describe('Hosts whose agents told nothing of them, so that no preflight judges them.'),
      unfit: z
        .array(
          z.object({
            ID: ObjectId.describe('The enforcer.'),
            name: z.string().describe('Its name.'),
            findings: z.array(PreflightFinding).describe('What failed.'),
          }),
        )
        .describe('Hosts that fail the preflight; at most 100 are named.'),
    })
    .exactOptional()
    .describe('Only in the answer to a dry run.'),
});
export type UpgradePlan = z.infer<typeof UpgradePlan>;

/** A host as it is shown. */
export const ShownHost = UpgradeHost.extend({ wave: z.int().min(0).describe('The wave that it is in.') });
export type ShownHost = z.infer<typeof ShownHost>;

const states = z.record(z.string(), z.int());

export const UpgradeStatus = ShownUpgrade.extend({
  progress: z
    .object({
      hosts: z.int().describe('Hosts of the upgrade.'),
      byState: states.describe('How many stand where.'),
      percent: z.number().describe('Share of them that are settled.'),
      secondsLeft: z.number().nullable().describe('At the speed so far; null: it cannot be told yet.'),
      waves: z.array(states).describe('The same of each wave.'),
      underWay: z.array(ShownHost).describe('Hosts that something is done to right now; at most 100.'),
      failures: z.array(ShownHost).describe('Hosts that were not upgraded, and why; at most 100.'),
    })
    .describe('As of now.'),
});
export type UpgradeStatus = z.infer<typeof UpgradeStatus>;

const one = '/enforcerupgrades/{id}' as const;
const command = (name: 'pause' | 'resume' | 'abort', summary: string) =>
  ({
    method: 'POST',
    path: `${one}/${name}`,
    group: 'upgrades',
    summary,
    allow: { identity: 'enforcerupgrade', verb: 'put' },
    ok: ShownUpgrade,
    fails: WRITE,
  }) as const satisfies Route;

/** Upgrades of many hosts. */
export const upgradeRoutes = {
  createEnforcerUpgrade: {
    method: 'POST',
    path: '/enforcerupgrades',
    group: 'upgrades',
    summary: 'Begins to upgrade enforcers of the namespace, wave by wave; a dry run answers the plan.',
    allow: { identity: 'enforcerupgrade', verb: 'post' },
    input: UpgradeSpec,
    ok: UpgradePlan,
    fails: WRITE,
  },
  listEnforcerUpgrades: {
    method: 'GET',
    path: '/enforcerupgrades',
    group: 'upgrades',
    summary: 'Lists the upgrades that were begun in the namespace.',
    allow: { identity: 'enforcerupgrade', verb: 'get' },
    ok: z.array(ShownUpgrade),
    takes: ['page', 'pagesize', 'order', 'q'],
    fails: READ,
  },
  getEnforcerUpgrade: {
    method: 'GET',
    path: one,
    group: 'upgrades',
    summary: 'Gets where an upgrade stands.',
    allow: { identity: 'enforcerupgrade', verb: 'get' },
    ok: UpgradeStatus,
    fails: READ,
  },
  listUpgradeHosts: {
    method: 'GET',
    path: `${one}/hosts`,
    group: 'upgrades',
    summary: 'Lists the hosts of an upgrade, each with where it stands, page by page.',
    allow: { identity: 'enforcerupgrade', verb: 'get' },
    takes: ['limit', 'after'],
    ok: z.array(ShownHost),
    fails: READ,
  },
  pauseEnforcerUpgrade: command('pause', 'Pauses an upgrade before its next wave.'),
  resumeEnforcerUpgrade: command('resume', 'Goes on with a paused upgrade.'),
  abortEnforcerUpgrade: command(
    'abort',
    'Ends an upgrade: hosts that have begun finish, the others are left alone.',
  ),
} as const satisfies Record<string, Route>;
