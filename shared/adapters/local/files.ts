import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Makes a directory's entries durable: a renamed file is only there after a power cut when its directory was synced. */
export async function syncDirectory(path: string): Promise<void> {
  await using handle = await open(path, 'r');
  await handle.sync();
}

/** Makes a directory and those above it, durably. */
export async function makeDirectory(path: string, mode: number): Promise<void> {
  const first = await mkdir(path, { recursive: true, mode });
  if (first === undefined) return;
  for (let each = path; each.length >= first.length; each = dirname(each)) await syncDirectory(dirname(each));
}

/**
 * Puts a whole file in place, or leaves what was there: written aside, synced, renamed, directory synced. `aside` must
 * lie on the same file system.
 */
export async function replaceFile(
  path: string,
  aside: string,
  parts: readonly Uint8Array[],
  mode: number,
): Promise<void> {
  try {
    await using handle = await open(aside, 'w', mode);
    await writeAll(handle, parts);
    await handle.sync();
  } catch (error) {
    await rm(aside, { force: true });
    throw error;
  }
  await rename(aside, path);
  await syncDirectory(dirname(path));
}

async function writeAll(handle: FileHandle, parts: readonly Uint8Array[]): Promise<void> {
  for (const part of parts) await handle.writeFile(part);
}
