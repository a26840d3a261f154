import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openObjectStore } from '../../shared/adapters/aws/object-store.ts';
import { touch } from '../../shared/core/object.ts';
import type { ObjectStore } from '../../shared/ports/object-store.ts';
import { childPath, type NamespacePath } from '../../shared/schema/ids.ts';
import { testClock } from '../make/clock.ts';
import {
  create,
  freshTenant,
  makeActivity,
  makeAuthorization,
  makeEnforcer,
  makeNamespace,
  makeNetwork,
} from '../make/objects.ts';
import { installation } from './lane/installation.ts';
import { type Cost, meteredClient } from './lane/meter.ts';
import { freshTable } from './lane/table.ts';

const { connection, has } = installation();
const AT = '2026-03-01T12:00:00.000Z';
/** Objects of the tenant that no question asks for: what is read must not grow with them. */
const OTHERS = 60;

/** What each question and each write costs in DynamoDB, for objects under 1 KB (namespaces: 2 KB). Printed, and held to. */
describe.skipIf(!has('dynamodb'))('requests and capacity units', () => {
  const meter = meteredClient(connection);
  const table: Record<string, Cost> = {};
  let store: ObjectStore;
  let drop: () => Promise<void>;
  let tenant: NamespacePath;
  let path: NamespacePath;
  const network = () => makeNetwork(path, 'n');

  beforeAll(async () => {
    const fresh = await freshTable(connection);
    drop = fresh.drop;
    const clock = { ...testClock(), randomBytes: (size: number) => randomBytes(size) };
    store = openObjectStore({ ...connection, tableName: fresh.tableName, client: meter.client }, clock);
    tenant = freshTenant();
    path = childPath(tenant, 'a');
    await store.commit([create('namespace', makeNamespace(tenant))]);
    await store.commit([create('namespace', makeNamespace(path))]);
    await store.commit([create('namespace', makeNamespace(childPath(tenant, 'b')))]);
    for (let index = 0; index < OTHERS; index += 20)
      await store.commit(
        Array.from({ length: 20 }, () =>
          create('externalnetwork', makeNetwork(childPath(tenant, 'b'), 'other')),
        ),
      );
  });
  afterAll(async () => {
    const rows = Object.entries(table).map(([what, { requests, sequential, read, write }]) => [
      what,
      {
        requests: Object.entries(requests)
          .map(([name, count]) => `${count} ${name}`)
          .join(', '),
        sequential,
        read,
        write,
      },
    ]);
    console.table(Object.fromEntries(rows));
    await drop();
  });

  const costs = async (what: string, work: () => Promise<unknown>, expected: Cost): Promise<void> => {
    const cost = await meter.measure(work);
    table[what] = cost;
    expect(cost).toEqual(expected);
  };

  it('a write with its activity: one transaction', async () => {
    const one = network();
    const step = { kind: 'require', namespace: path } as const;
    const activity = { kind: 'activity', activity: makeActivity(path, one, AT) } as const;
    const changed = touch('externalnetwork', { ...one, description: 'new' }, new Date(AT));
    const at = { TransactWriteItems: 1 };
    await costs('create', () => store.commit([step, create('externalnetwork', one), activity]), {
      requests: at,
      sequential: 1,
      read: 2,
      write: 6,
    });
    const update = {
      kind: 'update',
      resource: 'externalnetwork',
      object: changed,
      seen: one.updateTime,
    } as const;
    await costs('update', () => store.commit([update, activity]), {
      requests: at,
      sequential: 1,
      read: 0,
      write: 5,
    });
    const remove = {
      kind: 'delete',
      resource: 'externalnetwork',
      object: changed,
      seen: changed.updateTime,
    } as const;
    await costs('delete', () => store.commit([remove, activity]), {
      requests: at,
      sequential: 1,
      read: 0,
      write: 4,
    });
  });

  it('a write of something with a unique name, here of 1 to 2 KB: the guard too', async () => {
    const below = makeNamespace(childPath(path, 'x'));
    await costs('create a namespace', () => store.commit([create('namespace', below)]), {
      requests: { TransactWriteItems: 1 },
      sequential: 1,
      read: 0,
      write: 11,
    });
  });

  it('one object by key or by unique name: one consistent read of one item', async () => {
    const one = network();
    await store.commit([create('externalnetwork', one)]);
    const key = { resource: 'externalnetwork', namespace: path, id: one.ID } as const;
    const get = { requests: { GetItem: 1 }, sequential: 1, read: 1, write: 0 };
    await costs('get', () => store.get(key), get);
    await costs('get by name', () => store.getByName('namespace', tenant, path), get);
  });

  it('a list: one query that reads what it returns and one object more', async () => {
    const place = childPath(path, 'list');
    await store.commit(Array.from({ length: 40 }, () => create('externalnetwork', makeNetwork(place, 'n'))));
    const query = { Query: 1 };
    const sized = (objects: number): number => Math.ceil((objects * SIZE) / 4096);
    const SIZE = 900;
    const few = await meter.measure(() => store.list('externalnetwork', place, { limit: 3 }));
    const many = await meter.measure(() => store.list('externalnetwork', place, { limit: 30 }));
    const tree = await meter.measure(() => store.listTree('externalnetwork', place, { limit: 30 }));
    Object.assign(table, { 'list 3 of 40': few, 'list 30 of 40': many, 'list 30 of 40, recursive': tree });
    for (const cost of [few, many, tree])
      expect(cost).toMatchObject({ requests: query, sequential: 1, write: 0 });
    expect(few.read).toBeLessThanOrEqual(sized(4));
    expect(many.read).toBeLessThanOrEqual(sized(31));
    expect(tree.read).toBe(many.read / 2);
  });

  it('a look-up by ID or by an attribute: one query, and one more request for the objects themselves', async () => {
    const enforcer = makeEnforcer(path, 'e', 'machine-1');
    await store.commit([create('enforcer', enforcer)]);
    const cost = { requests: { Query: 1, BatchGetItem: 1 }, sequential: 2, read: 1.5, write: 0 };
    await costs('find by ID', () => store.findBy('enforcer', tenant, 'ID', enforcer.ID), cost);
    await costs('find by attribute', () => store.findBy('enforcer', tenant, 'machineID', 'machine-1'), cost);
  });

  it('a list of what an attribute leads to: two requests that read what they return, a pointer more and nothing of others', async () => {
    const [mine, theirs] = ['mine', 'theirs'].map(enforcer => childPath(path, enforcer));
    if (!mine || !theirs) throw new Error('two namespaces');
    const some = (namespace: NamespacePath, count: number) =>
      Array.from({ length: count }, (_, at) =>
        create('enforcer', makeEnforcer(namespace, `e${at}`, 'twins')),
      );
    await store.commit([...some(mine, 5), ...some(theirs, 40)]);
    const query = { refs: [{ attribute: 'machineID', value: 'twins' }], recursive: true };
    const pages = { requests: { Query: 1, BatchGetItem: 1 }, sequential: 2, write: 0 };
    await costs('list 3 of 5 by attribute', () => store.listBy('enforcer', mine, { ...query, limit: 3 }), {
      ...pages,
      read: 3.5,
    });
    await costs('list all 5 by attribute', () => store.listBy('enforcer', mine, { ...query, limit: 50 }), {
      ...pages,
      read: 5.5,
    });
  });

  it('a poke that is noted: one item, and once in four minutes its place in the index of who may be lost', async () => {
    const enforcer = {
      ...makeEnforcer(path, 'e', 'machine-2'),
      operationalStatus: 'Connected' as const,
      lastPokeTime: AT,
    };
    await store.commit([create('enforcer', enforcer)]);
    const pokedAt = (lastPokeTime: string) => () =>
      store.commit([{ kind: 'refresh', resource: 'enforcer', object: { ...enforcer, lastPokeTime } }]);
    const put = { requests: { PutItem: 1 }, sequential: 1, read: 0 };
    await costs('refresh', pokedAt('2026-03-01T12:01:00.000Z'), { ...put, write: 4 });
    await costs('refresh, the fourth minute', pokedAt('2026-03-01T12:04:00.000Z'), { ...put, write: 6 });
  });

  it('who may be lost: a query for each part of the index, at once, that reads those alone', async () => {
    const at = new Date('2026-03-01T12:05:00.000Z');
    const queries = { requests: { Query: 16 }, sequential: 1, read: 8, write: 0 };
    await costs('who may be lost, nobody', () => store.due('enforcer', at), queries);
  });

  it('all authorizations of a namespace: read once, and after that one small item that tells that none changed', async () => {
    const place = childPath(path, 'authorized');
    const policies = Array.from({ length: 60 }, (_, at) =>
      makeAuthorization(place, `p${at}`, [['@auth:realm=oidc', `@auth:email=${at}`]]),
    );
    for (let from = 0; from < 60; from += 20) {
      const some = policies.slice(from, from + 20);
      await store.commit(some.map(policy => create('apiauthorizationpolicy', policy)));
    }
    const all = () => store.all('apiauthorizationpolicy', place);
    await costs('60 authorizations, the first time', all, {
      requests: { GetItem: 1, Query: 1 },
      sequential: 1,
      read: 17,
      write: 0,
    });
    await costs('60 authorizations, unchanged', all, {
      requests: { GetItem: 1 },
      sequential: 1,
      read: 1,
      write: 0,
    });
  });

  it('a one-use key: one conditional write', async () => {
    await costs('once', () => store.once(tenant, 'jti', 60), {
      requests: { PutItem: 1 },
      sequential: 1,
      read: 0,
      write: 1,
    });
  });
});
