import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Answer } from '../make/call.ts';
import { openPlane, type Plane } from '../make/plane.ts';

let plane: Plane;
/** `/tenant` holds networks n0 to n6, `/tenant/child` c0 (which propagates) and c1, `/tenant/child/leaf` l0. */
let tenant: string;
let child: string;
let leaf: string;

const network = async (namespace: string, name: string, more: object = {}): Promise<void> => {
  const body = { name, entries: ['192.0.2.0/24'], ...more };
  await plane.root('POST /externalnetworks', namespace, { body });
};

beforeAll(async () => {
  plane = await openPlane();
  tenant = await plane.tenant();
  child = await plane.namespace(tenant, 'child');
  leaf = await plane.namespace(child, 'leaf');
  // Not in the order of their names, and two descriptions, to sort by.
  for (const at of [3, 1, 0, 6, 5, 2, 4]) {
    await network(tenant, `n${at}`, { description: at % 2 === 0 ? 'even' : 'odd', propagate: at === 0 });
  }
  await network(child, 'c0', { propagate: true });
  await network(child, 'c1');
  await network(leaf, 'l0');
});
afterAll(() => plane.stop());

const list = (query: string, namespace = tenant): Promise<Answer> =>
  plane.root(`GET /externalnetworks${query}`, namespace);
const names = (answer: Answer): string[] => answer.list.map(({ name }) => name);

describe('a list', () => {
  it('is of this very namespace, by name, with the total', async () => {
    const answer = await list('');
    expect(names(answer)).toEqual(['n0', 'n1', 'n2', 'n3', 'n4', 'n5', 'n6']);
    expect(answer.headers['x-count-total']).toBe('7');
  });

  it.each([
    ['page=1&pagesize=3', ['n0', 'n1', 'n2']],
    ['page=3&pageSize=3', ['n6']],
    ['page=4&pagesize=3', []],
    ['pagesize=2', ['n0', 'n1']],
    ['page=1&pagesize=0', ['n0', 'n1', 'n2', 'n3', 'n4', 'n5', 'n6']],
    ['order=-name&pagesize=2', ['n6', 'n5']],
    ['order=description&order=-name', ['n6', 'n4', 'n2', 'n0', 'n5', 'n3', 'n1']],
    ['order=-description&order=name&page=2&pagesize=2', ['n5', 'n0']],
  ])('with %s is %j of all', async (query, expected) => {
    const answer = await list(`?${query}`);
    expect(names(answer)).toEqual(expected);
    expect(answer.headers['x-count-total']).toBe('7');
  });

  it('orders equals by ID, also where the attribute is a list', async () => {
    const [by, ids] = [await list('?order=entries'), await list('?order=ID')];
    expect(names(by)).toEqual(['n3', 'n1', 'n0', 'n6', 'n5', 'n2', 'n4']);
    expect(names(by)).toEqual(names(ids));
  });

  it('walks every object once by cursor, in order of creation', async () => {
    const seen: string[] = [];
    let next = '';
    do {
      const answer = await list(`?limit=3${next === '' ? '' : `&after=${encodeURIComponent(next)}`}`);
      expect(answer.list.length).toBeLessThanOrEqual(3);
      seen.push(...names(answer));
      next = answer.headers['x-next'] ?? '';
    } while (next !== '');
    expect(seen).toEqual(['n3', 'n1', 'n0', 'n6', 'n5', 'n2', 'n4']);
  });

  it('takes a cursor no further than the namespace it is used in', async () => {
    const { headers } = await list('?limit=1&recursive');
    const moved = await list(`?limit=1&recursive&after=${headers['x-next']}`, leaf);
    expect([moved.status, moved.errors[0]?.title]).toEqual([400, 'Bad Request']);
  });

  it.each(['recursive', 'recursive=true', 'recursive=false', 'recursive='])(
    'with %s holds what is below',
    async flag => {
      expect(names(await list(`?${flag}`, child))).toEqual(['c0', 'c1', 'l0']);
      expect(names(await list(`?${flag}&limit=2`, child))).toEqual(['c0', 'c1']);
    },
  );

  it.each(['propagated', 'propagated=0'])('with %s holds what ancestors propagate', async flag => {
    expect(names(await list(`?${flag}`, leaf))).toEqual(['c0', 'l0', 'n0']);
    expect(names(await list(`?${flag}&recursive`, child))).toEqual(['c0', 'c1', 'l0', 'n0']);
  });

  it('with propagated holds the API authorizations of ancestors that reach here and are not hidden', async () => {
    const authorization = (name: string, more: object) =>
      plane.root('POST /apiauthorizationpolicies', tenant, {
        body: {
          name,
          subject: [['@auth:realm=certificate', '@auth:subject=nobody']],
          authorizedIdentities: ['@auth:role=namespace.viewer'],
          authorizedNamespace: tenant,
          ...more,
        },
      });
    await authorization('seen', {});
    await authorization('hidden', { propagationHidden: true });
    await authorization('elsewhere', { authorizedNamespace: `${tenant}/other` });
    const inherited = await plane.root('GET /apiauthorizationpolicies?propagated', leaf);
    expect(names(inherited)).toEqual(['seen']);
    expect(names(await plane.root('GET /apiauthorizationpolicies', leaf))).toEqual([]);
  });

  it('with propagated holds what GET by ID with propagated gets, and nobody writes from below', async () => {
    const one = async (name: string, namespace: string) => {
      const [found] = (await list(`?q=name==${name}`, namespace)).list;
      return `/externalnetworks/${(found as { ID: string }).ID}` as const;
    };
    const [n0, n1, c0, l0] = [
      await one('n0', tenant),
      await one('n1', tenant),
      await one('c0', child),
      await one('l0', leaf),
    ];
    const status = async (line: `/${string}`, namespace: string) =>
      (await plane.root(`GET ${line}`, namespace)).status;
    expect((await plane.root(`GET ${n0}?propagated=true`, leaf)).object).toMatchObject({
      name: 'n0',
      namespace: tenant,
    });
    expect(await status(`${c0}?propagated`, leaf)).toBe(200);
    expect(await status(n0, leaf)).toBe(404);
    expect(await status(`${n1}?propagated`, leaf)).toBe(404);
    expect(await status(`${l0}?propagated`, child)).toBe(404);
    expect(await status('/externalnetworks/0190f3a1b2c3d4e5f6071829?propagated', leaf)).toBe(404);
    const body = { description: 'from below' };
    expect((await plane.root(`PATCH ${n0}?propagated`, leaf, { body })).status).toBe(404);
    expect((await plane.root(`DELETE ${n0}?propagated`, leaf)).status).toBe(404);
  });

  it('of namespaces has nothing that propagates', async () => {
    expect(names(await plane.root('GET /namespaces?propagated', child))).toEqual([leaf]);
  });

  it('counts what it would hold', async () => {
    const count = async (query: string, namespace: string) =>
      (await plane.root(`HEAD /externalnetworks${query}`, namespace)).headers['x-count-total'];
    expect(await count('', tenant)).toBe('7');
    expect(await count('?recursive', tenant)).toBe('10');
    expect(await count('?propagated', leaf)).toBe('3');
  });

  it.each([
    ['limit=1&pagesize=1', 'limit and pagesize'],
    ['after=x&page=1', 'after and page'],
    ['limit=1&order=name', 'order'],
    ['limit=1&propagated', 'propagated'],
    ['order=color', '`color`'],
    ['order=constructor', '`constructor`'],
    ['order=', 'order'],
    ['page=0', 'page'],
    ['page=first', 'page'],
    ['pagesize=-1', 'pagesize'],
    ['pagesize=1&pagesize=2', 'pagesize'],
    ['limit=0', 'limit'],
    ['limit=', 'limit'],
    ['limit=1.5', 'limit'],
    ['limit=99999', 'limit'],
    ['after=!!!', '!!!'],
    [`after=${'x'.repeat(3000)}`, 'it has 3000 characters; at most 2048 are possible'],
    [`after=${Buffer.from('["/",""]').toString('base64url')}`, 'cursor'],
  ])('refuses %s with 400, naming %s', async (query, named) => {
    const refused = await list(`?${query}`);
    expect([refused.status, refused.errors[0]?.title], refused.text).toEqual([400, 'Bad Request']);
    expect(refused.errors[0]?.description).toContain(named);
  });
});
