import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ObjectStore } from '../../shared/ports/object-store.ts';
import { begin, importing, shown } from '../make/importing.ts';
import { type Caller, openPlane, type Plane } from '../make/plane.ts';

/** Transactions that were committed, and lists that were read, in all. */
const meter = { commits: 0, lists: 0 };
const metered = (store: ObjectStore): ObjectStore => ({
  ...store,
  commit: async writes => {
    meter.commits += 1;
    await store.commit(writes);
  },
  list: async (resource, namespace, query) => {
    meter.lists += 1;
    return store.list(resource, namespace, query);
  },
});

let plane: Plane;
let admin: Caller;
let tenant: string;
beforeAll(async () => {
  plane = await openPlane(deps => ({ ...deps, store: metered(deps.store) }));
  tenant = await plane.tenant();
  admin = await plane.member(tenant, ['namespace.administrator']);
});
afterAll(() => plane.stop());

const networks = (count: number, name: string) =>
  Array.from({ length: count }, (_, at) => ({ name: `${name}${at}`, entries: ['192.0.2.0/24'] }));

/** What the workflow of an import under a label of its own costs. */
async function costs(namespace: string, name: string, count: number) {
  const document = { label: name, data: { externalnetworks: networks(count, name) } };
  const { ID } = await begin(plane, admin, namespace, document);
  const { deliver, finish } = importing(plane);
  Object.assign(meter, { commits: 0, lists: 0 });
  await deliver();
  await finish();
  expect(await shown(admin, namespace, ID)).toMatchObject({ status: 'Succeeded', created: count });
  return { ...meter };
}

describe('the work of an import of many objects', () => {
  it('is as many transactions as its objects need, and as few lists whatever the namespace holds', async () => {
    const first = await costs(tenant, 'a', 100);
    // An object and its entry are two of a transaction's hundred items; the record of the import and the namespace have one each.
    const forObjects = Math.ceil(100 / 49);
    // Planned, looked at, to be applied, part done, ended: each is one transaction of the record.
    expect(first.commits).toBe(forObjects + 5);
    expect(await costs(tenant, 'b', 100)).toEqual(first);
  });

  it('grows with its objects and with nothing else', async () => {
    const [few, many] = [await costs(tenant, 'c', 49), await costs(tenant, 'd', 4 * 49)];
    expect(many.commits - few.commits).toBe(3);
    expect(many.lists).toBe(few.lists);
  });
});
