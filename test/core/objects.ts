import { newObject } from '../../shared/core/object.ts';
import { type PolicyIdentity, PolicyView } from '../../shared/core/view.ts';
import { NamespacePath, ObjectId, parentPath, shortName } from '../../shared/schema/ids.ts';
import { type ObjectOf, resources } from '../../shared/schema/resources.ts';

/** IDs that sort by number. */
export const objectId = (number: number): ObjectId => ObjectId.parse(number.toString(16).padStart(24, '0'));

export const pathOf = (text: string): NamespacePath => NamespacePath.parse(text);

/** An object as the API would store it: schema, defaults, computed tags. `number` gives its ID and its times. */
export function make<I extends PolicyIdentity>(
  identity: I,
  namespace: string,
  number: number,
  input: Record<string, unknown>,
): ObjectOf<I> {
  const parsed = resources[identity].input.parse({ name: `${identity}-${number}`, ...input });
  return newObject(identity, parsed as never, {
    id: objectId(number),
    namespace: pathOf(namespace),
    now: new Date(Date.UTC(2021, 2, 5) + number),
  });
}

/** A namespace by its full path. */
export const makeNamespace = (path: string, number: number, input: Record<string, unknown> = {}) =>
  make('namespace', parentPath(pathOf(path)), number, { name: shortName(pathOf(path)), ...input });

export type Entry = { [I in PolicyIdentity]: { identity: I; object: ObjectOf<I> } }[PolicyIdentity];

/** A view that holds these objects, put in this order. */
export function viewOf(entries: readonly Entry[]): PolicyView {
  const view = new PolicyView();
  for (const { identity, object } of entries) view.put(identity, object);
  return view;
}
