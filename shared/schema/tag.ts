import { z } from 'zod';

/** The original's ValidateTag, which also bounds the bytes. */
const TAG = /^[^= ]+=.+/su;

export const Tag = z
  .string()
  .refine(text => TAG.test(text) && Buffer.byteLength(text) < 1024, {
    error: issue =>
      `\`${String(issue.input)}\` is not a tag; write key=value, with no space or = in the key and less than 1024 bytes in all`,
  })
  .describe('`key=value`: no space and no `=` in the key, anything in the value, under 1,024 bytes in all.')
  .brand<'Tag'>();
export type Tag = z.infer<typeof Tag>;

const startsWithout = (chars: string) => (tag: string) => !chars.includes(tag[0] ?? '');

/** User tags. `$`, `@` and `+` in front are kept for the system. */
export const AssociatedTags = z
  .array(
    Tag.refine(startsWithout('$@+'), {
      error: issue => `\`${String(issue.input)}\` starts with $, @ or +, which are kept for the system`,
    }),
  )
  .default([]);

/** Create-time tags of the system: they start with `@`, and never with `@auth:`. */
export const Metadata = z
  .array(
    Tag.refine(tag => tag.startsWith('@') && !tag.startsWith('@auth:'), {
      error: issue => `\`${String(issue.input)}\` must start with @ and must not start with @auth:`,
    }),
  )
  .default([]);

/** Tags that a namespace hands to the processing units, external networks and enforcers created in it. */
export const OrganizationalMetadata = z
  .array(
    Tag.refine(tag => tag.startsWith('@org:'), {
      error: issue => `\`${String(issue.input)}\` must start with @org:`,
    }),
  )
  .default([]);

/** Outer list: or. Inner list: and. A clause may end in `*` as in `$namespace=/a/b/*`. */
export type TagExpression = Tag[][];

/** The original's `$tagsExpression`. */
export const TagExpression = z
  .array(z.array(Tag))
  .default([])
  .describe('Any tag expression, the empty one included. Outer list: or; inner list: and.');

/**
 * A selector: at least one clause, no empty clause, no tag twice in a clause, no two equal clauses
 * in any order of their tags. The rules of the release four months after the one we replace.
 */
export const Selector = z
  .array(z.array(Tag).min(1, 'a clause needs at least one tag; an empty one would select everything'))
  .min(1, "select at least one clause, such as [['app=web']]")
  .superRefine((clauses, ctx) => {
    const seen = new Map<string, number>();
    for (const [index, clause] of clauses.entries()) {
      const before = new Set<Tag>();
      const twice = clause.find(tag => before.size === before.add(tag).size);
      if (twice) {
        ctx.addIssue({
          code: 'custom',
          path: [index],
          input: twice,
          message: `\`${twice}\` stands twice in one clause; keep it once`,
        });
      }
      const key = JSON.stringify([...clause].sort());
      const first = seen.get(key);
      if (first !== undefined) {
        ctx.addIssue({
          code: 'custom',
          path: [index],
          input: clause,
          message: `clause ${index + 1} equals clause ${first + 1}; keep one of them`,
        });
      }
      seen.set(key, index);
    }
  })
  .describe(
    'At least one clause, and no empty or equal ones. Outer list: or; inner list: and. A tag may end in `*`.',
  );

/** What a `tagPrefixes` entry may be: a plain string that a tag starts with. The original checks nothing else. */
export const TagPrefix = z.string().min(1, 'an empty prefix would list every tag').max(1023);

/** Prefixes that every namespace has, whatever it says itself. Source: the vendor's own settings page, 14 entries. */
export const DEFAULT_TAG_PREFIXES: readonly string[] = [
  '$controller=',
  '$id=',
  '$identity=',
  '$image=',
  '$name=',
  '$namespace=',
  '$type=',
  '@org:cloudaccount=',
  '@org:group=',
  '@org:kubernetes=',
  '@org:tenant=',
  'app:host:type=',
  'app=',
  'externalnetwork:name=',
];
