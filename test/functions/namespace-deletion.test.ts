import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { everyPublication } from '../../functions/publish.ts';
import type { ObjectStore } from '../../shared/ports/object-store.ts';
import { NamespacePath, parentPath } from '../../shared/schema/ids.ts';
import { type Caller, openPlane, type Plane } from '../make/plane.ts';

let plane: Plane;
/** Done once, right after the next commit that closes a namespace. */
let afterClosing: (() => Promise<unknown>) | undefined;
beforeAll(async () => {
  plane = await openPlane(deps => {
    const { store } = deps;
    const watched: ObjectStore = {
      ...store,
      commit: async writes => {
        await store.commit(writes);
        const closes = writes.some(
          write => write.kind === 'update' && Reflect.get(write.object, 'deletion') === 'Checking',
        );
        const work = closes ? afterClosing : undefined;
        if (work) afterClosing = undefined;
        await work?.();
      },
    };
    return { ...deps, store: watched };
  });
});
afterAll(() => plane.stop());

let tenant: string;
let path: string;
let admin: Caller;
beforeEach(async () => {
  afterClosing = undefined;
  tenant = await plane.tenant();
  path = await plane.namespace(tenant, 'account');
  admin = await plane.member(tenant, ['namespace.administrator']);
});

const network = (name: string, more = {}) => ({ body: { name, entries: ['10.0.0.0/8'], ...more } });
const objectAt = async (at: string) => {
  const name = NamespacePath.parse(at);
  const found = await plane.deps.store.getByName('namespace', parentPath(name), name);
  if (!found) throw new Error(`no namespace ${at}`);
  return found;
};
const remove = async (at: string, query = '') =>
  admin(`DELETE /namespaces/${(await objectAt(at)).ID}${query}`, parentPath(NamespacePath.parse(at)));

describe('deleting a namespace', () => {
  it('removes an empty one at once and answers with it', async () => {
    const removed = await remove(path);
    expect(removed.object.name).toBe(path);
    expect(removed.text).not.toContain('"deletion"');
    expect((await admin('GET /namespaces', path)).status).toBe(404);
  });

  it('refuses one that is not empty, says what is in it, and leaves it as it was', async () => {
    const before = await objectAt(path);
    await admin('POST /externalnetworks', path, network('n'));
    const refused = await remove(path);
    expect(refused.status).toBe(409);
    expect(refused.errors[0]?.description).toBe(
      `namespace ${path} is not empty: it holds 1 externalnetworks; delete them first, or add recursive=true`,
    );
    expect(await objectAt(path)).toStrictEqual(before);
    expect((await admin('POST /externalnetworks', path, network('m'))).status).toBe(200);
  });

  it('lets nothing in between the look and the deletion', async () => {
    let late = 0;
    const { ID } = await objectAt(path);
    afterClosing = async () => {
      late = (await admin('POST /externalnetworks', path, network('late'))).status;
    };
    expect((await admin(`DELETE /namespaces/${ID}`, tenant)).status).toBe(200);
    expect(late).toBe(404);
    const { items } = await plane.deps.store.listTree('externalnetwork', NamespacePath.parse(tenant), {
      limit: 10,
    });
    expect(items).toEqual([]);
  });

  it('shows a namespace that is being looked into, to everybody', async () => {
    let seen = 0;
    afterClosing = async () => {
      seen = (await admin('GET /externalnetworks', path)).status;
    };
    await admin('POST /externalnetworks', path, network('n'));
    expect((await remove(path)).status).toBe(409);
    expect(seen).toBe(200);
  });

  it('lets one of two deletions at once win', async () => {
    const { ID } = await objectAt(path);
    const both = await Promise.all([1, 2].map(() => admin(`DELETE /namespaces/${ID}`, tenant)));
    const [won, lost] = both.map(({ status }) => status).sort();
    expect(won).toBe(200);
    // Which of the two depends on whether it read the namespace before the other one was done.
    expect([404, 409]).toContain(lost);
  });

  it('opens a namespace again whose deletion died, with the first create after a minute', async () => {
    const { ID } = await objectAt(path);
    afterClosing = () => Promise.reject(new Error('killed'));
    expect((await admin(`DELETE /namespaces/${ID}`, tenant)).status).toBe(500);
    expect((await admin('POST /externalnetworks', path, network('n'))).status).toBe(404);
    plane.clock.advance(61_000);
    expect((await admin('POST /externalnetworks', path, network('n'))).status).toBe(200);
    expect(await objectAt(path)).not.toHaveProperty('deletion');
  });

  it('takes no `deletion` from a caller', async () => {
    const { ID } = await objectAt(path);
    const body = { deletion: 'Purging' };
    expect((await admin(`PATCH /namespaces/${ID}`, tenant, { body })).status).toBe(422);
    expect((await admin('POST /namespaces', tenant, { body: { name: 'x', ...body } })).status).toBe(422);
  });
});

describe('deleting a namespace with all below', () => {
  let deep: string;
  beforeEach(async () => {
    deep = await plane.namespace(await plane.namespace(path, 'group'), 'cluster');
    await admin('POST /externalnetworks', deep, network('n', { associatedTags: ['in=deep'] }));
  });

  it('hides it and everything below at once', async () => {
    const { ID } = await objectAt(path);
    const { ID: deepID } = await objectAt(deep);
    const beside = await plane.namespace(tenant, 'account-2');
    await admin('POST /externalnetworks', beside, network('beside', { associatedTags: ['in=deep'] }));
    const removed = await remove(path, '?recursive=true');
    expect(removed.object.ID).toBe(ID);

    for (const at of [path, deep]) {
      expect((await admin('GET /externalnetworks', at)).status, at).toBe(404);
      expect((await admin('POST /externalnetworks', at, network('late'))).status, at).toBe(404);
    }
    expect((await admin(`GET /namespaces/${ID}`, tenant)).status).toBe(404);
    expect((await admin(`GET /namespaces/${deepID}`, parentPath(NamespacePath.parse(deep)))).status).toBe(
      404,
    );
    expect((await admin('POST /namespaces', tenant, { body: { name: 'account' } })).status).toBe(422);
    const names = async (target: `GET /${string}`) =>
      (await admin(target, tenant)).list.map(({ name }) => name);
    expect(await names('GET /namespaces')).toEqual([beside]);
    expect(await names('GET /namespaces?limit=10')).toEqual([beside]);
    expect(await names('GET /namespaces?recursive')).toEqual([beside]);
    expect(await names('GET /externalnetworks?recursive')).toEqual(['beside']);
    expect(await names('GET /externalnetworks?recursive&limit=10')).toEqual(['beside']);
    expect(await names(`GET /namespaces?recursive&q=${encodeURIComponent(`ID == ${deepID}`)}`)).toEqual([]);
    expect((await admin('HEAD /externalnetworks?recursive', tenant)).headers['x-count-total']).toBe('1');
    expect((await everyPublication(plane.deps)).map(({ namespace }) => namespace)).toEqual([]);
  });

  it('asks for the workflow by the state of its object', async () => {
    const { ID, namespace } = await objectAt(path);
    await remove(path, '?recursive=true');
    expect(await plane.deps.store.get({ resource: 'namespace', namespace, id: ID })).toMatchObject({
      deletion: 'Purging',
    });
  });

  it('removes nothing when something below is protected, and names it', async () => {
    const guarded = await admin('POST /externalnetworks', deep, network('guarded', { protected: true }));
    const refused = await remove(path, '?recursive=true');
    expect(refused.status).toBe(409);
    expect(refused.errors[0]?.description).toContain(`externalnetwork ${guarded.object.ID} in ${deep}`);
    expect((await admin('GET /externalnetworks', deep)).list).toHaveLength(2);
    expect((await remove(path, '?recursive=true&override=true')).status).toBe(200);
  });

  it('wants `recursive` said, and not denied', async () => {
    expect((await remove(path, '?recursive=false')).status).toBe(409);
    expect((await remove(path)).status).toBe(409);
  });

  it('changes nothing when it is only tried', async () => {
    const before = await objectAt(path);
    expect((await remove(path, '?dryRun=true')).status).toBe(409);
    expect((await remove(path, '?recursive=true&dryRun=true')).status).toBe(200);
    expect(await objectAt(path)).toStrictEqual(before);
  });

  it('is on record with who asked for it', async () => {
    await remove(path, '?recursive=true');
    const { items } = await plane.deps.store.activities(NamespacePath.parse(tenant), { limit: 1 });
    expect(items[0]).toMatchObject({ operation: 'delete', targetIdentity: 'namespace' });
    expect(items[0]?.before).toMatchObject({ name: path });
  });
});
