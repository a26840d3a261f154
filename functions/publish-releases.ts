import { sealReleases } from '../shared/bundle/releases.ts';
import { RELEASES, RELEASES_ID } from '../shared/schema/enforcerrelease.ts';
import { fail } from '../shared/schema/failure.ts';
import { ROOT } from '../shared/schema/ids.ts';
import { everyIn } from './pipeline/authorize.ts';
import { ATTEMPTS, type PublishDeps, rootsIn, signing, standing, type Taken, write } from './publish.ts';

/** Seals the catalogue where a release changed since, or its metadata nears its expiry. Compare-and-swap, as for bundles. */
export async function publishReleases(deps: PublishDeps): Promise<'published' | 'unchanged' | 'idle'> {
  const { bucket, publications, store, log } = deps;
  const taken: Taken = {};
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const entry = await publications.get(ROOT, RELEASES_ID);
    if (!entry) return 'idle';
    const [{ published, etag }, roots] = await Promise.all([standing(bucket, RELEASES), rootsIn(bucket)]);
    const sealed = await sealReleases({
      ...signing(deps, roots, taken),
      releases: await everyIn(store, 'enforcerrelease', ROOT),
      ...(published ? { previous: published } : {}),
    });
    const outcome =
      sealed.outcome === 'unchanged' ? 'unchanged' : await write(bucket, RELEASES, sealed, etag);
    if (outcome === 'unchanged' || outcome === 'written') {
      const revision = sealed.outcome === 'sealed' ? sealed.revision : entry.revision;
      if (outcome === 'written' || entry.marked > entry.published) {
        await publications.done({ ...entry, revision });
      }
      if (outcome === 'written') log.info('releases', { outcome, revision });
      return outcome === 'written' ? 'published' : 'unchanged';
    }
    Object.assign(taken, outcome);
  }
  throw fail(
    'unavailable',
    `the releases were changed by others ${ATTEMPTS} times in a row; it is tried again`,
  );
}
