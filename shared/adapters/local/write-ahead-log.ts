import { readFileSync } from 'node:fs';
import { damaged } from './refusals.ts';

/** Sizes of https://www.sqlite.org/fileformat.html#the_write_ahead_log */
const HEADER = 32;
const FRAME_HEADER = 24;
const MAGIC = 0x377f0682;

/**
 * Refuses a damaged write-ahead log by name. SQLite takes the first frame that does not verify for the end of the log,
 * which is right after a crash and wrong after damage: what was acknowledged behind it would be gone without a word.
 * Each commit is synced before the next begins, so a crash leaves at most one commit behind the last good frame; two
 * mean damage. (Damage within the very last commit cannot be told from a crash.)
 */
export function checkLog(path: string): void {
  const log = read(path);
  if (!log || log.length < HEADER) return;
  const magic = log.readUInt32BE(0);
  const pageSize = log.readUInt32BE(8);
  const size = FRAME_HEADER + pageSize;
  const little = (magic & 1) === 0;
  if ((magic & ~1) >>> 0 !== MAGIC || !sameSum(log, 24, sum(log.subarray(0, 24), [0, 0], little)))
    throw damaged(path, 'its header does not verify');

  let last: Sum = [log.readUInt32BE(24), log.readUInt32BE(28)];
  let commitsBehind = 0;
  let good = true;
  for (let at = HEADER; at + size <= log.length; at += size) {
    // Frames of an earlier round of the log, which lie behind its end, have other salts.
    const current = log.compare(log, 16, 24, at + 8, at + 16) === 0;
    if (good) {
      const head = sum(log.subarray(at, at + 8), last, little);
      last = sum(log.subarray(at + FRAME_HEADER, at + size), head, little);
      good = current && sameSum(log, at + 16, last);
    }
    if (!good && current && log.readUInt32BE(at + 4) !== 0) commitsBehind += 1;
    if (commitsBehind > 1) throw damaged(path, 'a frame before its end does not verify');
  }
}

type Sum = readonly [number, number];

/** SQLite's checksum: pairs of 32-bit words, added crosswise. */
function sum(bytes: Buffer, [first, second]: Sum, little: boolean): Sum {
  let [a, b] = [first, second];
  for (let at = 0; at < bytes.length; at += 8) {
    a = (a + (little ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at)) + b) >>> 0;
    b = (b + (little ? bytes.readUInt32LE(at + 4) : bytes.readUInt32BE(at + 4)) + a) >>> 0;
  }
  return [a, b];
}

const sameSum = (log: Buffer, at: number, [a, b]: Sum): boolean =>
  log.readUInt32BE(at) === a && log.readUInt32BE(at + 4) === b;

function read(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
