import type { Tag } from '../schema/tag.ts';
import { NumberLists } from './number-lists.ts';
import { clauseKey, isWildcard, tagKey, wildcardPrefix } from './tags.ts';

/** All objects that satisfy the same clauses. */
export interface TagClass {
  /** Never given twice by one table. */
  id: number;
  /** Clauses that its members satisfy. Ascending. */
  clauses: readonly number[];
}

/** Classes by their atoms, in ascending order: one step an atom. */
interface Step {
  reached: TagClass | undefined;
  next: Map<number, Step> | undefined;
}

const start = (): Step => ({ reached: undefined, next: undefined });

/** Classes kept at a time. */
const KEPT_CLASSES = 65_536;

/** Wildcards of one key, by the length of what is before the `*`: prefix → atom. */
type Prefixes = Map<number, Map<string, number>>;

function stepTo(step: Step, atom: number): Step {
  step.next ??= new Map();
  let next = step.next.get(atom);
  if (!next) {
    next = start();
    step.next.set(atom, next);
  }
  return next;
}

/** Keeps a short list ascending, each value once. */
function insert(list: number[], value: number): void {
  let at = list.length;
  while (at > 0 && (list[at - 1] ?? 0) > value) at--;
  if (at > 0 && list[at - 1] === value) return;
  if (at === list.length) list.push(value);
  else list.splice(at, 0, value);
}

/**
 * The distinct clauses of a policy, and which of them a set of tags satisfies. Tags that no clause speaks of don't
 * tell objects apart, so that thousands of processing units fall into few classes, and what is decided for one is
 * decided for its class.
 */
export class ClauseTable {
  /** Clause tags, each once: an atom. */
  readonly #atoms = new Map<string, number>();
  readonly #tags: Tag[] = [];
  readonly #prefixes = new Map<string, Prefixes>();
  /** Until the first class is asked for: by clause its atoms, and the numbers of clauses by their text. */
  #building: { clauses: number[][]; ids: Map<string, number> } | undefined = { clauses: [], ids: new Map() };
  /** From then on. Clause → atoms; atom → clauses of which it is the rarest. */
  #built: { clauses: NumberLists; byRarest: NumberLists } | undefined;
  #marks = new Uint8Array(0);
  #classes = start();
  #kept = 0;
  #nextClass = 0;

  /** The clause's number; equal clauses have the same, whatever the order of their tags. */
  add(clause: readonly Tag[]): number {
    const { clauses, ids } = this.#open();
    const key = clauseKey(clause);
    const known = ids.get(key);
    if (known !== undefined) return known;
    const id = clauses.push(clause.map(tag => this.#atom(tag))) - 1;
    ids.set(key, id);
    return id;
  }

  tagsOf(clause: number): readonly Tag[] {
    const atoms = this.#building ? (this.#building.clauses[clause] ?? []) : this.#closed().clauses.at(clause);
    return Array.from(atoms, atom => this.#tags[atom] ?? ('' as Tag));
  }

  /** Forgets classes: they are found again when somebody asks, under other numbers. */
  rest(): void {
    this.#classes = start();
    this.#kept = 0;
  }

  /** The class of everything that carries these tags. */
  classOf(tags: readonly Tag[]): TagClass {
    const atoms = this.#atomsOf(tags);
    let step = this.#classes;
    for (const atom of atoms) step = stepTo(step, atom);
    if (step.reached) return step.reached;
    const made = { id: this.#nextClass++, clauses: this.#satisfied(atoms) };
    step.reached = made;
    if (++this.#kept >= KEPT_CLASSES) {
      this.#classes = start();
      this.#kept = 0;
    }
    return made;
  }

  /** To add clauses to. */
  #open(): { clauses: number[][]; ids: Map<string, number> } {
    if (this.#building) return this.#building;
    const { clauses } = this.#closed();
    const lists = Array.from({ length: clauses.size }, (_, clause) => [...clauses.at(clause)]);
    const ids = new Map(lists.map((_, clause) => [clauseKey(this.tagsOf(clause)), clause]));
    this.#building = { clauses: lists, ids };
    this.#built = undefined;
    this.rest();
    return this.#building;
  }

  /** To find classes by. */
  #closed(): { clauses: NumberLists; byRarest: NumberLists } {
    if (this.#built) return this.#built;
    const lists = this.#building?.clauses ?? [];
    this.#built = { clauses: NumberLists.from(lists), byRarest: this.#rarest(lists) };
    this.#building = undefined;
    return this.#built;
  }

  #atom(tag: Tag): number {
    const known = this.#atoms.get(tag);
    if (known !== undefined) return known;
    const id = this.#tags.push(tag) - 1;
    this.#atoms.set(tag, id);
    if (isWildcard(tag)) {
      const prefix = wildcardPrefix(tag);
      const key = tagKey(prefix);
      const lengths: Prefixes = this.#prefixes.get(key) ?? new Map();
      const prefixes = lengths.get(prefix.length) ?? new Map<string, number>();
      this.#prefixes.set(key, lengths.set(prefix.length, prefixes.set(prefix, id)));
    }
    return id;
  }

  /** Ascending, each once. */
  #atomsOf(tags: readonly Tag[]): number[] {
    const found: number[] = [];
    for (const tag of tags) {
      const exact = this.#atoms.get(tag);
      if (exact !== undefined) insert(found, exact);
      if (this.#prefixes.size === 0) continue;
      for (const [length, prefixes] of this.#prefixes.get(tagKey(tag)) ?? []) {
        const atom = tag.length < length ? undefined : prefixes.get(tag.slice(0, length));
        if (atom !== undefined) insert(found, atom);
      }
    }
    return found;
  }

  #satisfied(atoms: readonly number[]): number[] {
    const { clauses, byRarest } = this.#closed();
    for (const atom of atoms) this.#marks[atom] = 1;
    const found: number[] = [];
    for (const atom of atoms)
      for (const clause of byRarest.at(atom))
        if (clauses.at(clause).every(one => this.#marks[one] === 1)) found.push(clause);
    for (const atom of atoms) this.#marks[atom] = 0;
    // A copy: lists that grew have room for more, many times what is in most of them.
    return found.sort((a, b) => a - b).slice();
  }

  #rarest(clauses: readonly (readonly number[])[]): NumberLists {
    this.#marks = new Uint8Array(this.#tags.length);
    const uses = new Uint32Array(this.#tags.length);
    for (const atoms of clauses) for (const atom of atoms) uses[atom] = (uses[atom] ?? 0) + 1;
    return NumberLists.of(
      clauses.map(atoms =>
        atoms.length === 0 ? [] : [atoms.reduce((a, b) => ((uses[b] ?? 0) < (uses[a] ?? 0) ? b : a))],
      ),
    );
  }
}
