import { createHash } from 'node:crypto';
import type {
  Applied,
  Counted,
  DataPlane,
  HostPolicy,
  Meaning,
} from '../../../../clients/enforcer/data-plane.ts';

/** A data plane in memory that keeps what it was given, with faults on a queue. */
export class FakePlane implements DataPlane {
  /** What holds now, as a kernel would. */
  holds: HostPolicy | undefined;
  /** The next calls of `apply` are refused so. */
  readonly refusals: Extract<Applied, { outcome: 'refused' }>[] = [];
  readonly applied: HostPolicy[] = [];
  #wanted: HostPolicy | undefined;
  #watching: (() => void) | undefined;

  async apply(policy: HostPolicy): Promise<Applied> {
    const refusal = this.refusals.shift();
    if (refusal) return refusal;
    const changed = this.holds !== policy;
    this.holds = policy;
    this.#wanted = policy;
    this.applied.push(policy);
    const digest = createHash('sha256').update(JSON.stringify(policy.digests)).digest('hex').slice(0, 56);
    return { outcome: 'applied', digest, changed, warnings: [] };
  }

  async reconcile() {
    const mended = this.holds !== this.#wanted;
    this.holds = this.#wanted;
    return { mended, difference: mended ? 'the table is gone' : '' };
  }

  watch(changed: () => void): () => Promise<void> {
    this.#watching = changed;
    return async () => {
      this.#watching = undefined;
    };
  }

  /** Somebody else takes the rules away. */
  flush(): void {
    this.holds = undefined;
    this.#watching?.();
  }

  async counters(): Promise<Map<string, Counted>> {
    return new Map();
  }

  async isThere(): Promise<boolean> {
    return this.holds !== undefined;
  }

  meaning(): Meaning | undefined {
    return undefined;
  }

  async remove(): Promise<void> {
    this.holds = undefined;
  }
}
