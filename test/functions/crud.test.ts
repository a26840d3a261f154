import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { identities, resourceOf } from '../../shared/schema/resources.ts';
import { openPlane, type Plane } from '../make/plane.ts';
import { minimal } from './inputs.ts';

let plane: Plane;
beforeAll(async () => {
  plane = await openPlane();
});
afterAll(() => plane.stop());

describe.each(identities)('%s', identity => {
  const { plural } = resourceOf(identity);

  it('goes round: create, get, list, count, full and sparse update, delete', async () => {
    const tenant = await plane.tenant();
    const admin = await plane.member(tenant, ['namespace.administrator']);
    const before = Number((await admin(`HEAD /${plural}`, tenant)).headers['x-count-total']);

    const created = await admin(`POST /${plural}`, tenant, { body: minimal(tenant)[identity] });
    expect(created.status, created.text).toBe(200);
    const { credentials: _, token: __, ...made } = created.object;
    const one = `/${plural}/${made.ID}` as const;

    const got = await admin(`GET ${one}`, tenant);
    expect(got.object).toEqual(made);
    const listed = await admin(`GET /${plural}`, tenant);
    expect(listed.list).toContainEqual(made);
    expect(listed.headers['x-count-total']).toBe(String(before + 1));
    const counted = await admin(`HEAD /${plural}`, tenant);
    expect([counted.status, counted.headers['x-count-total'], counted.text]).toEqual([
      204,
      String(before + 1),
      '',
    ]);

    const put = await admin(`PUT ${one}`, tenant, { body: { ...made, description: 'put' } });
    expect(put.status, put.text).toBe(200);
    expect(put.object).toEqual({ ...made, description: 'put', updateTime: put.object.updateTime });
    expect(put.object.updateTime > made.updateTime).toBe(true);

    const patched = await admin(`PATCH ${one}`, tenant, { body: { description: 'patched' } });
    expect(patched.object).toEqual({
      ...made,
      description: 'patched',
      updateTime: patched.object.updateTime,
    });
    expect((await admin(`GET ${one}`, tenant)).object).toEqual(patched.object);

    const deleted = await admin(`DELETE ${one}`, tenant);
    expect([deleted.status, deleted.object]).toEqual([200, patched.object]);
    for (const method of ['GET', 'PUT', 'PATCH', 'DELETE'] as const) {
      const gone = await admin(`${method} ${one}`, tenant, method.startsWith('P') ? { body: {} } : {});
      expect([gone.status, gone.errors[0]?.description]).toEqual([
        404,
        `no ${identity} with the ID \`${made.ID}\` in ${tenant}`,
      ]);
    }
    expect((await admin(`HEAD /${plural}`, tenant)).headers['x-count-total']).toBe(String(before));
  });
});

describe('an update', () => {
  it('clears what a full one leaves out, and keeps what a sparse one leaves out', async () => {
    const tenant = await plane.tenant();
    const expirationTime = '2027-01-01T00:00:00.000Z';
    const body = { ...minimal(tenant).apiauthorizationpolicy, description: 'long', expirationTime };
    const { object } = await plane.root('POST /apiauthorizationpolicies', tenant, { body });
    const one = `/apiauthorizationpolicies/${object.ID}` as const;
    const sparse = await plane.root(`PATCH ${one}`, tenant, { body: { name: 'other' } });
    expect(sparse.object).toMatchObject({ name: 'other', description: 'long', expirationTime });
    const full = await plane.root(`PUT ${one}`, tenant, {
      body: { ...minimal(tenant).apiauthorizationpolicy, updateTime: sparse.object.updateTime },
    });
    expect(full.object).toMatchObject({ name: 'auth', description: '' });
    expect(full.object).not.toHaveProperty('expirationTime');
  });

  it('of ten at once over the same version, lets one through and refuses nine with 409', async () => {
    const tenant = await plane.tenant();
    const { object } = await plane.root('POST /enforcerprofiles', tenant, { body: { name: 'profile' } });
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, at) =>
        plane.root(`PATCH /enforcerprofiles/${object.ID}`, tenant, {
          body: { name: `name-${at}`, updateTime: object.updateTime },
        }),
      ),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(9).fill(409)]);
  });

  it('renames what the computed tags say', async () => {
    const tenant = await plane.tenant();
    const { object } = await plane.root('POST /enforcerprofiles', tenant, { body: { name: 'old' } });
    const { object: renamed } = await plane.root(`PATCH /enforcerprofiles/${object.ID}`, tenant, {
      body: { name: 'new', associatedTags: ['role=db'] },
    });
    expect(renamed.normalizedTags).toEqual([
      `$id=${object.ID}`,
      '$identity=enforcerprofile',
      '$name=new',
      `$namespace=${tenant}`,
      'role=db',
    ]);
  });
});

describe('a protected object', () => {
  it('stays until it is unprotected or the caller overrides', async () => {
    const tenant = await plane.tenant();
    const make = async () =>
      (await plane.root('POST /enforcerprofiles', tenant, { body: { name: 'kept', protected: true } }))
        .object;
    const first = await make();
    const one = `/enforcerprofiles/${first.ID}` as const;
    const refused = [
      await plane.root(`DELETE ${one}`, tenant),
      await plane.root(`PATCH ${one}`, tenant, { body: { name: 'lost' } }),
      await plane.root(`PUT ${one}`, tenant, { body: { ...first, name: 'lost' } }),
    ];
    expect(refused.map(({ status, errors }) => `${status} ${errors[0]?.title}`)).toEqual(
      Array.from({ length: 3 }, () => '409 Locked'),
    );
    expect(refused[0]?.errors[0]?.description).toBe(
      `enforcerprofile ${first.ID} is protected; set protected to false first, or add override=true`,
    );
    // As with every flag of the original, being there is enough.
    const over = await plane.root(`PATCH ${one}?override=false`, tenant, { body: { name: 'over' } });
    expect(over.object.name).toBe('over');
    expect((await plane.root(`PATCH ${one}`, tenant, { body: { protected: false } })).status).toBe(200);
    expect((await plane.root(`DELETE ${one}`, tenant)).status).toBe(200);
    const second = await make();
    expect((await plane.root(`DELETE /enforcerprofiles/${second.ID}?override`, tenant)).status).toBe(200);
  });
});

describe('a namespace', () => {
  it('takes its path from X-Namespace and its own short name', async () => {
    const tenant = await plane.tenant();
    const { object } = await plane.root('POST /namespaces', tenant, {
      body: { name: 'prod', type: 'Group' },
    });
    expect(object).toMatchObject({
      name: `${tenant}/prod`,
      namespace: tenant,
      organizationalMetadata: ['@org:group=prod'],
    });
  });

  it('is not deleted before what it holds, and says what that is', async () => {
    const tenant = await plane.tenant();
    const child = await plane.namespace(tenant, 'child');
    await plane.namespace(child, 'grandchild');
    const profile = await plane.root('POST /enforcerprofiles', child, { body: { name: 'profile' } });
    const [object] = (await plane.root('GET /namespaces', tenant)).list;
    const refused = await plane.root(`DELETE /namespaces/${object?.ID}`, tenant);
    expect([refused.status, refused.errors[0]?.description]).toEqual([
      409,
      `namespace ${child} is not empty: it holds 1 enforcerprofiles, 1 namespaces; delete them first, or add recursive=true`,
    ]);
    const [grandchild] = (await plane.root('GET /namespaces', child)).list;
    await plane.root(`DELETE /namespaces/${grandchild?.ID}`, child);
    await plane.root(`DELETE /enforcerprofiles/${profile.object.ID}`, child);
    expect((await plane.root(`DELETE /namespaces/${object?.ID}`, tenant)).status).toBe(200);
    const late = await plane.root('POST /enforcerprofiles', child, { body: { name: 'profile' } });
    expect(late.status).toBe(404);
  });

  it('takes nothing in that was on its way when it was deleted', async () => {
    let beforeCommit = async (): Promise<void> => {};
    const slow = await openPlane(deps => ({
      ...deps,
      store: {
        ...deps.store,
        commit: async writes => {
          const between = beforeCommit;
          beforeCommit = async () => {};
          await between();
          return deps.store.commit(writes);
        },
      },
    }));
    const tenant = await slow.tenant();
    const [object] = (await slow.root('GET /namespaces', '/')).list;
    beforeCommit = async () => {
      expect((await slow.root(`DELETE /namespaces/${object?.ID}`, '/')).status).toBe(200);
    };
    const late = await slow.root('POST /enforcerprofiles', tenant, { body: { name: 'late' } });
    await slow.stop();
    expect([late.status, late.errors[0]?.description]).toEqual([404, `no namespace \`${tenant}\``]);
  });

  it('hands its organizational metadata to what is created in it and below', async () => {
    const tenant = await plane.tenant();
    const body = { name: 'team', organizationalMetadata: ['@org:team=a'], type: 'Group' };
    const team = (await plane.root('POST /namespaces', tenant, { body })).object.name;
    const below = await plane.namespace(team, 'below');
    const { object } = await plane.root('POST /externalnetworks', below, {
      body: { name: 'office', entries: ['192.0.2.0/24'] },
    });
    expect(object.metadata).toEqual(['@org:team=a', '@org:group=team']);
  });

  it('keeps the tag of its type when its organizational metadata is replaced, unless another is said', async () => {
    const tenant = await plane.tenant();
    const body = { name: 'team', type: 'Group' };
    const { object } = await plane.root('POST /namespaces', tenant, { body });
    const replaced = async (organizationalMetadata: string[]) =>
      (await plane.root(`PATCH /namespaces/${object.ID}`, tenant, { body: { organizationalMetadata } }))
        .object.organizationalMetadata;
    expect(await replaced(['@org:team=b'])).toEqual(['@org:team=b', '@org:group=team']);
    expect(await replaced([])).toEqual(['@org:group=team']);
    expect(await replaced(['@org:group=other'])).toEqual(['@org:group=other']);
  });
});

describe('a cloud account', () => {
  it('added at the root makes the tenant that prismaID names, and waits for its workflow', async () => {
    const body = { ...minimal('/').cloudaccount, prismaID: '826920578209172635' };
    const { object } = await plane.root('POST /cloudaccounts', '/', { body });
    expect(object).toMatchObject({ namespace: '/826920578209172635', status: 'Pending' });
    expect((await plane.root('GET /namespaces', '/')).list).toContainEqual(
      expect.objectContaining({ name: '/826920578209172635', type: 'Tenant' }),
    );
  });

  it('that is refused leaves no tenant behind', async () => {
    const body = { name: 'aws dev', accountID: '1', provider: 'aws', prismaID: 'never' };
    expect((await plane.root('POST /cloudaccounts', '/', { body })).status).toBe(422);
    const { list } = await plane.root('GET /namespaces', '/');
    expect(list.map(({ name }) => name)).not.toContain('/never');
  });

  it.each([
    ['at the root without a tenant', '', {}, 'prismaID'],
    ['for another tenant than the one it is added to', 'tenant', { prismaID: 'other' }, 'prismaID'],
    ['twice', 'tenant', {}, 'accountID'],
  ])('is refused %s', async (title, where, more, attribute) => {
    const tenant = where === '' ? '/' : await plane.tenant();
    const body = { ...minimal(tenant).cloudaccount, ...more };
    if (title === 'twice') await plane.root('POST /cloudaccounts', tenant, { body });
    const refused = await plane.root('POST /cloudaccounts', tenant, { body });
    expect([refused.status, refused.errors[0]?.data?.attribute]).toEqual([422, attribute]);
  });

  it('is refused below a tenant, naming where it belongs', async () => {
    const tenant = await plane.tenant();
    const child = await plane.namespace(tenant, 'child');
    const refused = await plane.root('POST /cloudaccounts', child, { body: minimal(child).cloudaccount });
    expect([refused.status, refused.errors[0]?.description]).toEqual([
      400,
      `cloud accounts are added to a tenant; set X-Namespace to ${tenant}`,
    ]);
  });
});

describe("an enforcer's bundle credentials", () => {
  it('are for the bundle of its namespace and name what must be bound into it', async () => {
    const tenant = await plane.tenant();
    const group = await plane.namespace(tenant, 'group');
    const agent = await plane.member(group, ['enforcer']);
    const { object } = await agent('POST /enforcers', group, { body: minimal(group).enforcer });
    const { status, text } = await agent(`POST /enforcers/${object.ID}/credentials`, group);
    const [namespace] = (await plane.root('GET /namespaces', tenant)).list;
    expect(status, text).toBe(200);
    expect(JSON.parse(text)).toMatchObject({
      tenant,
      namespace: group,
      namespaceID: namespace?.ID,
      url: `https://api.test/bundles/${namespace?.ID}`,
    });
  });

  it('are refused for an enforcer of another namespace', async () => {
    const tenant = await plane.tenant();
    const [one, other] = [await plane.namespace(tenant, 'one'), await plane.namespace(tenant, 'other')];
    const { object } = await plane.root('POST /enforcers', one, { body: minimal(one).enforcer });
    expect((await plane.root(`POST /enforcers/${object.ID}/credentials`, other)).status).toBe(404);
    expect((await plane.root('POST /enforcers', '/', { body: minimal('/').enforcer })).status).toBe(422);
  });
});
