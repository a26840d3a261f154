import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MOST_SORTED } from '../../functions/walk.ts';
import type { ObjectStore } from '../../shared/ports/object-store.ts';
import { NamespacePath } from '../../shared/schema/ids.ts';
import { type Crowd, countingReads, crowd, pagesOfCrowd, type Reads } from '../make/crowd.ts';
import { create, freshTenant, makeAuthorization, nextID } from '../make/objects.ts';
import { openPlane, type Plane } from '../make/plane.ts';

const FEW = 1000;
const MANY = 20_000;
const PAGES = 2 * (MOST_SORTED / 1000);

const endless = (store: ObjectStore): ObjectStore => ({
  ...store,
  list: async (resource, namespace, query) => {
    if (namespace !== long || resource !== 'externalnetwork') return store.list(resource, namespace, query);
    const page = Number(query.after ?? 1);
    const { items } = await store.list(resource, many.home, { limit: 1000 });
    return {
      items: items.map(item => ({ ...item, namespace })),
      ...(page < PAGES ? { next: String(page + 1) } : {}),
    };
  },
});

const reads: Reads = { calls: 0, objects: 0 };
let plane: Plane;
/** A namespace that answers with the same thousand objects again and again. */
let long: NamespacePath;
let few: Crowd;
let many: Crowd;
beforeAll(async () => {
  plane = await openPlane(deps => ({ ...deps, store: countingReads(endless(deps.store), reads) }));
  long = NamespacePath.parse(await plane.tenant());
  few = await crowd(plane.deps.store, freshTenant(), FEW);
  many = await crowd(plane.deps.store, freshTenant(), MANY);
}, 60_000);
afterAll(() => plane.stop());

async function cost(namespace: string, query: string) {
  Object.assign(reads, { calls: 0, objects: 0 });
  const answer = await plane.root(`GET /externalnetworks?${query}`, namespace);
  expect(answer.status, answer.text).toBe(200);
  return { length: answer.list.length, ...reads };
}

describe(`in a tenant of ${MANY} objects as in one of ${FEW}`, () => {
  const kinds = pagesOfCrowd({
    tenant: freshTenant(),
    home: freshTenant(),
    middle: nextID(),
  });
  it.each(kinds.map(([what], at) => [what, at] as const))(
    'a %s asks and reads the same',
    async (what, at) => {
      const [small, large] = [few, many].map(each => pagesOfCrowd(each)[at]);
      const [cheap, dear] = [
        await cost(small?.[1] ?? '', small?.[2] ?? ''),
        await cost(large?.[1] ?? '', large?.[2] ?? ''),
      ];
      expect(dear).toEqual(cheap);
      expect(dear.length).toBe(/by ID/.test(what) ? 1 : 100);
      // Authorization reads the caller's credential and the namespaces from the tenant down.
      expect(dear.objects).toBeLessThanOrEqual(dear.length + 10);
      expect(dear.calls).toBeLessThanOrEqual(12);
    },
  );
});

describe('a list that must be sorted', () => {
  it('reads a bounded part of what is too much for it, and says how to ask instead', async () => {
    Object.assign(reads, { calls: 0, objects: 0 });
    const refused = await plane.root('GET /externalnetworks?page=1&pagesize=100', long);
    expect([refused.status, refused.errors[0]?.description]).toEqual([
      400,
      expect.stringContaining('go through them with limit and after'),
    ]);
    expect(reads.objects).toBeLessThan(MOST_SORTED + 2000);
  });

  it('can be counted all the same', async () => {
    const counted = await plane.root('HEAD /externalnetworks', long);
    expect(counted.headers['x-count-total']).toBe(String(PAGES * 1000));
  });
});

describe('the namespaces that somebody may see in a tenant where they hold nothing in itself', () => {
  it('cost what is answered, however many authorizations there are for others', async () => {
    const { store } = plane.deps;
    const tenant = NamespacePath.parse(await plane.tenant());
    const mine = NamespacePath.parse(await plane.namespace(tenant, 'mine'));
    const theirs = NamespacePath.parse(await plane.namespace(tenant, 'theirs'));
    const credential = await plane.credential(mine, ['netsecops.viewer']);
    const me = await plane.as(credential);
    const authorize = (subject: string) =>
      create(
        'apiauthorizationpolicy',
        makeAuthorization(theirs, subject, [['@auth:realm=certificate', `@auth:subject=${subject}`]]),
      );
    const seen = async () => {
      Object.assign(reads, { calls: 0, objects: 0 });
      const answer = await me('GET /accessiblenamespaces', tenant);
      expect(answer.status, answer.text).toBe(200);
      return { names: JSON.parse(answer.text).map(({ name }: { name: string }) => name), ...reads };
    };
    const before = await seen();
    expect(before.names).toEqual([mine]);
    for (let at = 0; at < 500; at += 20)
      await store.commit(Array.from({ length: 20 }, (_, n) => authorize(`other-${at + n}`)));
    expect(await seen()).toEqual(before);
    await store.commit([authorize(credential.ID)]);
    expect((await seen()).names).toEqual([mine, theirs]);
  });
});

describe('a page by cursor', () => {
  const asked = (query: string, namespace = few.home) =>
    plane.root(`GET /externalnetworks?limit=10&${query}`, namespace);

  it.each(['order=ID', 'order=createTime'])('takes %s, which is the order it comes in', async order => {
    const [plain, ordered] = [await asked(''), await asked(order)];
    expect(ordered.text).toBe(plain.text);
    const times = (await asked(order)).list.map(({ updateTime }) => updateTime);
    expect(times).toEqual(times.toSorted());
  });

  it.each([
    ['order=name', 'ID or createTime', ''],
    ['order=-ID', 'ID or createTime', ''],
    ['order=ID&order=name', 'a single order', ''],
    ['recursive&order=ID', 'a single order, namespace,', ''],
  ])('refuses %s and names what it takes', async (query, named) => {
    const refused = await asked(query);
    expect(refused.status).toBe(400);
    expect(refused.errors[0]?.description).toContain(named);
  });

  it('of a tree takes order=namespace', async () => {
    const [plain, ordered] = [
      await asked('recursive', few.tenant),
      await asked('recursive&order=namespace', few.tenant),
    ];
    expect([ordered.status, ordered.text]).toEqual([200, plain.text]);
  });
});
