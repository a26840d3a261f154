import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { makeFolder, writeWhole } from '../files.ts';

/** Without them connection tracking tells neither bytes nor durations. */
const WANTED: Readonly<Record<string, string>> = {
  'net/netfilter/nf_conntrack_acct': '1',
  'net/netfilter/nf_conntrack_timestamp': '1',
};

const FILE = 'sysctls.json';
const Before = z.record(z.string(), z.string());

const pathOf = (name: string): string => `/proc/sys/${name}`;

function read(name: string): string | undefined {
  try {
    return readFileSync(pathOf(name), 'utf8').trim();
  } catch {
    return undefined;
  }
}

function write(name: string, value: string): void {
  try {
    writeFileSync(pathOf(name), value);
  } catch {
    // The kernel is without it: what it would tell is not told.
  }
}

/** What was set before, by name. */
export const kept = (folder: string): Record<string, string> | undefined => {
  try {
    return Before.safeParse(JSON.parse(readFileSync(join(folder, FILE), 'utf8'))).data;
  } catch {
    return undefined;
  }
};

/**
 * Sets what the agent needs, and remembers what it was, the first time. Throws what the system says where that can't be kept; then
 * nothing is set, because nobody could set it back.
 */
export function claimSysctls(folder: string): void {
  const known = kept(folder);
  const before = { ...known };
  for (const name of Object.keys(WANTED)) {
    const value = read(name);
    if (value !== undefined) before[name] ??= value;
  }
  if (JSON.stringify(before) !== JSON.stringify(known)) {
    makeFolder(folder);
    writeWhole(join(folder, FILE), `${JSON.stringify(before)}\n`);
  }
  for (const [name, value] of Object.entries(WANTED)) if (read(name) !== value) write(name, value);
}

/** Sets them as they were. */
export function restoreSysctls(folder: string): void {
  for (const [name, value] of Object.entries(kept(folder) ?? {}))
    if (read(name) !== value) write(name, value);
  rmSync(join(folder, FILE), { force: true });
}

/** Names of those that are not as they were. */
export const changedSysctls = (before: Readonly<Record<string, string>>): string[] =>
  Object.entries(before)
    .filter(([name, value]) => (read(name) ?? value) !== value)
    .map(([name]) => name);
