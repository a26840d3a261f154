import { AddressTable } from './address-table.ts';
import type { Elements } from './model.ts';
import { numberIn, textOf } from './numbers.ts';
import { Patched } from './patched.ts';

/** Address → class, in little memory. Nothing changes in it. */
export class ClassMap implements Elements {
  readonly #patched: Patched<string, number>;

  private constructor(patched: Patched<string, number>) {
    this.#patched = patched;
  }

  /** `table` is nobody else's from now on. */
  static around(table: AddressTable): ClassMap {
    return new ClassMap(Patched.of(table, entries => new AddressTable(entries)));
  }

  /** The same but for these addresses. */
  with(changes: ReadonlyMap<string, string | undefined>): ClassMap {
    const plain = [...changes].map(
      ([address, number]) => [address, number === undefined ? undefined : numberIn(number)] as const,
    );
    return new ClassMap(this.#patched.with(new Map(plain)));
  }

  get size(): number {
    return this.#patched.size;
  }

  get(address: string): string | undefined {
    const value = this.#patched.get(address);
    return value === undefined ? undefined : textOf(value);
  }

  has(address: string): boolean {
    return this.#patched.has(address);
  }

  keysOf(numbers: ReadonlySet<string>): Iterable<string> {
    return this.#patched.keysOf(new Set([...numbers].map(numberIn)));
  }

  keys(): Iterable<string> {
    return this.#patched.keys();
  }

  *[Symbol.iterator](): Generator<[string, string]> {
    for (const [address, value] of this.#patched) yield [address, textOf(value)];
  }
}
