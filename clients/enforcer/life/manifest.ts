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

/**
 * Takes all of it away, but for folders into which somebody else has put something. `home`: whether what an agent kept goes as well,
 * which lies in a folder that nobody else writes to.
 */
export function removeFiles(
  prefix: string,
  { files, folders }: Manifest,
  home: 'with home' | 'without',
): void {
  for (const path of files) rmSync(join(prefix, path), { force: true });
  if (home === 'with home') rmSync(join(prefix, PLACES.home), { recursive: true, force: true });
  for (const folder of folders.toReversed()) {
    try {
      rmdirSync(join(prefix, folder));
    } catch {
      // Somebody else put something there since.
    }
  }
}
