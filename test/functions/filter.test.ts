import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Answer } from '../make/call.ts';
import { openPlane, type Plane } from '../make/plane.ts';

let plane: Plane;
/** What the operation asked the store for: `list enforcer`. */
const reads: string[] = [];
/** `/tenant` holds enforcers e0 to e5 and namespace child, `/tenant/child` holds c0 and c1. */
let tenant: string;
let child: string;
const ids = new Map<string, string>();

const enforcer = async (namespace: string, name: string, more: object = {}): Promise<void> => {
  const body = { name, FQDN: `${name}.example.com`, machineID: `machine-${name}`, ...more };
  ids.set(name, (await plane.root('POST /enforcers', namespace, { body })).object.ID);
};

beforeAll(async () => {
  plane = await openPlane(deps => {
    const noted = new Set<string | symbol>(['get', 'getByName', 'findBy', 'list', 'listTree', 'listBy']);
    const store = new Proxy(deps.store, {
      get(target, name) {
        const method: unknown = Reflect.get(target, name);
        if (!noted.has(name) || typeof method !== 'function') return method;
        return (...sent: unknown[]) => {
          const [first] = sent;
          const resource = typeof first === 'string' ? first : Reflect.get(Object(first), 'resource');
          reads.push(`${String(name)} ${String(resource)}`);
          return Reflect.apply(method, target, sent);
        };
      },
    });
    return { ...deps, store };
  });
  tenant = await plane.tenant();
  child = await plane.namespace(tenant, 'child');
  for (const at of [0, 1, 2, 3, 4, 5]) {
    await enforcer(tenant, `e${at}`, {
      associatedTags: [`half=${at % 2 === 0 ? 'even' : 'odd'}`],
      collectInfo: at > 3,
    });
  }
  await enforcer(child, 'c0', { machineID: 'machine-e0' });
  await enforcer(child, 'c1');
});
afterAll(() => plane.stop());
beforeEach(() => {
  reads.length = 0;
});

const list = (filters: string | string[], more = '', namespace = tenant): Promise<Answer> =>
  plane.root(
    `GET /enforcers?${[filters]
      .flat()
      .map(each => `q=${encodeURIComponent(each)}`)
      .join('&')}${more}`,
    namespace,
  );
const names = (answer: Answer): string[] => answer.list.map(({ name }) => name);
/** Reads of enforcers, which authorization never makes. */
const asked = (): string[] => reads.filter(read => read.endsWith(' enforcer')).sort();

describe('a list with q', () => {
  it.each([
    ['name == e1', ['e1']],
    ['associatedTags contains half=odd', ['e1', 'e3', 'e5']],
    ['name matches "^e[0-2]$" or name == e4 and collectInfo == true', ['e4']],
    ['$name in [e0, e5]', ['e0', 'e5']],
    ['createTime > now("-1h")', ['e0', 'e1', 'e2', 'e3', 'e4', 'e5']],
    ['createTime > now("1h")', []],
  ])('%s holds %j, and the total of these', async (filter, expected) => {
    const answer = await list(filter);
    expect(names(answer), answer.text).toEqual(expected);
    expect(answer.headers['x-count-total']).toBe(String(expected.length));
  });

  it('twice holds what passes either', async () => {
    expect(names(await list(['name == e1', 'name == e4']))).toEqual(['e1', 'e4']);
  });

  it('pages, orders and recurses as without', async () => {
    const odd = 'associatedTags contains half=odd';
    expect(names(await list(odd, '&order=-name&page=2&pagesize=2'))).toEqual(['e1']);
    expect(names(await list('name matches "[01]$"', '&recursive'))).toEqual(['c0', 'c1', 'e0', 'e1']);
    const counted = await plane.root(`HEAD /enforcers?recursive&q=${encodeURIComponent(odd)}`, tenant);
    expect(counted.headers['x-count-total']).toBe('3');
  });

  it('by cursor holds each object that passes once, and reads on until a page has one', async () => {
    const seen: string[] = [];
    let next = '';
    let requests = 0;
    // Pages go by ID, and those of enforcers follow from their machines.
    const last = ['e0', 'e1', 'e2', 'e3', 'e4', 'e5']
      .sort((a, b) => (String(ids.get(a)) < String(ids.get(b)) ? -1 : 1))
      .slice(-2);
    do {
      const answer = await list(
        `name in [${last.join(', ')}] or name == x`,
        `&limit=1${next && `&after=${next}`}`,
      );
      expect(answer.list.length).toBeLessThanOrEqual(1);
      seen.push(...names(answer));
      next = encodeURIComponent(answer.headers['x-next'] ?? '');
      requests += 1;
    } while (next !== '');
    expect([seen, requests]).toEqual([last, 2]);
    expect(asked()).toEqual(Array(6).fill('list enforcer'));
  });

  it.each([
    ['color == red', 'enforcer has no attribute `color`; it has FQDN, ID'],
    ['name == ', 'filter q, character 9: expected `[` or a value, found the end\nname == \n        ^'],
    ['', 'found the end'],
    ['name matches "("', 'RE2'],
  ])('%s is refused with 400', async (filter, said) => {
    const refused = await list(filter);
    expect([refused.status, refused.errors[0]?.title]).toEqual([400, 'Bad Request']);
    expect(refused.errors[0]?.description).toContain(said);
    expect(refused.errors[0]?.data).toMatchObject({ attribute: 'q' });
    expect(asked()).toEqual([]);
  });

  it('more than 16 times is refused', async () => {
    expect((await list(Array(17).fill('name exists'))).status).toBe(400);
  });
});

describe('an index answers without a list', () => {
  const idOf = (name: string): string => ids.get(name) ?? '';

  it('for IDs in one namespace', async () => {
    expect(names(await list(`ID in [${idOf('e3')}, ${idOf('e1')}, ${idOf('c0')}, nonsense]`))).toEqual([
      'e1',
      'e3',
    ]);
    expect(asked()).toEqual(Array(3).fill('get enforcer'));
  });

  it('for IDs in a tree', async () => {
    expect(names(await list(`id == ${idOf('c0')} or id == ${idOf('e0')}`, '&recursive'))).toEqual([
      'c0',
      'e0',
    ]);
    expect(names(await list(`ID == ${idOf('e0')}`, '&recursive', child))).toEqual([]);
    expect(asked()).toEqual(Array(3).fill('findBy enforcer'));
  });

  it('for attributes of index ref, and what it finds is filtered too', async () => {
    expect(names(await list('machineID == machine-e0', '&recursive'))).toEqual(['c0', 'e0']);
    expect(names(await list('machineID == machine-e0'))).toEqual(['e0']);
    expect(names(await list('name != e0 and machineID == machine-e0', '&recursive'))).toEqual(['c0']);
    expect(asked()).toEqual(Array(3).fill('listBy enforcer'));
  });

  it('for nothing of a sibling, whatever it propagates', async () => {
    const sibling = await plane.namespace(tenant, 'sibling');
    const body = { name: 'theirs', entries: ['192.0.2.0/24'], propagate: true };
    const { ID } = (await plane.root('POST /externalnetworks', sibling, { body })).object;
    const answer = await plane.root(`GET /externalnetworks?propagated&recursive&q=ID%20==%20${ID}`, child);
    expect(answer.list).toEqual([]);
  });

  it('for unique names in one namespace', async () => {
    const answer = await plane.root(`GET /namespaces?q=${encodeURIComponent(`name == ${child}`)}`, tenant);
    expect(names(answer)).toEqual([child]);
    expect(reads).not.toContain('list namespace');
  });

  it('for objects of ancestors that propagate', async () => {
    const entries = ['192.0.2.0/24'];
    const networks = async (propagate: boolean) =>
      (await plane.root('POST /externalnetworks', tenant, { body: { name: 'n', entries, propagate } })).object
        .ID;
    const [shown, hidden] = [await networks(true), await networks(false)];
    reads.length = 0;
    const q = encodeURIComponent(`ID in [${shown}, ${hidden}]`);
    const answer = await plane.root(`GET /externalnetworks?propagated&q=${q}`, child);
    expect(answer.list.map(({ ID }) => ID)).toEqual([shown]);
    expect(reads.filter(read => read.endsWith(' externalnetwork'))).toEqual(
      Array(6).fill('get externalnetwork'),
    );
  });

  it('also to the first page by cursor, and then there is no second', async () => {
    const answer = await list(`ID in [${idOf('e3')}, ${idOf('e1')}]`, '&limit=2');
    expect([names(answer), answer.headers['x-next']]).toEqual([['e1', 'e3'], undefined]);
    expect(asked()).toEqual(Array(2).fill('get enforcer'));
  });

  it('no request at all when nothing can pass', async () => {
    expect(names(await list('ID in [] and name exists'))).toEqual([]);
    expect(asked()).toEqual([]);
  });

  it('and everything is read where no index can tell', async () => {
    await list(`ID == ${idOf('e1')} or name == e2`);
    await list('machineID == ""');
    await list(`ID != ${idOf('e1')}`);
    await list(
      `ID in [${Array(26)
        .fill(0)
        .map((_, at) => `x${at}`)}]`,
    );
    expect(asked()).toEqual(Array(4).fill('list enforcer'));
  });

  it('and below the root, where there are many tenants', async () => {
    for (const q of [`ID == ${idOf('c1')}`, 'machineID == machine-c1']) {
      for (const pages of ['', '&limit=10', '&page=1&pagesize=10']) {
        expect(names(await list(q, `&recursive${pages}`, '/'))).toEqual(['c1']);
      }
    }
    expect(new Set(asked())).toEqual(new Set(['listBy enforcer']));
  });

  it('and unique names are looked for one by one in a tree', async () => {
    const answer = await plane.root(
      `GET /namespaces?recursive&q=${encodeURIComponent(`name == ${child}`)}`,
      tenant,
    );
    expect(names(answer)).toEqual([child]);
  });
});
