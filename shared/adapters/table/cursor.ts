import { z } from 'zod';
import { fail } from '../../schema/failure.ts';
import { isWithin, NamespacePath, ObjectId, Timestamp } from '../../schema/ids.ts';

/**
 * Where a page ended, as the caller holds it. A cursor carries only the last part of a key that the caller has already
 * been shown; the rest is built from the query it comes back with, so that a forged one reaches nothing else.
 */
const cursor = <T>(schema: z.ZodType<T>, belongs: (place: T, namespace: NamespacePath) => boolean) => ({
  write: (place: T): string => Buffer.from(JSON.stringify(place)).toString('base64url'),
  read: (text: string, namespace: NamespacePath): T => {
    const place = schema.safeParse(json(Buffer.from(text, 'base64url').toString()));
    if (place.success && belongs(place.data, namespace)) return place.data;
    throw fail(
      'bad_request',
      `\`${text.slice(0, 80)}\` is no cursor of this list; take it from the answer before, unchanged`,
      { attribute: 'after' },
    );
  },
});

const json = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

export const listCursor = cursor(z.tuple([ObjectId]), () => true);
export const treeCursor = cursor(z.tuple([NamespacePath, ObjectId]), ([path], namespace) =>
  isWithin(path, namespace),
);
export const activityCursor = cursor(z.tuple([Timestamp, ObjectId]), () => true);
export const flowCursor = cursor(z.tuple([Timestamp, ObjectId]), () => true);
