import type { Change } from '../../shared/ports/change-feed.ts';
import { RELEASES_ID } from '../../shared/schema/enforcerrelease.ts';
import { ROOT } from '../../shared/schema/ids.ts';
import type { Deps } from '../deps.ts';

/** A release was added, withdrawn or removed: the catalogue is to be published. */
export async function releaseChanged(
  changes: readonly Change[],
  { publications }: Pick<Deps, 'publications'>,
): Promise<void> {
  if (changes.some(({ resource }) => resource === 'enforcerrelease')) {
    await publications.mark(ROOT, RELEASES_ID);
  }
}
