import { rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { PLACES } from './unit-files.ts';

/** What an installation made: uninstall takes away exactly that. Paths are below the prefix. */
export const Manifest = z.object({
  version: z.string(),
  files: z.array(z.string()),
  folders: z.array(z.string()),
});
export type Manifest = z.infer<typeof Manifest>;

function removeFolders(prefix: string, folders: readonly string[]): void {
  for (const folder of folders.toReversed()) {
    try {
      rmdirSync(join(prefix, folder));
    } catch {
      // Somebody else put something there since.
    }
  }
}

/** Takes all of it away, and what the agent kept in its home, which nobody else writes to. */
export function removeAll(prefix: string, { files, folders }: Manifest): void {
  for (const path of files) rmSync(join(prefix, path), { force: true });
  rmSync(join(prefix, PLACES.home), { recursive: true, force: true });
  removeFolders(prefix, folders);
}

/** Takes away what there is of an installation that could not be finished, as far as that is possible. */
export function takeBack(prefix: string, { files, folders }: Manifest): void {
  for (const path of files) {
    try {
      rmSync(join(prefix, path), { force: true });
    } catch {
      // Where nothing can be written nothing can be removed either.
    }
  }
  removeFolders(prefix, folders);
}
