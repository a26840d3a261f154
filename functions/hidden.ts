import type { ObjectStore, Stored } from '../shared/ports/object-store.ts';
import { isWithin, type NamespacePath, tenantOf } from '../shared/schema/ids.ts';
import { isHidden } from '../shared/schema/namespace.ts';

/** False for a namespace that is being removed. */
export const isShown = (object: Stored): boolean => !('deletion' in object && isHidden(object));

/**
 * Tells whether an object that lives in a namespace or below is shown: what is being removed is not, nor what lives in
 * it. One read of an index, which lags by moments. Below the root it knows of tenants that are being removed, not of
 * namespaces in other tenants.
 */
export async function shownWithin(
  store: ObjectStore,
  namespace: NamespacePath,
): Promise<(object: Stored) => boolean> {
  const purging = await store.findBy('namespace', tenantOf(namespace), 'deletion', 'Purging');
  return object => isShown(object) && !purging.some(({ name }) => isWithin(object.namespace, name));
}
