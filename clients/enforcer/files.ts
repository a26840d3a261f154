import {
  closeSync,
  constants,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';

/** Only root reads what an agent keeps. */
const FILE = 0o600;
const DIRECTORY = 0o700;
const NEW = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL;

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
    // What a crash left there goes; and never through a link, wherever that leads.
    rmSync(temporary, { force: true });
    const file = openSync(temporary, NEW, FILE);
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

/**
 * Writes over a file, where there is no room for another one beside it. Never through a link. Throws what the system says; then what it
 * held is there again, as far as it can be. A reader may find it half done.
 */
export function writeOver(path: string, content: string): void {
  const file = openSync(path, constants.O_RDWR | constants.O_NOFOLLOW);
  try {
    const before = readFileSync(file);
    try {
      put(file, Buffer.from(content));
    } catch (error) {
      put(file, before);
      throw error;
    }
  } finally {
    closeSync(file);
  }
}

function put(file: number, bytes: Buffer): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at, bytes.length - at, at);
  ftruncateSync(file, bytes.length);
}

/** Makes a folder that only its owner may enter, where it is not there. */
export const makeFolder = (path: string): void => void mkdirSync(path, { recursive: true, mode: DIRECTORY });

/** Why others than this process's user, and root, could put anything into a folder; undefined: they can't, or there is none. */
export function foreignHand(folder: string): string | undefined {
  const { uid, mode } = statSync(folder, { throwIfNoEntry: false }) ?? {};
  if (uid === undefined || mode === undefined) return undefined;
  const own = process.getuid?.() ?? 0;
  if (uid !== 0 && uid !== own)
    return `belongs to user ${uid}, who could put anything there; chown it to user ${own}`;
  return (mode & 0o022) === 0
    ? undefined
    : 'can be written to by others, who could put anything there; chmod go-w it';
}
