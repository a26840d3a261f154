import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { writeOver, writeWhole } from '../files.ts';
import { BEFORE_POLICY } from './undecided.ts';

const Time = z.iso.datetime();

/** What the agent tells of itself on the host: a file that only root reads. */
export const Status = z.object({
  version: z.string(),
  pid: z.int(),
  startedAt: Time,
  updatedAt: Time,
  /** Enforcing, or only verifying. */
  enforces: z.boolean(),
  enforcer: z.object({ ID: z.string(), name: z.string(), namespace: z.string() }).optional(),
  api: z.string(),
  /** The policy that holds. */
  active: z
    .object({
      revision: z.int(),
      digest: z.string(),
      since: Time,
      /** Processing units of this host. */
      units: z.int(),
      profile: z.string().optional(),
      warnings: z.array(z.string()),
      lockdown: z.boolean(),
    })
    .optional(),
  /** What passes as long as there is none. */
  before: z.enum(BEFORE_POLICY).optional(),
  /** When the bundle is past its first expiry, and for how many seconds it has been. */
  expires: Time.optional(),
  staleSeconds: z.int().min(0),
  /** The newest bundle or policy that did not become active. */
  refused: z.object({ reason: z.string(), detail: z.string(), at: Time }).optional(),
  /** Rules that others changed and the agent mended. */
  mended: z.int().min(0),
  /** The last comparison of the kernel with the policy, and what was mended. */
  reconciled: z.object({ at: Time, difference: z.string() }).optional(),
  lastContact: Time.optional(),
  /** The newest trouble of each kind, until it is over. */
  troubles: z.record(z.string(), z.object({ detail: z.string(), at: Time })),
  flows: z
    .object({
      records: z.int(),
      sent: z.int(),
      waiting: z.int(),
      spooled: z.int(),
      /** Batches that wait in memory alone, because the disk takes none. Earlier versions tell of none. */
      held: z.int().default(0),
      dropped: z.int(),
      refused: z.int(),
      /** Flows that the data plane counted and no record came of: limited floods and broken readers. */
      unrecorded: z.int(),
      unreadable: z.int(),
      restarts: z.int(),
      /** Those that ended, where they are counted. */
      connections: z.object({ ended: z.int(), bytes: z.number(), seconds: z.number() }).optional(),
    })
    .optional(),
});
export type Status = z.infer<typeof Status>;

/** Bytes that a file system gives out at once. */
const BLOCK = 4096;

/**
 * Written whole; on a full disk, which is when somebody looks, in the place that the one before has. Without ado where nothing can be
 * written: nothing depends on it. A file of whole blocks has room for the next one, which may be longer.
 */
export function writeStatus(path: string, status: Status): void {
  const text = JSON.stringify(status, undefined, 2);
  const length = Buffer.byteLength(text) + 1;
  const content = `${text}${' '.repeat(Math.ceil(length / BLOCK) * BLOCK - length)}\n`;
  try {
    writeWhole(path, content);
  } catch {
    try {
      writeOver(path, content);
    } catch {
      // A full disk must not stop what the agent is for.
    }
  }
}

export function readStatus(path: string): Status | undefined {
  try {
    return Status.safeParse(JSON.parse(readFileSync(path, 'utf8'))).data;
  } catch {
    return undefined;
  }
}
