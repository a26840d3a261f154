import { z } from 'zod';

export const ObjectId = z
  .string()
  .regex(/^[0-9a-f]{24}$/, 'must be 24 lower-case hex characters')
  .describe('Ordered by time: 12 hex digits of milliseconds since the epoch, 12 of chance.')
  .brand<'ObjectId'>();
export type ObjectId = z.infer<typeof ObjectId>;

/** Longest path, in characters: a sort key of the store holds 1,024 bytes, and the longest adds `unique#namespace#`. */
export const LONGEST_PATH = 990;

export const NamespacePath = z
  .string()
  .regex(/^(\/|(\/[a-zA-Z0-9-_]+)+)$/, 'must be `/` or a path such as `/tenant/account/group`')
  .max(LONGEST_PATH)
  .describe('Full path of a namespace, `/tenant/account/group`; `/` is the root.')
  .brand<'NamespacePath'>();
export type NamespacePath = z.infer<typeof NamespacePath>;

export const ROOT = NamespacePath.parse('/');

export const Timestamp = z.iso
  .datetime({ precision: 3 })
  .describe('RFC 3339 in UTC with milliseconds, `2026-11-25T10:00:00.000Z`.');

export const childPath = (parent: NamespacePath, name: string): NamespacePath =>
  NamespacePath.parse(parent === '/' ? `/${name}` : `${parent}/${name}`);

/** The parent of `/` is `/`: the root object lives in itself. */
export const parentPath = (path: NamespacePath): NamespacePath =>
  path.lastIndexOf('/') <= 0 ? ROOT : (path.slice(0, path.lastIndexOf('/')) as NamespacePath);

/** The last segment; empty for the root. */
export const shortName = (path: NamespacePath): string => path.slice(path.lastIndexOf('/') + 1);

/** Root first, the namespace itself last: `/`, `/a`, `/a/b`. */
export const lineage = (path: NamespacePath): NamespacePath[] =>
  path === ROOT ? [ROOT] : [...lineage(parentPath(path)), path];

/** True for the namespace itself and for everything below it. */
export const isWithin = (path: string, ancestor: string): boolean =>
  ancestor === '/' || path === ancestor || path.startsWith(`${ancestor}/`);

/** The first segment as a path, `/tenant`; the root for the root. The unit of isolation in every port. */
export const tenantOf = (path: NamespacePath): NamespacePath => {
  const second = path.indexOf('/', 1);
  return second < 0 ? path : (path.slice(0, second) as NamespacePath);
};
