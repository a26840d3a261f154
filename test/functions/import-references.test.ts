import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Caller, openPlane, type Plane } from '../make/plane.ts';

let plane: Plane;
let tenant: string;
let shop: string;
let admin: Caller;

beforeAll(async () => {
  plane = await openPlane();
  tenant = await plane.tenant();
  shop = await plane.namespace(tenant, 'shop');
  admin = await plane.member(tenant, ['namespace.administrator']);
});
afterAll(() => plane.stop());

const networks = (...names: string[]) => ({
  data: { externalnetworks: names.map(name => ({ name, entries: ['192.0.2.0/24'] })) },
});
const reference = (more: object, namespace = shop, by = admin) =>
  by('POST /importreferences', namespace, { body: { name: 'ref', ...more } });
const there = async (): Promise<string[]> =>
  JSON.parse((await admin('GET /externalnetworks', shop)).text).map(({ name }: { name: string }) => name);

describe('an import reference', () => {
  it('brings its objects, changes them and takes them with it', async () => {
    const made = await reference({ label: 'nets', data: networks('a', 'b') });
    expect([made.status, await there()]).toEqual([200, ['a', 'b']]);
    expect(made.headers['x-messages']).toContain('imported: 2 created, 0 updated, 0 unchanged, 0 removed');
    expect(made.object).toMatchObject({
      label: 'nets',
      claims: expect.arrayContaining(['@auth:realm=certificate']),
    });
    const path = `/importreferences/${made.object.ID}` as const;
    const changed = await admin(`PATCH ${path}`, shop, { body: { data: networks('b', 'c') } });
    expect([changed.status, await there()]).toEqual([200, ['b', 'c']]);
    expect(changed.headers['x-messages']).toContain('1 created, 0 updated, 1 unchanged, 1 removed');
    const gone = await admin(`DELETE ${path}`, shop);
    expect([gone.status, await there()]).toEqual([200, []]);
  });

  it('is found by any of its names, and has a label of its own when none is given', async () => {
    const { object } = await reference({ data: networks('x') });
    expect(object.label).toBe(`reference-${object.ID}`);
    const listed = await admin('GET /importreferences?q=name == ref', shop);
    expect(JSON.parse(listed.text)).toHaveLength(1);
    await admin(`DELETE /importreferences/${object.ID}`, shop);
  });

  it.each([
    ['Unique', () => tenant, 422],
    ['Unique', () => shop, 422],
    ['NamespaceUnique', () => shop, 422],
    ['NamespaceUnique', () => tenant, 200],
    ['Unrestricted', () => shop, 200],
  ] as const)('that is %s shares its label as far as that goes', async (constraint, where, status) => {
    const first = await reference({ label: 'shared' });
    const second = await reference({ label: 'shared', constraint }, where());
    expect(second.status, second.text).toBe(status);
    if (status === 422) expect(second.errors[0]?.data?.attribute).toBe('label');
    for (const { object } of status === 200 ? [first, second] : [first])
      await admin(`DELETE /importreferences/${object.ID}`, object.namespace as string);
  });

  it('imports no more than its maker may, and nothing when it may not', async () => {
    const by = await plane.member(shop, ['namespace.viewer']);
    expect((await reference({ data: networks('no') }, shop, by)).status).toBe(403);
    const wrong = await reference({
      data: { data: { externalnetworks: [{ name: 'x', entries: ['nowhere/99'] }] } },
    });
    expect([wrong.status, await there()]).toEqual([422, []]);
    expect(wrong.errors[0]?.description).toContain('externalnetworks[0]');
  });

  it('is not removed while it is protected, and neither are its objects', async () => {
    const { object } = await reference({ label: 'kept', data: networks('kept'), protected: true });
    const path = `/importreferences/${object.ID}` as const;
    expect([(await admin(`DELETE ${path}`, shop)).status, await there()]).toEqual([409, ['kept']]);
    expect([(await admin(`DELETE ${path}?override`, shop)).status, await there()]).toEqual([200, []]);
  });

  it('changes nothing in a dry run', async () => {
    const made = await admin('POST /importreferences?dryRun', shop, {
      body: { name: 'dry', data: networks('dry') },
    });
    expect([made.status, await there()]).toEqual([200, []]);
  });
});
