import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

/** Only root reads what an agent keeps. */
const FILE = 0o600;
const DIRECTORY = 0o700;

function flush(path: string): void {
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

/**
 * Writes a file so that a reader, now or after a crash, finds the old content or the new one, whole. Throws what the
 * system says, such as ENOSPC; then the old one is still there, and no other file is left behind.
 */
export function writeWhole(path: string, content: Uint8Array | string): void {
  const temporary = `${path}.new`;
  try {
    const file = openSync(temporary, 'w', FILE);
    try {
      const bytes = typeof content === 'string' ? Buffer.from(content) : content;
      for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
  flush(dirname(path));
}

/** Makes a folder that only its owner may enter, where it is not there. */
export const makeFolder = (path: string): void => void mkdirSync(path, { recursive: true, mode: DIRECTORY });
