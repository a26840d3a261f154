import { z } from 'zod';
import type { Activity, Answered, Stored } from '../../ports/object-store.ts';
import { NamespacePath, ObjectId, Timestamp } from '../../schema/ids.ts';
import { everyIdentity, type Identity, resourceOf } from '../../schema/resources.ts';

export const IdentityName = z.enum(everyIdentity as [Identity, ...Identity[]]);

const ActivityItem = z.object({
  id: ObjectId,
  namespace: NamespacePath,
  date: Timestamp,
  operation: z.enum(['create', 'update', 'delete']),
  targetIdentity: z.string(),
  targetID: ObjectId.exactOptional(),
  claims: z.array(z.string()),
  source: z.string().exactOptional(),
  requestID: z.string(),
  before: z.unknown().optional(),
  after: z.unknown().optional(),
  error: z.array(z.object({ code: z.int(), title: z.string(), description: z.string() })).exactOptional(),
  count: z.int().exactOptional(),
});

/** An object from its item. What does not fit the schema is a damaged or foreign item: it is named and not passed on. */
export function readObject<I extends Identity>(resource: I, text: string | undefined, at: string): Stored<I> {
  const known = text === undefined ? undefined : read.get(resource, text);
  if (known) return known as Stored<I>;
  const parsed = resourceOf(resource).stored.safeParse(JSON.parse(text ?? 'null'));
  if (!parsed.success) throw new Error(`item ${at} is no ${resource}: ${z.prettifyError(parsed.error)}`);
  const object = frozen(parsed.data) as Stored<I>;
  if (text !== undefined) read.set(resource, text, object);
  return object;
}

/** Nobody may change what others are given too. */
function frozen<T>(value: T): T {
  if (value === null || typeof value !== 'object' || Object.isFrozen(value)) return value;
  for (const part of Object.values(value)) frozen(part);
  return Object.freeze(value);
}

/** Characters of texts that are kept, in each of two generations. */
const KEPT = 8 * 1024 * 1024;

/**
 * Objects by the very text that they were read from, so that what is read on every request (credentials, namespaces,
 * authorizations) is validated once. Equal texts are equal objects: there is nothing to invalidate.
 */
class ReadTexts {
  #young = new Map<string, unknown>();
  #old = new Map<string, unknown>();
  #size = 0;

  get(resource: Identity, text: string): unknown {
    const key = `${resource} ${text}`;
    const young = this.#young.get(key);
    if (young !== undefined) return young;
    const old = this.#old.get(key);
    if (old !== undefined) this.#keep(key, old);
    return old;
  }

  set(resource: Identity, text: string, object: unknown): void {
    this.#keep(`${resource} ${text}`, object);
  }

  #keep(key: string, object: unknown): void {
    if (this.#size + key.length > KEPT) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#size = 0;
    }
    this.#young.set(key, object);
    this.#size += key.length;
  }
}

const read = new ReadTexts();

export function readActivity(text: string | undefined, at: string): Activity {
  const parsed = ActivityItem.safeParse(JSON.parse(text ?? 'null'));
  if (parsed.success) return parsed.data;
  throw new Error(`item ${at} is no activity: ${z.prettifyError(parsed.error)}`);
}

const AnswerItem = z.object({
  tenant: NamespacePath,
  key: z.string(),
  request: z.string(),
  body: z.unknown(),
  messages: z.array(z.string()),
  date: Timestamp,
});

export function readAnswer(text: string | undefined, at: string): Answered {
  const parsed = AnswerItem.safeParse(JSON.parse(text ?? 'null'));
  if (parsed.success) return parsed.data;
  throw new Error(`item ${at} is no answer: ${z.prettifyError(parsed.error)}`);
}

/** `networkrulesetpolicy#…` → `networkrulesetpolicy`; undefined for guards, pointers and everything else. */
export const identityOfSk = (sk: string): Identity | undefined => {
  const parsed = IdentityName.safeParse(sk.slice(0, Math.max(0, sk.indexOf('#'))));
  return parsed.success ? parsed.data : undefined;
};
