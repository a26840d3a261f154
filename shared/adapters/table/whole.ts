import { createHash } from 'node:crypto';
import type { Clock } from '../../ports/clock.ts';
import type { Stored } from '../../ports/object-store.ts';
import { fail } from '../../schema/failure.ts';
import type { NamespacePath } from '../../schema/ids.ts';
import { type Identity, resourceOf } from '../../schema/resources.ts';

/**
 * What a version of an object adds to the sum that a namespace keeps of its objects of one resource, which each transaction changes with
 * the objects. Equal sums are equal versions of the same objects: 72 bits of a digest, of IDs and times that no caller chooses. DynamoDB
 * keeps 38 digits of a number, which is room for more objects than a namespace can hold.
 */
export const weightOf = ({ ID, updateTime }: Pick<Stored, 'ID' | 'updateTime'>): bigint =>
  BigInt(`0x${createHash('sha256').update(`${ID} ${updateTime}`).digest('hex').slice(0, 18)}`);

export const sumOf = (objects: readonly Stored[]): bigint =>
  objects.reduce((sum, object) => sum + weightOf(object), 0n);

/** What a store reads, each consistently. */
export interface WholeReads {
  /** 0 where nothing was ever written. */
  sum(resource: Identity, namespace: NamespacePath): Promise<bigint>;
  list(resource: Identity, namespace: NamespacePath): Promise<Stored[]>;
}

interface Whole {
  objects: readonly Stored[];
  sum: bigint;
  /** When its reading began, milliseconds. */
  at: number;
}

/** Milliseconds for which a list is kept at most, for what is written past the store: by hand, or by a release that kept no sums. */
const LONGEST = 5 * 60_000;

/** Objects that are kept in memory in all, each list as one more. */
const MOST = 50_000;

/** Lists by where they are, those that were asked for last at the end. */
class Kept {
  readonly #lists = new Map<string, Whole>();
  #size = 0;

  /** Unless it is older. */
  get(key: string, since: number): Whole | undefined {
    const whole = this.#lists.get(key);
    return whole && whole.at > since ? whole : undefined;
  }

  put(key: string, whole: Whole): void {
    this.#forget(key);
    this.#lists.set(key, whole);
    this.#size += whole.objects.length + 1;
    for (const oldest of this.#lists.keys()) {
      if (this.#size <= MOST) return;
      this.#forget(oldest);
    }
  }

  #forget(key: string): void {
    this.#size -= (this.#lists.get(key)?.objects.length ?? -1) + 1;
    this.#lists.delete(key);
  }
}

/**
 * Every object of a resource in a namespace, as a consistent list has it. What was read before is given again where the sum, which is read
 * each time, is that of what was read: so no other process needs to tell of its writes, and whatever a list has of a write that is
 * being done in this moment is found out by itself, since its sum is another one. Where sums never match, because objects are older than
 * them, everything is read each time.
 */
export function readingWhole(reads: WholeReads, { now }: Pick<Clock, 'now'>) {
  const kept = new Kept();
  const underWay = new Map<string, Promise<Whole>>();

  const begin = (resource: Identity, namespace: NamespacePath, key: string): Promise<Whole> => {
    const at = now().getTime();
    const reading = reads
      .list(resource, namespace)
      .then((objects): Whole => ({ objects: Object.freeze(objects), sum: sumOf(objects), at }))
      .finally(() => {
        if (underWay.get(key) === reading) underWay.delete(key);
      });
    underWay.set(key, reading);
    return reading;
  };

  return async (resource: Identity, namespace: NamespacePath): Promise<readonly Stored[]> => {
    if (!resourceOf(resource).summed)
      throw fail('bad_request', `no sum is kept of objects of kind ${resource}; list them`);
    const key = `${resource} ${namespace}`;
    const known = kept.get(key, now().getTime() - LONGEST);
    const early = known ? undefined : underWay.get(key);
    const mine = known || early ? undefined : begin(resource, namespace, key);
    const [sum, first] = await Promise.all([
      reads.sum(resource, namespace),
      known ?? mine ?? early?.catch(() => undefined),
    ]);
    const current = (whole: Whole | undefined): whole is Whole => whole?.sum === sum;
    // A list that somebody else asks for counts, whenever that was, where its sum is the one that was read now. One is waited for.
    const late = known && !current(known) ? underWay.get(key) : undefined;
    const other = late ? await late.catch(() => undefined) : first;
    const whole = current(other) ? other : await (mine ?? begin(resource, namespace, key));
    if (current(whole)) kept.put(key, whole);
    return whole.objects;
  };
}
