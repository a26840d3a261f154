import { RELEASES_ID } from '../../shared/schema/enforcerrelease.ts';
import type { NamespacePath, ObjectId } from '../../shared/schema/ids.ts';
import type { Deps } from '../deps.ts';
import { publish } from '../publish.ts';
import { publishReleases } from '../publish-releases.ts';

/** A marked entry of the publisher's to-do list. */
export interface Marked {
  tenant: NamespacePath;
  namespaceID: ObjectId;
}

/** Publishes each marked namespace once, however many marks a batch holds. What fails is tried again with its batch. */
export async function publishMarked(marks: readonly Marked[], deps: Deps): Promise<void> {
  const once = new Map(marks.map(mark => [mark.namespaceID, mark]));
  for (const { tenant, namespaceID } of once.values()) {
    if (namespaceID === RELEASES_ID) await publishReleases(deps);
    else await publish(tenant, namespaceID, deps);
  }
}
