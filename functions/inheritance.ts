import { isWithin, type NamespacePath } from '../shared/schema/ids.ts';
import { type Identity, type ObjectOf, resourceOf } from '../shared/schema/resources.ts';

/** API authorizations always propagate; other kinds where they have the flag. */
export const propagates = (identity: Identity): boolean =>
  identity === 'apiauthorizationpolicy' || Object.hasOwn(resourceOf(identity).writable, 'propagate');

/** Whether an ancestor's object is shown in the namespace. */
export const isInherited = (object: ObjectOf<Identity>, namespace: NamespacePath): boolean =>
  'authorizedNamespace' in object
    ? !object.propagationHidden && isWithin(namespace, object.authorizedNamespace)
    : 'propagate' in object && object.propagate;
