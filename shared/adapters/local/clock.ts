import { randomBytes } from 'node:crypto';
import type { Clock } from '../../ports/clock.ts';

export const systemClock: Clock = {
  now: () => new Date(),
  randomBytes: size => randomBytes(size),
};
