import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { runningAgents } from '../life/agent-process.ts';
import type { Manifest } from '../life/manifest.ts';
import { changedSysctls } from '../life/sysctls.ts';
import { PLACES } from '../life/unit-files.ts';
import { nftCommand } from '../nft/command.ts';

interface Removed {
  prefix: string;
  manifest: Manifest;
  /** Settings of the kernel before the installation. */
  sysctls: Readonly<Record<string, string>>;
  rules: 'remove' | 'keep';
}

const isEmptyFolder = (path: string): boolean => {
  try {
    return readdirSync(path).length === 0;
  } catch {
    return false;
  }
};

/** What is left of an agent that was removed: files, folders, processes, settings, tables. What others made is not. */
export async function leftovers({ prefix, manifest, sysctls, rules }: Removed): Promise<string[]> {
  const files = [...manifest.files, PLACES.home].filter(path => existsSync(join(prefix, path)));
  // One that is not empty is somebody else's by now.
  const folders = manifest.folders.filter(path => path !== PLACES.home && isEmptyFolder(join(prefix, path)));
  const processes = runningAgents(join(prefix, PLACES.home)).map(pid => `process ${pid}`);
  const settings = changedSysctls(sysctls).map(name => `setting ${name}`);
  const { code } = rules === 'keep' ? { code: 1 } : await nftCommand()(['list', 'table', 'inet', 'prisma']);
  return [
    ...new Set([
      ...files,
      ...folders,
      ...processes,
      ...settings,
      ...(code === 0 ? ['table inet prisma'] : []),
    ]),
  ];
}
