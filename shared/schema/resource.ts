import { z } from 'zod';
import { NamespacePath, ObjectId, Timestamp } from './ids.ts';
import { AssociatedTags, Metadata, Tag } from './tag.ts';

/** A finding of a rule that looks at more than one attribute. `path` starts with the attribute's name. */
export interface RuleIssue {
  path: (string | number)[];
  message: string;
  input?: unknown;
}

/** Attributes that every stored object has and nobody writes. */
export const identified = {
  ID: ObjectId.describe('Made by the server; IDs of later objects are greater.'),
  namespace: NamespacePath.describe('Where it lives.'),
  createTime: Timestamp.describe('When it was made.'),
  updateTime: Timestamp.describe('When it was last changed; a PUT carries the one that was read.'),
  normalizedTags: z.array(Tag).describe('All its tags: the system’s, its metadata and `associatedTags`.'),
};

/** Attributes of everything that can be tagged, described and protected. */
export const tagged = {
  associatedTags: AssociatedTags.describe(
    'Tags of the user; `$`, `@` and `+` in front are kept for the system.',
  ),
  annotations: z
    .record(z.string(), z.array(z.string()))
    .default({})
    .describe('Notes of the user, which mean nothing here.'),
  protected: z
    .boolean()
    .default(false)
    .describe('It is neither changed nor deleted, unless `override` says so.'),
};

export const Name = z
  .string()
  .min(1, 'must not be empty')
  .max(256)
  .describe('Name for people; need not be unique.');
export const Description = z.string().max(1024).default('').describe('For people.');

/** Flags that many nouns have. */
export const Propagate = z.boolean().default(false).describe('Counts in the namespaces below too.');
export const Disabled = z.boolean().default(false).describe('Has no effect while it is set.');
export const Fallback = z
  .boolean()
  .default(false)
  .describe('Counts only where none without this flag applies.');
export const Archived = z.boolean().default(false).describe('Kept for clients of the original.');

type Shape = z.core.$ZodShape;

/** What a noun's file states. The three shapes say who may write an attribute, and when. */
interface Definition<RO extends Shape, CO extends Shape, W extends Shape> {
  /** Singular, as in `$identity=…` and in exports: `externalnetwork`. */
  identity: string;
  /** Resource name: path segment and data key of exports: `externalnetworks`. */
  plural: string;
  /** Other names under which a caller may mean it. */
  aliases: readonly string[];
  /** Which Lambda function serves it: one per noun group. */
  group: string;
  /** One sentence for OpenAPI and the command line. */
  summary: string;
  readOnly: RO;
  createOnly: CO;
  writable: W;
  /** Rules over several attributes, on a value that already has the right shape. */
  rules?: (value: z.infer<z.ZodObject<CO & W>>) => RuleIssue[];
  /** The attribute that must be unique in a namespace, where there is one. */
  unique?: keyof (RO & CO & W) & string;
  /** Attribute that lists are ordered by when the caller names none. */
  defaultOrder?: string;
  /** Attributes by whose value an object is found across namespaces (index `ref`), beside its ID. */
  refs?: readonly (keyof (RO & CO & W) & string)[];
  /** The same of lists: by each of their elements, of which there are at most MOST_ELEMENTS. */
  elementRefs?: readonly (keyof (RO & CO & W) & string)[];
  /** The same of texts that follow from the object: name of the look-up → what it finds the object by. */
  foundBy?: Readonly<Record<string, (object: z.infer<z.ZodObject<CO & W>>) => readonly string[]>>;
  /**
   * When somebody has to look at an object, whatever its tenant: RFC 3339 UTC, or never. The coarser it is, the fewer writes
   * move it in the index (`due`).
   */
  due?: (object: z.infer<z.ZodObject<RO & CO & W & typeof tagged>>) => string | undefined;
  /** True when requests need all objects of a namespace: the store keeps a sum of them, and reads them when it is another one (`all`). */
  summed?: boolean;
  /** True when objects take their namespace's organizational metadata at creation. */
  inheritsOrganization?: boolean;
  /** Attributes that are never stored as sent and never returned by get or list. */
  secrets?: readonly string[];
  older?: Older;
  /** Attributes that only imports fill: the API leaves them as they are, or empties them. */
  imported?: readonly string[];
}

/** Attributes that only older releases had, and what to write instead of them. */
export interface Older {
  attributes: readonly string[];
  /** Whether a value says anything that counts; absent: every value that is not empty does. */
  says?(value: unknown): boolean;
  instead(fields: Readonly<Record<string, unknown>>): string;
}

const identifiedAndMetadata = {
  metadata: Metadata.describe('Tags of the system that it is created with, each beginning with `@`.'),
};

/** Elements of a list by which an object is found: each is an item of the transaction that changes them. */
export const MOST_ELEMENTS = 32;

/** Derives what a noun needs: what is stored, what a create may say, what an update may say. */
export function resource<RO extends Shape, CO extends Shape, W extends Shape>(def: Definition<RO, CO, W>) {
  const createOnly = { ...identifiedAndMetadata, ...def.createOnly };
  const readOnly = { ...identified, ...def.readOnly };
  const writable = { ...tagged, ...def.writable };
  return {
    ...def,
    readOnly,
    createOnly,
    writable,
    /** The object as stored and returned. */
    stored: z.strictObject({ ...readOnly, ...createOnly, ...writable }),
    /** What a create may send; defaults filled in. `rules` run after it. */
    input: z.strictObject({ ...createOnly, ...writable }),
  };
}

/** Any resource, with its shapes forgotten: what generic code (CRUD, stores, OpenAPI, CLI) reads. */
export interface AnyResource {
  identity: string;
  plural: string;
  aliases: readonly string[];
  group: string;
  summary: string;
  readOnly: Shape;
  createOnly: Shape;
  writable: Shape;
  stored: z.ZodObject;
  input: z.ZodObject;
  // biome-ignore lint/suspicious/noExplicitAny: each noun's rules take its own type; generic code passes what `input` parsed
  rules?: (value: any) => RuleIssue[];
  unique?: string;
  defaultOrder?: string;
  refs?: readonly string[];
  elementRefs?: readonly string[];
  // biome-ignore lint/suspicious/noExplicitAny: each noun's look-ups take its own type; generic code passes what is stored
  foundBy?: Readonly<Record<string, (object: any) => readonly string[]>>;
  // biome-ignore lint/suspicious/noExplicitAny: each noun's moment is of its own type; generic code passes what is stored
  due?: (object: any) => string | undefined;
  summed?: boolean;
  inheritsOrganization?: boolean;
  secrets?: readonly string[];
  older?: Older;
  imported?: readonly string[];
}

/** A look-up that finds an object, and by what. */
export interface Ref {
  attribute: string;
  value: string;
}

/** By what an object is found of which there may be several: elements of lists and what follows from it, each once. */
export const elementsOf = ({ elementRefs = [], foundBy = {} }: AnyResource, object: object): Ref[] =>
  [
    ...elementRefs.map((name): [string, readonly string[]] => [name, Reflect.get(object, name)]),
    ...Object.entries(foundBy).map(([name, of]): [string, readonly string[]] => [name, of(object)]),
  ].flatMap(([attribute, values]) => [...new Set(values)].map(value => ({ attribute, value })));
