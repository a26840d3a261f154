import { goSeconds } from '../../../shared/core/duration.ts';
import type { BundleProfile } from '../../../shared/schema/bundle.ts';
import type { Clock } from '../clock.ts';

/** What holds without a profile: the schema's own defaults. */
const DEFAULTS: Stale = { maxStale: '24h', staleAction: 'hold' };
type Stale = Pick<BundleProfile, 'maxStale' | 'staleAction'>;

/**
 * How long the bundle has been past its expiry. Two clocks watch: the wall clock, and one that never jumps, which goes on
 * from when the bundle was last found good. The later one counts, so that a wall clock that is set back makes no stale
 * bundle fresh again.
 */
export class Freshness {
  readonly #clock: Clock;
  #expires: Date | undefined;
  /** On the clock that never jumps. */
  #ends = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A bundle was verified just now, and is good until then. */
  verified(expires: Date): void {
    this.#expires = expires;
    this.#ends = this.#clock.elapsed() + (expires.getTime() - this.#clock.now().getTime());
  }

  get expires(): Date | undefined {
    return this.#expires;
  }

  /** Milliseconds past its expiry; 0 while it is fresh, and without a bundle. */
  get staleFor(): number {
    if (!this.#expires) return 0;
    const byWall = this.#clock.now().getTime() - this.#expires.getTime();
    return Math.max(0, byWall, this.#clock.elapsed() - this.#ends);
  }
}

/** Whether everything is to be shut out because the bundle is too old, as the profile says. */
export function locksDown(staleFor: number, { maxStale, staleAction }: Stale = DEFAULTS): boolean {
  return staleAction === 'lockdown' && staleFor > goSeconds(maxStale) * 1000;
}
