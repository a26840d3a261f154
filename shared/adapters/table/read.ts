import { z } from 'zod';
import type { Activity, Stored } from '../../ports/object-store.ts';
import { NamespacePath, ObjectId, Timestamp } from '../../schema/ids.ts';
import { type Identity, identities, resourceOf } from '../../schema/resources.ts';

export const IdentityName = z.enum(identities as [Identity, ...Identity[]]);

const ActivityItem = z.object({
  id: ObjectId,
  namespace: NamespacePath,
  date: Timestamp,
  operation: z.enum(['create', 'update', 'delete']),
  targetIdentity: IdentityName,
  targetID: ObjectId,
  claims: z.array(z.string()),
  requestID: z.string(),
  before: z.unknown().optional(),
  after: z.unknown().optional(),
});

/** An object from its item. What does not fit the schema is a damaged or foreign item: it is named and not passed on. */
export function readObject<I extends Identity>(resource: I, text: string | undefined, at: string): Stored<I> {
  const parsed = resourceOf(resource).stored.safeParse(JSON.parse(text ?? 'null'));
  if (parsed.success) return parsed.data as Stored<I>;
  throw new Error(`item ${at} is no ${resource}: ${z.prettifyError(parsed.error)}`);
}

export function readActivity(text: string | undefined, at: string): Activity {
  const parsed = ActivityItem.safeParse(JSON.parse(text ?? 'null'));
  if (parsed.success) return parsed.data;
  throw new Error(`item ${at} is no activity: ${z.prettifyError(parsed.error)}`);
}

/** `networkrulesetpolicy#…` → `networkrulesetpolicy`; undefined for guards, pointers and everything else. */
export const identityOfSk = (sk: string): Identity | undefined => {
  const parsed = IdentityName.safeParse(sk.slice(0, Math.max(0, sk.indexOf('#'))));
  return parsed.success ? parsed.data : undefined;
};
