import { z } from 'zod';
import { newObject, newObjectId } from '../../shared/core/object.ts';
import { childPath, NamespacePath } from '../../shared/schema/ids.ts';
import { namespace } from '../../shared/schema/namespace.ts';
import { explained } from '../being-deleted.ts';
import { createOrReread } from '../ensure-object.ts';
import { Called, task } from './task.ts';

/** What to make: a namespace's attributes as an API create has them, and the parent to make it in. */
const Input = z.strictObject({
  ...Called,
  parent: NamespacePath,
  name: namespace.createOnly.name,
  type: namespace.createOnly.type,
  defaultPUIncomingTrafficAction: namespace.writable.defaultPUIncomingTrafficAction,
  defaultPUOutgoingTrafficAction: namespace.writable.defaultPUOutgoingTrafficAction,
});

/** Makes a namespace unless it is there, and leaves one that is there as it is. */
export const ensureNamespace = task(Input, async ({ execution, parent, ...attributes }, deps) => {
  const path = childPath(parent, attributes.name);
  const reread = () => deps.store.getByName('namespace', parent, path);
  const there = await reread();
  if (there) return { namespace: there.name, ID: there.ID };

  const now = deps.clock.now();
  const id = newObjectId(now, size => deps.clock.randomBytes(size));
  const object = newObject('namespace', namespace.input.parse(attributes), { id, namespace: parent, now });
  const made = await createOrReread('namespace', object, 'duplicate', reread, execution, deps).catch(
    async error => {
      throw await explained(error, parent, deps);
    },
  );
  return { namespace: made.name, ID: made.ID };
});
