import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { everyPublication } from '../../functions/publish.ts';
import type { ObjectStore } from '../../shared/ports/object-store.ts';
import { NamespacePath, parentPath } from '../../shared/schema/ids.ts';
import { certificateRequest } from '../make/certificate-request.ts';
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
    expect(late).toBe(409);
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
    const early = await admin('POST /externalnetworks', path, network('n'));
    expect([early.status, early.errors[0]?.description]).toEqual([
      409,
      `namespace \`${path}\` is being deleted: a request looks whether it is empty; try again in a minute`,
    ]);
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
      expect((await admin('POST /externalnetworks', at, network('late'))).status, at).toBe(409);
    }
    expect((await admin(`GET /namespaces/${ID}`, tenant)).status).toBe(404);
    expect((await admin(`GET /namespaces/${deepID}`, parentPath(NamespacePath.parse(deep)))).status).toBe(
      404,
    );
    expect((await admin('POST /namespaces', tenant, { body: { name: 'account' } })).status).toBe(409);
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

describe('a namespace whose removal goes on, or came to a halt', () => {
  let below: string;
  const going = () =>
    `namespace \`${path}\` is being deleted with all below it; when that is done its name is free again.`;
  const refused = ({ status, errors }: Awaited<ReturnType<Caller>>) => [
    status,
    errors[0]?.title,
    errors[0]?.description,
  ];
  const said = () => [409, 'Locked', expect.stringContaining(going())];
  const importing = (namespace: string, data: object) =>
    admin('POST /import', namespace, { body: { data: { label: 'l', data } } });

  beforeEach(async () => {
    below = await plane.namespace(path, 'group');
    expect((await remove(path, '?recursive=true')).status).toBe(200);
  });

  it('takes nothing, and says why and what follows', async () => {
    for (const at of [path, below]) {
      const id = 'a'.repeat(24);
      const body = { name: 'n', entries: ['10.0.0.0/8'] };
      expect(refused(await admin('POST /externalnetworks', at, { body }))).toEqual(said());
      expect(refused(await plane.root('POST /enforcers', at, { body: { name: 'e' } }))).toEqual(said());
      expect(refused(await plane.root(`PATCH /externalnetworks/${id}`, at, { body: {} }))).toEqual(said());
      expect(refused(await plane.root(`DELETE /externalnetworks/${id}`, at))).toEqual(said());
      expect(refused(await importing(at, { externalnetworks: [body] }))).toEqual(said());
      const start = { body: { label: 'l', size: 10 } };
      expect(refused(await admin('POST /imports', at, start))).toEqual(said());
    }
  });

  it('says so to agents too: pokes, credentials and preflights are refused as writes are', async () => {
    const id = 'a'.repeat(24);
    for (const at of [path, below]) {
      for (const line of [
        `GET /enforcers/${id}/poke`,
        `GET /processingunits/${id}/poke`,
        `POST /enforcers/${id}/credentials`,
        'POST /preflights',
      ] as const) {
        expect(
          refused(await plane.root(line, at, line === 'POST /preflights' ? { body: {} } : {})),
          line,
        ).toEqual(said());
      }
    }
    expect((await plane.root(`GET /enforcers/${id}/poke`, `${tenant}/never`)).status).toBe(404);
    expect((await plane.root(`GET /enforcers/${id}`, path)).status).toBe(404);
  });

  it('keeps its name, and says so to who wants it', async () => {
    const body = { name: 'account' };
    expect(refused(await admin('POST /namespaces', tenant, { body }))).toEqual(said());
    expect(refused(await admin('POST /namespaces?dryRun', tenant, { body }))).toEqual(said());
    expect((await admin('POST /namespaces', tenant, { body: { name: 'account-2' } })).status).toBe(200);
  });

  it('is named by an import from above, with the place in the file', async () => {
    const one = { name: 'n', entries: ['10.0.0.0/8'] };
    for (const data of [
      { externalnetworks: [{ ...one, namespace: './account' }] },
      { externalnetworks: [{ ...one, namespace: './account/group' }] },
      { namespaces: [{ name: 'account', type: 'Group' }] },
    ]) {
      const answer = await importing(tenant, data);
      expect([answer.status, answer.errors[0]?.description]).toEqual([
        409,
        expect.stringContaining(`data.${Object.keys(data)[0]}[0]: ${going()}`),
      ]);
    }
  });

  it('is told to nobody who may not write there, and to nobody who reads', async () => {
    const stranger = await plane.member(await plane.tenant(), ['namespace.administrator']);
    expect((await stranger('POST /externalnetworks', path, network('n'))).status).toBe(403);
    const reading = await admin('GET /externalnetworks', path);
    expect([reading.status, reading.text.includes('being deleted')]).toEqual([404, false]);
    expect((await admin('POST /externalnetworks', `${tenant}/never`, network('n'))).status).toBe(404);
  });

  it('says the same where the tenant itself is removed', async () => {
    await plane.root(`DELETE /namespaces/${(await objectAt(tenant)).ID}?recursive=true`, '/');
    const answer = await plane.root('POST /externalnetworks', tenant, network('n'));
    expect(refused(answer)).toEqual([
      409,
      'Locked',
      expect.stringContaining(`namespace \`${tenant}\` is being`),
    ]);
  });
});

describe('a registration with an install token', () => {
  it('opens a namespace again whose deletion died, and is told until then that it is being deleted', async () => {
    const { object } = await plane.root('POST /installtokens', path, { body: { name: 't' } });
    const { ID } = await objectAt(path);
    // What is in there may go first: the deletion dies after it has closed the namespace.
    afterClosing = () => Promise.reject(new Error('killed'));
    expect((await admin(`DELETE /namespaces/${ID}`, tenant)).status).toBe(500);
    const body = {
      token: object.token,
      enforcer: {
        name: 'e',
        machineID: 'm',
        FQDN: 'e.test',
        certificateRequest: (await certificateRequest()).pem,
      },
    };
    const early = await plane.call('POST /registrations', { body });
    expect([early.status, early.errors[0]?.description]).toEqual([
      409,
      expect.stringContaining('try again in a minute'),
    ]);
    plane.clock.advance(61_000);
    expect((await plane.call('POST /registrations', { body })).status).toBe(200);
  });
});
