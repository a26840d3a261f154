import type { ImportFinding } from '../../shared/api/messages.ts';
import { Failure, fail } from '../../shared/schema/failure.ts';
import { lineage, type NamespacePath, ObjectId } from '../../shared/schema/ids.ts';
import { IMPORT_LIMITS, type ImportError } from '../../shared/schema/import.ts';
import { type Identity, type ObjectOf, resourceOf } from '../../shared/schema/resources.ts';
import type { Deps } from '../deps.ts';
import { isShown } from '../hidden.ts';
import { absence } from './absent.ts';
import type { Piece } from './document/piece.ts';
import { objectOf } from './document/read.ts';
import { type Entry, entryOf, grouped } from './entries.ts';
import { errorsOf } from './errors.ts';
import { settle } from './legacy.ts';
import { isMeant, labelTag, nameMeant, type Shelf, shelve, takeOff } from './objects.ts';
import { Cutter, type Part, type Planned } from './parts.ts';
import { deepestFirst, GOING, labelled } from './remove.ts';

/** What is kept of an entry while all of them are sorted: its text, and what it means. */
interface Slot {
  identity: Identity;
  namespace: NamespacePath;
  piece: Piece;
  name: unknown;
  /** Value that only one object of its namespace may have. */
  unique: unknown;
  /** It has no effect any more, and means nothing of what is there. */
  leftOut: boolean;
  target?: ObjectId;
}

export interface PlanOptions {
  home: NamespacePath;
  label: string;
  pieces: readonly Piece[];
  /** What has the label and is not in the file goes. */
  removesMissing: boolean;
  store: Deps['store'];
  /** Keeps one part. */
  put: (part: Part, number: number) => Promise<void>;
}

export interface Plan {
  total: number;
  parts: number;
  errors: ImportError[];
  /** Objects of resources that do not exist here. They are in no part. */
  absent: ImportFinding[];
}

const entryAt = ({ piece }: Slot, home: NamespacePath): Entry =>
  entryOf(piece.plural, piece.index, objectOf(piece), home);

/** Reads every object once, so that what is wrong with its outer form is told with its place. */
function slotsOf({ pieces, home }: PlanOptions): Pick<Plan, 'errors' | 'absent'> & { slots: Slot[] } {
  const errors: ImportError[] = [];
  const absent: ImportFinding[] = [];
  const slots: Slot[] = [];
  const attempt = (at: string, work: () => void): void => {
    try {
      work();
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      errors.push(...errorsOf(error, at));
    }
  };
  for (const piece of pieces) {
    if (errors.length >= IMPORT_LIMITS.errors) break;
    attempt(`data.${piece.plural}[${piece.index}]`, () => {
      const object = objectOf(piece);
      const finding = absence(piece.plural, piece.index, object);
      if (finding) return void absent.push(finding);
      const entry = entryOf(piece.plural, piece.index, object, home);
      const leftOut = settle(entry).entry === undefined;
      const unique = leftOut ? undefined : resourceOf(entry.identity).unique;
      const name = nameMeant(entry);
      slots.push({
        identity: entry.identity,
        namespace: entry.namespace,
        piece,
        name,
        unique: unique === undefined ? undefined : unique === 'name' ? name : entry.fields[unique],
        leftOut,
      });
    });
  }
  return { slots, errors, absent };
}

/** Two objects of one namespace with one name where names are unique. */
function twice(group: readonly Slot[]): ImportError[] {
  const seen = new Set<string>();
  return group.flatMap(({ identity, unique, piece }) => {
    if (unique === undefined) return [];
    const key = JSON.stringify([identity, unique]);
    if (!seen.has(key)) {
      seen.add(key);
      return [];
    }
    const attribute = resourceOf(identity).unique ?? '';
    const failure = fail(
      'duplicate',
      `the import already holds a ${identity} with ${attribute} \`${unique}\`; keep one`,
      { attribute },
    );
    return errorsOf(failure, `data.${piece.plural}[${piece.index}]`);
  });
}

/** What of a namespace the entries of one kind may mean. */
async function shelfFor(
  identity: Identity,
  namespace: NamespacePath,
  slots: readonly Slot[],
  { label, store }: PlanOptions,
): Promise<Shelf> {
  const names = new Set(slots.map(({ name }) => name));
  const tag = labelTag(label);
  const found: ObjectOf<Identity>[] = [];
  let after: string | undefined;
  do {
    const page = await store.list(identity, namespace, {
      limit: 1000,
      ...(after === undefined ? {} : { after }),
    });
    for (const object of page.items) {
      const wanted = names.has(Reflect.get(object, 'name')) && isMeant(identity, object, tag);
      if (wanted && isShown(object)) found.push(object);
    }
    after = page.next;
  } while (after !== undefined);
  return shelve(found);
}

/** Finds what each entry of a namespace means, of what was there before. */
async function match(group: readonly Slot[], options: PlanOptions): Promise<void> {
  const [first] = group;
  if (!first) return;
  const tag = labelTag(options.label);
  const meaning = group.filter(({ leftOut }) => !leftOut);
  for (const [identity, slots] of Map.groupBy(meaning, slot => slot.identity)) {
    const shelf = await shelfFor(identity, first.namespace, slots, options);
    for (const slot of slots) {
      if (!shelf.get(slot.name)?.length) continue;
      const target = takeOff(shelf, entryAt(slot, options.home), tag);
      if (target) slot.target = target.ID;
    }
  }
}

/** What earlier imports with the label made and no entry means, in the order in which it goes. */
async function* goingOf(held: ReadonlySet<string>, options: PlanOptions): AsyncGenerator<Planned[]> {
  const { home, label, store } = options;
  const plannedOf = ({ target, entry }: { target: ObjectOf<Identity>; entry: Entry }): Planned => ({
    ...entry,
    target: ObjectId.parse(target.ID),
    removes: true,
  });
  const going: Planned[] = [];
  for (const identity of GOING) {
    for await (const one of labelled(identity, home, label, held, store)) going.push(plannedOf(one));
  }
  for (const [, group] of Map.groupBy(going, ({ namespace }) => namespace)) yield group;
  const namespaces = [];
  for await (const one of labelled('namespace', home, label, held, store)) namespaces.push(one);
  for (const one of deepestFirst(namespaces)) yield [plannedOf(one)];
}

function refuseSoMany(total: number): void {
  if (total <= IMPORT_LIMITS.objects) return;
  throw fail(
    'too_large',
    `it comes to more than ${IMPORT_LIMITS.objects} objects; divide it by namespaces, each with a label of its own`,
  );
}

/**
 * Puts the objects of a file, and those that are to go, into the order in which the small import takes them, finds what each
 * means of what is there, and cuts all of it into parts. With errors there is no part.
 */
export async function planned(options: PlanOptions): Promise<Plan> {
  const { home } = options;
  refuseSoMany(options.pieces.length);
  const { slots, errors, absent } = slotsOf(options);
  const groups = grouped(slots);
  errors.push(...groups.flatMap(twice));
  if (errors.length > 0)
    return { total: slots.length, parts: 0, errors: errors.slice(0, IMPORT_LIMITS.errors), absent };

  const makers = new Map<string, Planned>();
  const missing = new Set<string>();
  const held = new Set<string>();
  let parts = 0;
  let total = 0;
  const cutter = new Cutter(makers, part => options.put(part, parts++));
  for (const group of groups) {
    const namespace = group[0]?.namespace ?? home;
    // Nothing can be in a namespace that the import makes.
    if (!lineage(namespace).some(path => missing.has(path))) await match(group, options);
    const entries = group.map((slot): Planned => {
      const { target } = slot;
      if (target) held.add(target);
      return { ...entryAt(slot, home), ...(target ? { target } : {}) };
    });
    for (const [index, { name, identity }] of group.entries()) {
      const own = entries[index];
      if (identity !== 'namespace' || !own || own.target) continue;
      makers.set(String(name), own);
      missing.add(String(name));
    }
    await cutter.add(entries);
    total += entries.length;
  }
  if (options.removesMissing) {
    for await (const group of goingOf(held, options)) {
      total += group.length;
      refuseSoMany(total);
      await cutter.add(group);
    }
  }
  await cutter.end();
  return { total, parts, errors, absent };
}
