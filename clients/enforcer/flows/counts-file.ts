import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { writeWhole } from '../files.ts';
import type { Counts } from './accounting.ts';

const Text = z.record(z.string(), z.int().min(0));

/** What an earlier run had accounted for; undefined when there was none, or its file can't be read. */
export function readCounts(path: string): Counts | undefined {
  try {
    return new Map(Object.entries(Text.parse(JSON.parse(readFileSync(path, 'utf8')))));
  } catch {
    return undefined;
  }
}

/** Where it can't be written, the next run finds as lost what this one had accounted for since: too many, never too few. */
export function keepCounts(path: string, counts: Counts): void {
  const text = JSON.stringify(Object.fromEntries([...counts].sort()));
  try {
    if (readFileSync(path, 'utf8') === text) return;
  } catch {
    // There is none yet.
  }
  try {
    writeWhole(path, text);
  } catch {
    // A full disk.
  }
}
