import { fail } from '../schema/failure.ts';
import {
  childPath,
  LONGEST_PATH,
  type NamespacePath,
  type ObjectId,
  ROOT,
  shortName,
} from '../schema/ids.ts';
import type { Namespace } from '../schema/namespace.ts';
import type { ProcessingUnit } from '../schema/processingunit.ts';
import { type Identity, type InputOf, type ObjectOf, resourceOf } from '../schema/resources.ts';
import { Tag } from '../schema/tag.ts';

export { newObjectId } from './object-id.ts';

/** Where and when an object comes into being. */
export interface Birth {
  id: ObjectId;
  /** Where it will live; for a namespace, its parent. */
  namespace: NamespacePath;
  now: Date;
  /** Effective organizational metadata of `namespace`; objects that inherit it keep it in `metadata`. */
  organization?: readonly Tag[];
}

/**
 * The object that a create stores: system attributes and computed tags filled in.
 * A namespace's short name becomes its full path, and its type gives it its `@org:` tag unless it says one itself.
 *
 * @throws `invalid` for a namespace name with a `/`, and for a value that makes no tag
 */
export function newObject<I extends Identity>(identity: I, input: InputOf<I>, birth: Birth): ObjectOf<I> {
  const time = birth.now.toISOString();
  const { inheritsOrganization, stored } = resourceOf(identity);
  const object = stored.parse({
    ...input,
    ...(identity === 'namespace' ? placed(input as InputOf<'namespace'>, birth.namespace) : {}),
    ...(inheritsOrganization ? { metadata: union(input.metadata, birth.organization ?? []) } : {}),
    ID: birth.id,
    namespace: birth.namespace,
    createTime: time,
    updateTime: time,
    normalizedTags: [],
  }) as ObjectOf<I>;
  return { ...object, normalizedTags: normalizedTags(identity, object) };
}

/** The object as an update stores it: tags computed anew, and an `updateTime` later than the one it had. */
export function touch<I extends Identity>(identity: I, object: ObjectOf<I>, now: Date): ObjectOf<I> {
  const updated = Math.max(now.getTime(), Date.parse(object.updateTime) + 1);
  return {
    ...object,
    updateTime: new Date(updated).toISOString(),
    normalizedTags: normalizedTags(identity, object),
  };
}

/** Tags by which selectors and filters find an object; sorted, each once. */
export function normalizedTags<I extends Identity>(identity: I, object: ObjectOf<I>): Tag[] {
  const name = 'name' in object ? [computed('name', '$name', object.name)] : [];
  const unit = identity === 'processingunit' ? (object as ProcessingUnit) : undefined;
  return union(
    [
      computed('identity', '$identity', identity),
      computed('ID', '$id', object.ID),
      computed('namespace', '$namespace', object.namespace),
      ...name,
      ...(unit ? [computed('type', '$type', unit.type)] : []),
      ...(unit?.images ?? []).map(image => computed('images', '$image', image)),
    ],
    object.associatedTags,
    object.metadata,
  ).sort();
}

const computed = (attribute: string, key: string, value: string): Tag => {
  const tag = Tag.safeParse(`${key}=${value}`);
  if (tag.success) return tag.data;
  throw fail(
    'invalid',
    `\`${value.slice(0, 80)}\` cannot be the tag \`${key}\`; it must not be empty and the tag must have less than 1024 bytes`,
    { attribute, value },
  );
};

/** Types whose name the tree carries down as an organizational tag. */
const ORGANIZATION: Partial<Record<Namespace['type'], string>> = {
  Tenant: '@org:tenant',
  CloudAccount: '@org:cloudaccount',
  Group: '@org:group',
  Kubernetes: '@org:kubernetes',
};

function placed(input: InputOf<'namespace'>, parent: NamespacePath) {
  if (input.name.includes('/')) {
    throw fail(
      'invalid',
      `\`${input.name}\` holds a \`/\`; give the short name \`${shortName(input.name as NamespacePath)}\` and create it in its parent`,
      { attribute: 'name', value: input.name },
    );
  }
  return {
    name: path(parent, input.name),
    organizationalMetadata: organized(input, input.organizationalMetadata),
  };
}

/** Organizational metadata of a namespace, the tag of its type among it, unless another one was said with its key. */
export function organized(
  { type, name }: Pick<Namespace, 'type' | 'name'> | InputOf<'namespace'>,
  metadata: readonly Tag[],
): Tag[] {
  const key = ORGANIZATION[type];
  const isSaid = metadata.some(tag => tag.startsWith(`${key}=`));
  return key && !isSaid ? [...metadata, Tag.parse(`${key}=${name.split('/').at(-1)}`)] : [...metadata];
}

/** Paths stand in tags, which have less than 1024 bytes with their key. */
function path(parent: NamespacePath, name: string): NamespacePath {
  if ((parent === ROOT ? 0 : parent.length) + 1 + name.length > LONGEST_PATH) {
    throw fail(
      'invalid',
      `the path of \`${name.slice(0, 80)}\` would be longer than ${LONGEST_PATH} characters; use shorter names`,
      {
        attribute: 'name',
        value: name,
      },
    );
  }
  return childPath(parent, name);
}

const union = (...lists: (readonly Tag[])[]): Tag[] => [...new Set(lists.flat())];
