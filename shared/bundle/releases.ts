import { Metadata, MetaFile, type Root, TargetFile, Targets } from '@tufjs/models';
import type { EnforcerRelease } from '../schema/enforcerrelease.ts';
import { fail } from '../schema/failure.ts';
import {
  file,
  type Layer,
  LIFETIMES,
  type SealedFile,
  type Signing,
  sealSnapshot,
  sealTimestamp,
} from './layers.ts';
import { checkHash, type OnlineRole, PATHS, readTargets, SPEC_VERSION, sha256, verify } from './metadata.ts';
import type { Published } from './published.ts';
import { Refusal } from './refusal.ts';
import { rootPath } from './root.ts';
import { after, readRoots, type Sealed } from './seal.ts';
import { addSignatures, encode, expiry } from './sign.ts';
import { acceptSnapshot, readSignedTimestamp, targetsPlace } from './workflow.ts';

export interface ReleasesInput extends Signing {
  releases: readonly EnforcerRelease[];
  previous?: Published;
}

interface Standing {
  rootIndex: number;
  timestamp: ReturnType<typeof readSignedTimestamp>;
  snapshot: ReturnType<typeof acceptSnapshot>;
  targets: Metadata<Targets>;
}

const standingUnder = (root: Metadata<Root>, published: Published): Omit<Standing, 'rootIndex'> => {
  const timestamp = readSignedTimestamp(root, published.timestamp);
  const snapshot = acceptSnapshot(root, timestamp, undefined, published.snapshot);
  const place = targetsPlace(snapshot);
  checkHash(place.path, published.targets, place);
  const targets = readTargets(place.path, published.targets);
  verify(root, 'targets', place.path, targets);
  return { timestamp, snapshot, targets };
};

/** As with bundles, what was published is counted on from only where we signed it, under whichever root. */
function standing(roots: readonly Metadata<Root>[], published: Published): Standing {
  for (const [rootIndex, root] of [...roots.entries()].reverse()) {
    try {
      return { rootIndex, ...standingUnder(root, published) };
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
    }
  }
  throw fail('conflict', 'the published releases were not signed under any root; restore them');
}

/** Every file of every release that is not withdrawn, by its name. */
const targetsOf = (releases: readonly EnforcerRelease[]): Record<string, TargetFile> =>
  Object.fromEntries(
    releases
      .filter(({ withdrawn }) => !withdrawn)
      .flatMap(({ version, artifacts }) =>
        artifacts.map(({ name, length, sha256, platform, architecture }): [string, TargetFile] => [
          name,
          new TargetFile({
            path: name,
            length,
            hashes: { sha256 },
            unrecognizedFields: { custom: { version, platform, architecture } },
          }),
        ]),
      )
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );

const textOf = (targets: Record<string, TargetFile>): string =>
  JSON.stringify(Object.entries(targets).map(([name, target]) => [name, target.toJSON()]));

const ages = (role: OnlineRole, { signed }: { signed: { expires: string } }, now: Date): boolean =>
  Date.parse(signed.expires) - now.getTime() < LIFETIMES[role].renewBelow;

const isOf = (root: Metadata<Root>, before: Standing, role: OnlineRole): boolean => {
  try {
    verify(root, role, role, before[role]);
    return true;
  } catch {
    return false;
  }
};

async function sealTargets(
  targets: Record<string, TargetFile>,
  version: number,
  input: Signing,
): Promise<Required<Layer>> {
  const expires = expiry(input.now, LIFETIMES.targets.validFor);
  const signed = new Metadata(new Targets({ specVersion: SPEC_VERSION, version, expires, targets }));
  const body = encode(await addSignatures(signed, [input.signers.targets]));
  const meta = new MetaFile({ version, length: body.length, hashes: { sha256: sha256(body) } });
  return { meta, file: file(PATHS.targets(version), body, 'create') };
}

/**
 * Seals the catalogue of releases as a TUF repository of its own, under the roots and keys of the bundles; signs anew
 * what nears its expiry. The files themselves are put in place before by whoever releases them.
 */
export async function sealReleases(input: ReleasesInput): Promise<Sealed | { outcome: 'unchanged' }> {
  const [roots, current] = await readRoots(input);
  const before = input.previous && standing(roots, input.previous);
  const targets = targetsOf(input.releases);
  const due = (role: OnlineRole): boolean =>
    !before || ages(role, before[role], input.now) || !isOf(current, before, role);
  const changed = !before || textOf(before.targets.signed.targets) !== textOf(targets);
  const newTargets = changed || due('targets');
  const newSnapshot = newTargets || due('snapshot');
  if (!newSnapshot && !due('timestamp')) return { outcome: 'unchanged' };
  const named = before?.snapshot.signed.meta['targets.json'];
  const targetsLayer: Layer =
    newTargets || !named
      ? await sealTargets(targets, after(named?.version, input.taken?.targets), input)
      : { meta: named };
  const meta = before?.timestamp.signed.snapshotMeta;
  const snapshot: Layer =
    newSnapshot || !meta
      ? await sealSnapshot(targetsLayer.meta, after(meta?.version, input.taken?.snapshot), input)
      : { meta };
  const timestamp = await sealTimestamp(snapshot.meta, after(before?.timestamp.signed.version), input);
  const newRoots = input.roots
    .slice(before ? before.rootIndex + 1 : 0)
    .map((root): SealedFile => file(rootPath(root), root, 'replace'));
  const files = [targetsLayer.file, snapshot.file, timestamp].filter(each => each !== undefined);
  return { outcome: 'sealed', revision: targetsLayer.meta.version, files: [...newRoots, ...files] };
}
