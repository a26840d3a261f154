import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { resign } from '../../functions/events/resign.ts';
import { publish, ROOTS } from '../../functions/publish.ts';
import { makeRoot } from '../../shared/bundle/root.ts';
import type { Publication } from '../../shared/ports/publications.ts';
import { NamespacePath, type ObjectId } from '../../shared/schema/ids.ts';
import { makeKeys } from '../make/keys.ts';
import { openPlane, type Plane } from '../make/plane.ts';
import { minimal } from './inputs.ts';

const DAY = 86_400_000;

let plane: Plane;
let tenant: NamespacePath;
let ID: ObjectId;
/** The publisher dies when the bundle is out, before that is noted. */
let dies = false;

beforeAll(async () => {
  const keys = makeKeys(1);
  plane = await openPlane(deps => ({
    ...deps,
    bundleKeys: keys,
    publications: {
      ...deps.publications,
      done: async entry => {
        if (dies) throw new Error('killed');
        await deps.publications.done(entry);
      },
    },
  }));
  const root = await makeRoot({
    rootKeys: keys.root,
    threshold: 1,
    online: { targets: keys.targets.pem, snapshot: keys.snapshot.pem, timestamp: keys.timestamp.pem },
    version: 1,
    expires: new Date(plane.clock.now().getTime() + 365 * DAY),
  });
  await plane.deps.bucket.put(`${ROOTS}1.root.json`, root, { contentType: 'application/json' });
  tenant = NamespacePath.parse(await plane.tenant());
  ID = (await plane.deps.store.getByName('namespace', NamespacePath.parse('/'), tenant))?.ID as ObjectId;
});
afterAll(() => plane.stop());

const noted = async (): Promise<Publication> => {
  const entry = await plane.deps.publications.get(tenant, ID);
  if (!entry) throw new Error('nothing was published');
  return entry;
};
const dying = async (work: () => Promise<unknown>): Promise<void> => {
  dies = true;
  await expect(work()).rejects.toThrow('killed');
  dies = false;
};
const mark = () => plane.deps.publications.mark(tenant, ID);

describe('what is noted of a bundle', () => {
  it('is its true revision, also when its publisher died before it noted it', async () => {
    await mark();
    await publish(tenant, ID, plane.deps);
    const { digest } = await noted();
    const body = minimal(tenant).networkrulesetpolicy;
    expect((await plane.root('POST /networkrulesetpolicies', tenant, { body })).status).toBe(200);
    await mark();
    await dying(() => publish(tenant, ID, plane.deps));
    expect(await noted()).toMatchObject({ revision: 1, digest, since: 1 });
    expect(await publish(tenant, ID, plane.deps)).toBe('unchanged');
    const after = await noted();
    expect(after).toMatchObject({ revision: 2, since: 2, changed: plane.clock.now().toISOString() });
    expect(after.digest).not.toBe(digest);
  });

  it('is its true revision, also when whoever signed it anew died before that was noted', async () => {
    const before = await noted();
    plane.clock.advance(61 * DAY);
    await dying(() => resign(plane.deps));
    expect((await noted()).revision).toBe(before.revision);
    expect(await resign(plane.deps)).toMatchObject({ resigned: 0 });
    expect(await noted()).toEqual({ ...before, revision: before.revision + 1 });
  });
});
