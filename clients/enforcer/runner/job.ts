import { createHash } from 'node:crypto';
import { cpSync, existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { Credential } from '../../../shared/schema/appcredential.ts';
import { NamespacePath, ObjectId } from '../../../shared/schema/ids.ts';
import { DirectedTask, RUNNER_WAYS } from '../../../shared/schema/migration.ts';
import { makeFolder, writeWhole } from '../files.ts';
import { PLACES } from '../life/unit-files.ts';

/** What the agent hands to the runner that is to remove it. Only root reads it. */
export const Job = z.object({
  directive: DirectedTask,
  api: z.string(),
  /** Absent: the cloud proves who this host is. */
  credential: Credential.optional(),
  enforcer: z.object({ ID: ObjectId, name: z.string(), namespace: NamespacePath }),
  /** What the bundles of its namespace are bound to. */
  binding: z.object({ tenant: z.string(), namespace: z.string(), namespaceID: z.string() }),
  /** The agent's own version, and how it is started. */
  version: z.string(),
  self: z.array(z.string()),
  /** What had it begin. */
  by: z.enum(RUNNER_WAYS).default('agent'),
});
export type Job = z.infer<typeof Job>;

/** Prefix of the installation whose agent keeps everything in that folder; undefined: no installation does. */
export function prefixOf(home: string): string | undefined {
  if (!home.endsWith(PLACES.home)) return undefined;
  const prefix = home.slice(0, -PLACES.home.length) || '/';
  return existsSync(join(prefix, PLACES.manifest)) ? prefix : undefined;
}

/** Name of the runner of an installation. */
export const runnerName = (prefix: string): string =>
  prefix === '/'
    ? 'prisma-enforcer-upgrade'
    : `prisma-enforcer-upgrade-${createHash('sha256').update(prefix).digest('hex').slice(0, 8)}`;

/** The bundle that holds and what it was made for: with them its rules can be made to hold again. */
export const HELD = ['bundle', 'host.json'] as const;

/** Puts everything where a runner finds it; the order itself comes last, because it is what starts the runner. */
export function writeOrder(prefix: string, job: Job): void {
  const home = join(prefix, PLACES.home);
  const order = join(prefix, PLACES.order);
  const folder = join(order, '..');
  rmSync(folder, { recursive: true, force: true });
  makeFolder(folder);
  for (const name of HELD)
    if (existsSync(join(home, name))) cpSync(join(home, name), join(folder, name), { recursive: true });
  writeWhole(order, `${JSON.stringify(job)}\n`);
}
