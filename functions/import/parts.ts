import { z } from 'zod';
import type { Bucket } from '../../shared/ports/bucket.ts';
import { fail } from '../../shared/schema/failure.ts';
import { lineage, NamespacePath, ObjectId } from '../../shared/schema/ids.ts';
import type { ImportRun } from '../../shared/schema/import.ts';
import { everyIdentity, type Identity } from '../../shared/schema/resources.ts';

const Said = {
  identity: z.enum(everyIdentity as [Identity, ...Identity[]]),
  at: z.string(),
  namespace: NamespacePath,
  fields: z.record(z.string(), z.unknown()),
};

/** What is to be done about one object: the entry of the file, and what it means of what was there before. */
export const Planned = z.object({
  ...Said,
  /** The object that it changes or leaves as it is; absent: it makes one. */
  target: ObjectId.optional(),
  /** The target goes. */
  removes: z.literal(true).optional(),
});
export type Planned = z.infer<typeof Planned>;

/** Objects that one call looks at or applies, in order. */
export const Part = z.object({
  /** Entries of parts before this one that make the namespaces which this one's objects are to live in. */
  above: z.array(Planned),
  entries: z.array(Planned),
});
export type Part = z.infer<typeof Part>;

/** Entries and characters of a part. */
const MOST = 200;
const LARGEST = 4 * 1024 * 1024;
/** Entries and characters of a namespace that may fit one transaction: no part ends within it. */
const TOGETHER = { entries: 50, length: 2 * 1024 * 1024 };

/** Puts groups, one behind the other, into parts. */
export class Cutter {
  readonly #done: (part: Part) => Promise<void>;
  readonly #makers: ReadonlyMap<string, Planned>;
  #entries: Planned[] = [];
  #length = 0;

  /** `makers`: entries that make namespaces, by path. */
  constructor(makers: ReadonlyMap<string, Planned>, done: (part: Part) => Promise<void>) {
    this.#makers = makers;
    this.#done = done;
  }

  /** What lives in one namespace. */
  async add(group: readonly Planned[]): Promise<void> {
    const lengths = group.map(({ fields }) => JSON.stringify(fields).length);
    const length = lengths.reduce((sum, each) => sum + each, 0);
    if (group.length <= TOGETHER.entries && length <= TOGETHER.length) {
      await this.#room(group.length, length);
      this.#entries.push(...group);
      this.#length += length;
      return;
    }
    for (const [index, entry] of group.entries()) {
      await this.#room(1, lengths[index] ?? 0);
      this.#entries.push(entry);
      this.#length += lengths[index] ?? 0;
    }
  }

  async end(): Promise<void> {
    if (this.#entries.length > 0) await this.#done({ above: this.#above(), entries: this.#entries });
    this.#entries = [];
    this.#length = 0;
  }

  async #room(entries: number, length: number): Promise<void> {
    if (this.#entries.length + entries > MOST || this.#length + length > LARGEST) await this.end();
  }

  #above(): Planned[] {
    const own = new Set(this.#entries.map(({ at }) => at));
    const paths = new Set(this.#entries.flatMap(({ namespace }) => lineage(namespace)));
    return [...paths]
      .sort((a, b) => a.length - b.length)
      .flatMap(path => this.#makers.get(path) ?? [])
      .filter(({ at }) => !own.has(at));
  }
}

/** Entries that follow one another and go together: those of one namespace. A namespace that is removed goes alone. */
export function stretches(entries: readonly Planned[]): Planned[][] {
  const all: Planned[][] = [];
  for (const entry of entries) {
    const last = all.at(-1)?.at(-1);
    const alone = entry.removes && entry.identity === 'namespace';
    const joins = last && !alone && last.namespace === entry.namespace && last.removes === entry.removes;
    if (joins && !(last.removes && last.identity === 'namespace')) all.at(-1)?.push(entry);
    else all.push([entry]);
  }
  return all;
}

type Place = Pick<ImportRun, 'ID' | 'plan'>;

const keyOf = ({ ID, plan }: Place, number: number): string =>
  `imports/${ID}/${plan}/${String(number).padStart(6, '0')}`;

export async function putPart(bucket: Bucket, place: Place, number: number, part: Part): Promise<void> {
  const body = Buffer.from(JSON.stringify(part));
  await bucket.put(keyOf(place, number), body, { contentType: 'application/json' });
}

export async function getPart(bucket: Bucket, place: Place, number: number): Promise<Part> {
  const found = await bucket.get(keyOf(place, number));
  if (found.found && found.modified) return Part.parse(JSON.parse(Buffer.from(found.body).toString('utf8')));
  throw fail(
    'not_found',
    `part ${number} of import ${place.ID} is gone: imports are kept for some days only`,
  );
}
