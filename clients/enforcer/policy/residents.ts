import { AddressTable } from './address-table.ts';
import { singleAddress } from './addresses.ts';
import type { Family } from './territories.ts';

const union = (lists: readonly (readonly number[])[]): number[] =>
  [...new Set(lists.flat())].sort((a, b) => a - b);

/** Nobody whom a rule asks for. */
const NOBODY = 0;
/** Addresses that were given up are remembered as nobody's until they are that many more than the others. */
const MANY = 1000;

/** A peer, or a DNS name of an external network: whatever rules may ask for at some addresses. */
interface Resident {
  readonly addresses: readonly string[];
}

/**
 * What rules may ask for at an address: clauses, ascending. Several names may lead to one, and a name to a peer's; more
 * than one peer is there only while a tenant is in motion.
 */
export class Residents<R extends Resident> {
  readonly #clausesOf: (resident: R) => readonly number[];
  readonly #kinds = new Map<string, number>([['', NOBODY]]);
  readonly #lists: (readonly number[])[] = [[]];
  #at = new AddressTable();
  #count = 0;
  /** Kinds at addresses that several have. */
  readonly #shared = new Map<string, number[]>();

  constructor(clausesOf: (resident: R) => readonly number[]) {
    this.#clausesOf = clausesOf;
  }

  /** Takes some out and in, and tells the addresses at which something changed. */
  change({ gone, come }: { gone: Iterable<R>; come: Iterable<R> }): Set<string> {
    const touched = new Set<string>();
    for (const resident of gone)
      this.#each(resident, (text, kind) => {
        touched.add(text);
        this.#remove(text, kind);
      });
    for (const resident of come)
      this.#each(resident, (text, kind) => {
        touched.add(text);
        this.#add(text, kind);
      });
    if (this.#at.size > 2 * this.#count + MANY) this.#at = new AddressTable(this.#living());
    return touched;
  }

  /** The first of all, none of which is told. */
  fill(residents: Iterable<R>): void {
    for (const resident of residents) this.#each(resident, (text, kind) => this.#add(text, kind));
  }

  /**
   * Goes on from those of an earlier policy, whose clauses have other numbers here, or none where nothing asks for them any
   * more. The earlier ones are of no use then.
   */
  takeOver(earlier: Residents<R>, numberOf: (clause: number) => number | undefined): void {
    const used = new Set([...earlier.#at.values(), ...[...earlier.#shared.values()].flat()]);
    const kinds = earlier.#lists.map((list, kind) => {
      if (!used.has(kind)) return NOBODY;
      return this.#kindOf(list.flatMap(clause => numberOf(clause) ?? []).sort((a, b) => a - b));
    });
    this.#at = earlier.#at;
    this.#count = 0;
    this.#at.replace(before => {
      const kind = kinds[before] ?? NOBODY;
      this.#count += Number(kind !== NOBODY);
      return kind;
    });
    for (const [text, list] of earlier.#shared)
      this.#share(
        text,
        list.map(kind => kinds[kind] ?? NOBODY).filter(kind => kind !== NOBODY),
      );
  }

  at(address: string): readonly number[] {
    return this.clauses(this.kindAt(address));
  }

  /** A number for what is at the address: the same for the same clauses, as long as this lives. */
  kindAt(address: string): number {
    return this.#at.get(address) ?? NOBODY;
  }

  clauses(kind: number): readonly number[] {
    return this.#lists[kind] ?? [];
  }

  /** Every address of a family where something is asked for → what `by` makes of its kind. */
  mapped(family: Family, by: (kind: number, address: () => string) => number | undefined): AddressTable {
    return this.#at.mapped(family, (kind, address) => (kind === NOBODY ? undefined : by(kind, address)));
  }

  *addresses(): Generator<string> {
    for (const [address] of this.#living()) yield address;
  }

  *#living(): Generator<[string, number]> {
    for (const entry of this.#at) if (entry[1] !== NOBODY) yield entry;
  }

  #each(resident: R, use: (text: string, kind: number) => void): void {
    const kind = this.#kindOf(this.#clausesOf(resident));
    if (kind === NOBODY) return;
    for (const address of resident.addresses) {
      const text = singleAddress(address)?.text;
      if (text !== undefined) use(text, kind);
    }
  }

  #kindOf(clauses: readonly number[]): number {
    const key = clauses.join();
    const known = this.#kinds.get(key);
    if (known !== undefined) return known;
    const kind = this.#lists.push(clauses) - 1;
    this.#kinds.set(key, kind);
    return kind;
  }

  #put(text: string, kind: number): void {
    const before = this.#at.get(text) ?? NOBODY;
    this.#count += Number(kind !== NOBODY) - Number(before !== NOBODY);
    this.#at.set(text, kind);
  }

  #add(text: string, kind: number): void {
    const before = this.#at.get(text) ?? NOBODY;
    if (before === NOBODY) this.#put(text, kind);
    else this.#share(text, [...(this.#shared.get(text) ?? [before]), kind]);
  }

  #remove(text: string, kind: number): void {
    const kinds = [...(this.#shared.get(text) ?? [kind])];
    kinds.splice(kinds.indexOf(kind), 1);
    this.#share(text, kinds);
  }

  #share(text: string, kinds: number[]): void {
    if (kinds.length > 1) this.#shared.set(text, kinds);
    else this.#shared.delete(text);
    this.#put(text, this.#kindOf(union(kinds.map(kind => this.#lists[kind] ?? []))));
  }
}
