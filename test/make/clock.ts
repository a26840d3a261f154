import { createHash } from 'node:crypto';
import type { Clock } from '../../shared/ports/clock.ts';

export interface TestClock extends Clock {
  /** Moves time on; it never moves by itself. */
  advance(milliseconds: number): void;
}

/** A clock that moves only when told, and chance that is the same for the same seed. */
export function testClock(start = '2026-03-01T12:00:00.000Z', seed = 'seed'): TestClock {
  let now = Date.parse(start);
  let drawn = 0;
  return {
    now: () => new Date(now),
    advance: milliseconds => {
      now += milliseconds;
    },
    randomBytes: size => {
      const blocks = Array.from({ length: Math.ceil(size / 32) }, () => {
        drawn += 1;
        return createHash('sha256').update(`${seed} ${drawn}`).digest();
      });
      return new Uint8Array(Buffer.concat(blocks).subarray(0, size));
    },
  };
}
