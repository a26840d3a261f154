import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { ObjectId, Timestamp } from '../../../shared/schema/ids.ts';
import { DirectedTask } from '../../../shared/schema/migration.ts';
import { writeWhole } from '../files.ts';
import { Manifest } from '../life/manifest.ts';

/** What a runner does next. Whatever it does, it may have done before and been killed: each can be done again. */
export const STEPS = [
  'accept',
  'fetch',
  'hold',
  'remove',
  'verify',
  'tell',
  'await',
  'install',
  'start',
  'prove',
  'measure',
  'undo',
  'confess',
  'leave',
] as const;
export type Step = (typeof STEPS)[number];

export const Journal = z.object({
  step: z.enum(STEPS),
  /** What is carried out. */
  directive: DirectedTask,
  /** Directives that were carried out, or could not be. */
  done: z.array(ObjectId),
  /** The agent that was here before: what its installation made, and how it was set up. */
  former: z.object({
    version: z.string(),
    self: z.array(z.string()),
    manifest: Manifest,
    namespace: z.string(),
    api: z.string(),
    opts: z.string(),
    /** Settings of the kernel before its installation. */
    sysctls: z.record(z.string(), z.string()),
  }),
  /** No agent is here: it was removed, and none has taken its place yet. */
  isBare: z.boolean(),
  /** Nobody ordered it: the former agent comes back because no order came. */
  isOwn: z.boolean(),
  left: z.array(z.string()),
  /** Why the directive could not be carried out. */
  reason: z.string(),
  /** How long no rules were loaded, and since when they are not. */
  open: z.object({ milliseconds: z.int(), since: Timestamp.optional() }),
  /** Rejected flows a minute before anything was changed. */
  baseline: z.number().optional(),
  at: Timestamp,
});
export type Journal = z.infer<typeof Journal>;

export const journalFile = (folder: string): string => join(folder, 'journal.json');

/** Undefined where there is none. */
export function readJournal(folder: string): Journal | undefined {
  let text: string;
  try {
    text = readFileSync(journalFile(folder), 'utf8');
  } catch {
    return undefined;
  }
  return Journal.parse(JSON.parse(text));
}

export const writeJournal = (folder: string, journal: Journal): void =>
  writeWhole(journalFile(folder), `${JSON.stringify(journal, undefined, 2)}\n`);
