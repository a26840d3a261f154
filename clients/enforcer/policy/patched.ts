/** Changes after which everything is copied, so that look-ups stay what they are. */
const MOST = 2000;

/** A large map that many share. */
interface Base<K, V> extends Iterable<[K, V]> {
  readonly size: number;
  get(key: K): V | undefined;
  has(key: K): boolean;
  /** Keys that have one of these values, where that is sooner told than by looking at all entries. */
  keysOf?(values: ReadonlySet<V>): Iterable<K>;
}

type Build<K, V> = (entries: Iterable<[K, V]>) => Base<K, V>;

/**
 * A map that differs from a large one in a few keys, and shares the large one: 100,000 entries are not copied for each
 * change of one. Nothing changes in either of them.
 */
export class Patched<K, V> implements Iterable<[K, V]> {
  readonly #base: Base<K, V>;
  readonly #build: Build<K, V>;
  /** Key → value, or gone. */
  readonly #patch: ReadonlyMap<K, V | undefined>;
  readonly size: number;

  private constructor(base: Base<K, V>, patch: ReadonlyMap<K, V | undefined>, build: Build<K, V>) {
    this.#base = base;
    this.#patch = patch;
    this.#build = build;
    let size = base.size;
    for (const [key, value] of patch) size += Number(value !== undefined) - Number(base.has(key));
    this.size = size;
  }

  /** `build` makes the large map. */
  static of<K, V>(base: Base<K, V>, build: Build<K, V> = entries => new Map(entries)): Patched<K, V> {
    return new Patched(base, new Map(), build);
  }

  /** The same but for these keys. */
  with(changes: ReadonlyMap<K, V | undefined>): Patched<K, V> {
    const patch = new Map([...this.#patch, ...changes]);
    const patched = new Patched(this.#base, patch, this.#build);
    return patch.size > MOST ? Patched.of(this.#build(patched), this.#build) : patched;
  }

  get(key: K): V | undefined {
    return this.#patch.has(key) ? this.#patch.get(key) : this.#base.get(key);
  }

  has(key: K): boolean {
    return this.get(key) !== undefined;
  }

  *keysOf(values: ReadonlySet<V>): Generator<K> {
    for (const key of keysOf(this.#base, values)) if (!this.#patch.has(key)) yield key;
    for (const [key, value] of this.#patch) if (value !== undefined && values.has(value)) yield key;
  }

  *keys(): Generator<K> {
    for (const [key] of this) yield key;
  }

  *[Symbol.iterator](): Generator<[K, V]> {
    for (const entry of this.#base) if (!this.#patch.has(entry[0])) yield entry;
    for (const [key, value] of this.#patch) if (value !== undefined) yield [key, value];
  }
}

/** Keys that have one of these values. */
export function* keysOf<K, V>(
  map: Iterable<readonly [K, V]> & Pick<Base<K, V>, 'keysOf'>,
  values: ReadonlySet<V>,
): Generator<K> {
  if (map.keysOf) yield* map.keysOf(values);
  else for (const [key, value] of map) if (values.has(value)) yield key;
}
