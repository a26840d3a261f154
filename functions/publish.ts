import { PATHS, readSnapshot, readTimestamp } from '../shared/bundle/metadata.ts';
import type { Published } from '../shared/bundle/published.ts';
import { orInvalid } from '../shared/bundle/refusal.ts';
import { resign, type Sealed, type SealedFile, seal } from '../shared/bundle/seal.ts';
import { snapshotPlace, targetsPlace } from '../shared/bundle/workflow.ts';
import { compile } from '../shared/core/compile.ts';
import type { Bucket } from '../shared/ports/bucket.ts';
import type { Publication } from '../shared/ports/publications.ts';
import { bundlePrefix } from '../shared/schema/bundle.ts';
import { fail } from '../shared/schema/failure.ts';
import { type NamespacePath, type ObjectId, parentPath, ROOT, tenantOf } from '../shared/schema/ids.ts';
import { Tag } from '../shared/schema/tag.ts';
import type { Deps } from './deps.ts';
import { loadView } from './load.ts';
import { everyIn } from './pipeline/authorize.ts';

export type PublishDeps = Pick<Deps, 'store' | 'publications' | 'bucket' | 'bundleKeys' | 'clock' | 'log'>;

/** Where the signed roots are: `root/1.root.json` and its successors, put there by the holders of the offline keys. */
export const ROOTS = 'root/';
/** Publishers that lose a race read everything anew; more than this many times in a row means something is wrong. */
export const ATTEMPTS = 8;

/** What stands in the bucket, its revision, and the ETag by which timestamp.json may be replaced. */
interface Standing {
  published?: Published;
  revision?: number;
  etag?: string;
}

async function bytesOf(bucket: Bucket, key: string): Promise<{ body: Uint8Array; etag: string } | undefined> {
  const found = await bucket.get(key);
  return found.found && found.modified ? found : undefined;
}

async function required(bucket: Bucket, key: string): Promise<Uint8Array> {
  const found = await bytesOf(bucket, key);
  if (found) return found.body;
  throw fail(
    'unavailable',
    `${key} is missing, though what is published names it; restore it from the bucket's versions`,
  );
}

export async function standing(bucket: Bucket, prefix: string): Promise<Standing> {
  const timestamp = await bytesOf(bucket, `${prefix}${PATHS.timestamp}`);
  if (!timestamp) return {};
  const snapshotAt = orInvalid(() => snapshotPlace(readTimestamp(PATHS.timestamp, timestamp.body)).path);
  const snapshot = await required(bucket, `${prefix}${snapshotAt}`);
  const read = orInvalid(() => readSnapshot(snapshotAt, snapshot));
  const targets = await required(bucket, `${prefix}${orInvalid(() => targetsPlace(read).path)}`);
  return {
    published: { timestamp: timestamp.body, snapshot, targets },
    revision: read.signed.meta['targets.json']?.version ?? 0,
    etag: timestamp.etag,
  };
}

export async function rootsIn(bucket: Bucket): Promise<Uint8Array[]> {
  const version = (key: string) => Number(/(\d+)\.root\.json$/.exec(key)?.[1] ?? 0);
  const keys = (await bucket.list(ROOTS))
    .filter(key => version(key) > 0)
    .sort((a, b) => version(a) - version(b));
  if (keys.length === 0)
    throw fail('unavailable', `no ${ROOTS}1.root.json in the bucket; make a root and put it there first`);
  return Promise.all(keys.map(key => required(bucket, key)));
}

/** Versions that a publisher left behind when it died or lost: the next ones are taken instead. */
export type Taken = { targets?: number; snapshot?: number };

const takenBy = (file: SealedFile): Taken => {
  const [, version, role] = /(\d+)\.(targets|snapshot)\.json$/.exec(file.key) ?? [];
  return role === 'targets' || role === 'snapshot' ? { [role]: Number(version) } : {};
};

/** Writes in order; timestamp.json, the last, decides. Tells which version was in the way, where one was. */
export async function write(
  bucket: Bucket,
  prefix: string,
  sealed: Sealed,
  etag: string | undefined,
): Promise<'written' | Taken> {
  for (const file of sealed.files) {
    const condition = {
      replace: {},
      create: { ifNoneMatch: '*' as const },
      swap: etag === undefined ? { ifNoneMatch: '*' as const } : { ifMatch: etag },
    }[file.write];
    const { outcome } = await bucket.put(`${prefix}${file.key}`, file.body, {
      ...condition,
      contentType: file.contentType,
    });
    if (outcome === 'conflict') return takenBy(file);
  }
  return 'written';
}

/** Characters of selectors that are kept with a publication; a DynamoDB item holds 400 KB in all. */
const LONGEST_SELECTORS = 200_000;

const EVERY_UNIT: Tag[][] = [[Tag.parse('$identity=processingunit')]];

/** Selectors that are too many to keep become one that every unit satisfies: then every unit's change counts. */
const keptSelectors = (selectors: Tag[][]): Tag[][] =>
  JSON.stringify(selectors).length > LONGEST_SELECTORS ? EVERY_UNIT : selectors;

export const signing = (deps: PublishDeps, roots: readonly Uint8Array[], taken: Taken) => ({
  roots,
  signers: deps.bundleKeys,
  now: deps.clock.now(),
  taken,
});

/**
 * Compiles, seals and publishes the bundle of one namespace, if a change is waiting for it.
 *
 * What is published is read before anything is compiled, and only replaced if it is still the same: an older compile
 * never overwrites a newer one, because the newer one has replaced what the older one had seen.
 */
export async function publish(
  tenant: NamespacePath,
  namespaceID: ObjectId,
  deps: PublishDeps,
): Promise<'published' | 'unchanged' | 'idle'> {
  const { bucket, publications, store, log } = deps;
  const prefix = bundlePrefix(namespaceID);
  const taken: Taken = {};
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const entry = await publications.get(tenant, namespaceID);
    if (!entry || entry.marked <= entry.published) return 'idle';
    const [{ published, etag }, roots, own] = await Promise.all([
      standing(bucket, prefix),
      rootsIn(bucket),
      store.getByName('namespace', parentPath(entry.namespace), entry.namespace),
    ]);
    if (!own || own.ID !== namespaceID) {
      await publications.remove(tenant, namespaceID);
      return 'idle';
    }
    const compiled = compile(await loadView(store, entry.namespace), entry.namespace);
    const sealed = await seal({
      ...signing(deps, roots, taken),
      payloads: compiled.payloads,
      binding: {
        tenant,
        namespace: entry.namespace,
        namespaceID,
        compiledAt: deps.clock.now().toISOString(),
      },
      ...(published ? { previous: published } : {}),
    });
    const outcome =
      sealed.outcome === 'unchanged' ? sealed.outcome : await write(bucket, prefix, sealed, etag);
    if (outcome === 'unchanged' || outcome === 'written') {
      // Of what is published already, too: who published it may have died before it was noted.
      const { revision } = sealed;
      const digest = compiled.digests['policy.json'];
      await publications.done({
        ...entry,
        digest,
        ...(digest === entry.digest ? {} : { since: revision, changed: deps.clock.now().toISOString() }),
        selectors: keptSelectors(compiled.selectors),
        reaches: compiled.namespaces,
        revision,
      });
      log.info('bundle', {
        namespace: entry.namespace,
        namespaceID,
        outcome,
        ...(sealed.outcome === 'sealed' ? { revision: sealed.revision } : {}),
      });
      return outcome === 'written' ? 'published' : 'unchanged';
    }
    Object.assign(taken, outcome);
  }
  throw fail(
    'unavailable',
    `bundle of ${namespaceID} was changed by others ${ATTEMPTS} times in a row; it will be tried again`,
  );
}

/** Signs anew what nears its expiry. Nothing is compiled, and the revision changes only with the targets file. */
export async function resignBundle(entry: Publication, deps: PublishDeps): Promise<boolean> {
  const { namespaceID } = entry;
  const prefix = bundlePrefix(namespaceID);
  const taken: Taken = {};
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const [{ published, revision = 0, etag }, roots] = await Promise.all([
      standing(deps.bucket, prefix),
      rootsIn(deps.bucket),
    ]);
    if (!published) return false;
    const sealed = await resign({ ...signing(deps, roots, taken), previous: published });
    if (!sealed) {
      // Who signed it died before that was noted. What waits for its publisher is noted by it.
      if (entry.marked === entry.published && revision > entry.revision)
        await deps.publications.done({ ...entry, revision });
      return false;
    }
    const outcome = await write(deps.bucket, prefix, sealed, etag);
    if (outcome === 'written') {
      if (sealed.revision !== entry.revision) {
        await deps.publications.done({ ...entry, marked: entry.published, revision: sealed.revision });
      }
      return true;
    }
    Object.assign(taken, outcome);
  }
  throw fail(
    'unavailable',
    `bundle of ${namespaceID} was changed by others ${ATTEMPTS} times in a row; it will be tried again`,
  );
}

/** Every namespace that has a bundle, tenant by tenant. */
export async function everyPublication(deps: Pick<Deps, 'store' | 'publications'>): Promise<Publication[]> {
  const tenants = await everyIn(deps.store, 'namespace', ROOT);
  const lists = await Promise.all(
    tenants.map(tenant => deps.publications.list(tenantOf(tenant.name as NamespacePath))),
  );
  return lists.flat();
}
