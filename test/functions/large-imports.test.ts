import { describe, expect, test } from 'vitest';
import { removeOldImports } from '../../functions/events/old-imports.ts';
import { NamespacePath } from '../../shared/schema/ids.ts';
import { IMPORT_LIMITS } from '../../shared/schema/import.ts';
import { begin, contentOf, imported, importing, quickPlane, shown } from '../make/importing.ts';

/** A plane for each test, so that none meets what another one left running. */
const it = test.extend('plane', async ({ task: _ }, { onCleanup }) => {
  const plane = await quickPlane();
  onCleanup(() => plane.stop());
  return plane;
});

const network = (name: string, more: object = {}) => ({ name, entries: ['192.0.2.0/24'], ...more });
const networks = (count: number, more: object = {}) =>
  Array.from({ length: count }, (_, at) => network(`n${at}`, more));

/** Namespaces, and objects in them: more than one part. */
const many = {
  label: 'many',
  data: {
    externalnetworks: [...networks(120, { namespace: './a/b' }), ...networks(230, { namespace: 'a' })],
    networkrulesetpolicies: [{ name: 'web', subject: [['app=web']], namespace: './a/b' }],
    namespaces: [
      { name: 'b', namespace: 'a', type: 'Group' },
      { name: 'a', type: 'CloudAccount' },
    ],
  },
};

describe('an import through the bucket', () => {
  it('tells how many of its objects were looked at and done', async ({ plane }) => {
    const tenant = await plane.tenant();
    const ended = await imported(plane, plane.root, tenant, many);
    expect(ended).toMatchObject({
      status: 'Succeeded',
      reason: '',
      label: 'many',
      total: 353,
      validated: 353,
      applied: 353,
      created: 353,
      failed: 0,
      errors: [],
    });
    expect(ended.events).toMatchObject([
      {
        id: `${ended.ID}-ended`,
        'detail-type': 'ImportEnded',
        detail: { ID: ended.ID, namespace: tenant, status: 'Succeeded', created: 353 },
      },
    ]);
    expect((await plane.root('GET /imports', tenant)).list.map(({ ID }) => ID)).toEqual([ended.ID]);
    const again = await imported(plane, plane.root, tenant, many);
    expect(again).toMatchObject({ status: 'Succeeded', created: 0, updated: 0, unchanged: 353 });
  });

  it('names a namespace that is being deleted, for what goes in there and for its own name', async ({
    plane,
  }) => {
    const tenant = await plane.tenant();
    await plane.namespace(tenant, 'going');
    const [{ ID } = {}] = (await plane.root('GET /namespaces', tenant)).list;
    await plane.root(`DELETE /namespaces/${ID}?recursive=true`, tenant);
    const data = {
      externalnetworks: [network('n', { namespace: './going' })],
      namespaces: [{ name: 'going', type: 'Group' }],
    };
    const ended = await imported(plane, plane.root, tenant, { label: 'l', data });
    const description = expect.stringContaining(`namespace \`${tenant}/going\` is being deleted`);
    expect(ended).toMatchObject({
      status: 'Refused',
      applied: 0,
      errors: [
        { at: 'data.namespaces[0]', title: 'Locked', description },
        { at: 'data.externalnetworks[0]', title: 'Locked', description },
      ],
    });
  });

  it('takes YAML', async ({ plane }) => {
    const tenant = await plane.tenant();
    const yaml = 'label: y\ndata:\n  externalnetworks:\n    - name: office\n      entries: [192.0.2.0/24]\n';
    expect(await imported(plane, plane.root, tenant, yaml, { format: 'yaml' })).toMatchObject({
      status: 'Succeeded',
      created: 1,
      label: 'y',
    });
  });

  it('takes nothing for what a mapping means that is left out: what an earlier file made of its name goes', async ({
    plane,
  }) => {
    const tenant = await plane.tenant();
    const mapping = (subject: string) => ({ name: 'one', subject: [[subject]], mappedNamespace: 'x' });
    await imported(plane, plane.root, tenant, { data: { nsmap: [mapping('app=web')] } }, { label: 'l' });
    const both = { data: { nsmap: [mapping('$identity=enforcer'), mapping('app=web')] } };
    expect(await imported(plane, plane.root, tenant, both, { label: 'l' })).toMatchObject({
      status: 'Succeeded',
      leftOut: 1,
      unchanged: 1,
    });
    const left = { data: { nsmap: [mapping('$identity=enforcer')] } };
    const spec = { label: 'l', deleteMissing: true };
    expect(await imported(plane, plane.root, tenant, left, spec)).toMatchObject({ leftOut: 1, removed: 1 });
    expect(await contentOf(plane, tenant)).toEqual([]);
  });

  it('changes of several objects of one name the same one, whenever they were made', async ({ plane }) => {
    const ruleset = (role: string) => ({ name: 'twin', subject: [[`role=${role}`]] });
    const file = (...roles: string[]) => ({ data: { networkrulesetpolicies: roles.map(ruleset) } });
    const body = (...roles: string[]) => ({ data: { ...file(...roles), label: 'l' } });
    const contents: string[][] = [];
    for (const sent of [
      'by request',
      'by request',
      'by request',
      'through the bucket',
      'through the bucket',
    ]) {
      const tenant = await plane.tenant();
      await plane.root('POST /import', tenant, { body: body('a', 'b') });
      if (sent === 'by request') await plane.root('POST /import', tenant, { body: body('c') });
      else await imported(plane, plane.root, tenant, file('c'), { label: 'l' });
      contents.push(await contentOf(plane, tenant));
    }
    expect(contents).toEqual(contents.map(() => contents[0]));
  });

  it('applies nothing when anything is wrong, and names each bad object by its place', async ({ plane }) => {
    const tenant = await plane.tenant();
    const bad = {
      data: {
        ...many.data,
        externalnetworks: many.data.externalnetworks
          .with(7, network('bad', { entries: ['10.0.0.0/33'], namespace: 'a' }))
          .with(300, network('bad', { colour: 'red', namespace: 'a' })),
      },
    };
    const ended = await imported(plane, plane.root, tenant, bad, { label: 'many' });
    expect(ended).toMatchObject({ status: 'Refused', failed: 2, applied: 0, total: 353 });
    expect(ended.errors).toMatchObject([
      {
        at: 'data.externalnetworks[7]',
        title: 'Validation Error',
        description: expect.stringContaining("'entries[0]'"),
      },
      { at: 'data.externalnetworks[300]', description: expect.stringContaining("'colour'") },
    ]);
    expect(ended.reason).toMatch(
      /^2 of 353 objects were refused, first data\.externalnetworks\[7\]: .*nothing was applied$/,
    );
    expect(await contentOf(plane, tenant)).toEqual([]);
  });

  it.for([
    [{ data: { colours: [{}] } }, {}, 'data.colours[0]'],
    [{ data: { externalnetworks: [network('x', { namespace: '/b' })] } }, {}, 'data.externalnetworks[0]'],
    [{ data: { appcredentials: [{ name: 'a' }] } }, {}, 'data.appcredentials[0]'],
    [{ data: { namespaces: [{ name: 'a' }, { name: 'a' }] } }, {}, 'data.namespaces[1]'],
    [{ data: { externalnetworks: [network('x', { namespace: 'x' })] } }, {}, 'data.externalnetworks[0]'],
    ['{"data":{"externalnetworks":[{"name":"x"', {}, ''],
    [{ data: {} }, { deleteMissing: true }, ''],
  ] as const)('refuses %j with %j, and says where', async ([document, spec, at], { plane }) => {
    const tenant = await plane.tenant();
    const ended = await imported(plane, plane.root, tenant, document, spec);
    expect([ended.status, ended.errors[0]?.at], ended.reason).toEqual(['Refused', at]);
    expect(await contentOf(plane, tenant)).toEqual([]);
  });

  it(`tells the first ${IMPORT_LIMITS.errors} errors and looks no further`, async ({ plane }) => {
    const tenant = await plane.tenant();
    const ended = await imported(plane, plane.root, tenant, {
      data: { externalnetworks: networks(900, { entries: [] }) },
    });
    expect([ended.status, ended.errors.length]).toEqual(['Refused', IMPORT_LIMITS.errors]);
    expect(ended.validated).toBeLessThan(900);
  });

  it('is refused when nothing was uploaded', async ({ plane }) => {
    const tenant = await plane.tenant();
    const created = await plane.root('POST /imports', tenant, { body: { size: 3 } });
    await plane.root(`POST /imports/${created.object.ID}/start`, tenant);
    const { deliver, finish } = importing(plane);
    await deliver();
    await finish();
    expect(await shown(plane.root, tenant, created.object.ID)).toMatchObject({
      status: 'Refused',
      reason: expect.stringContaining('no document was uploaded'),
    });
  });

  it('only looks when it is told to', async ({ plane }) => {
    const tenant = await plane.tenant();
    expect(await imported(plane, plane.root, tenant, many, { validateOnly: true })).toMatchObject({
      status: 'Succeeded',
      validated: 353,
      applied: 0,
    });
    expect(await contentOf(plane, tenant)).toEqual([]);
  });

  it('asks for the size of a document, unless it takes none', async ({ plane }) => {
    const tenant = await plane.tenant();
    expect((await plane.root('POST /imports', tenant, { body: {} })).errors[0]?.data).toMatchObject({
      attribute: 'size',
    });
    const removes = await plane.root('POST /imports', tenant, { body: { mode: 'Remove', label: 'x' } });
    expect(removes.object).not.toHaveProperty('upload');
    const takes = await plane.root('POST /imports', tenant, { body: { size: 7 } });
    expect(takes.object).toMatchObject({ upload: { method: 'PUT', headers: { 'content-length': '7' } } });
  });
});

describe('rights', () => {
  it('are those of whoever starts it, on every object', async ({ plane }) => {
    const tenant = await plane.tenant();
    const rulesets = await plane.member(tenant, ['ruleset.administrator']);
    expect((await rulesets('POST /imports', tenant, { body: { size: 1 } })).status).toBe(403);
    const importer = await plane.member(tenant, ['namespace.importer', 'ruleset.administrator']);
    const refused = await imported(plane, importer, tenant, { data: { externalnetworks: networks(1) } });
    expect(refused).toMatchObject({
      status: 'Refused',
      errors: [{ title: 'Forbidden', at: 'data.externalnetworks[0]' }],
    });
    const own = { data: { networkrulesetpolicies: [{ name: 'web', subject: [['app=web']] }] } };
    expect(await imported(plane, importer, tenant, own)).toMatchObject({ status: 'Succeeded', created: 1 });
    const grants = {
      data: {
        apiauthorizationpolicies: [
          {
            name: 'more',
            subject: [['@auth:realm=certificate', '@auth:subject=me']],
            authorizedIdentities: ['@auth:role=namespace.administrator'],
            authorizedNamespace: '.',
          },
        ],
      },
    };
    const editor = await plane.member(tenant, ['namespace.importer', 'infrastructure.administrator']);
    expect(await imported(plane, editor, tenant, grants)).toMatchObject({
      status: 'Refused',
      errors: [{ title: 'Forbidden' }],
    });
  });

  it('that come after the start do not count, and a credential that is revoked ends it', async ({
    plane,
  }) => {
    const tenant = await plane.tenant();
    const credential = await plane.credential(tenant, ['namespace.importer']);
    const importer = await plane.as(credential);
    const late = await begin(plane, importer, tenant, { data: { externalnetworks: networks(1) } });
    const body = {
      name: 'late',
      subject: [['@auth:realm=certificate', `@auth:subject=${credential.ID}`]],
      authorizedIdentities: ['@auth:role=namespace.administrator'],
      authorizedNamespace: tenant,
    };
    expect((await plane.root('POST /apiauthorizationpolicies', tenant, { body })).status).toBe(200);
    const revoked = await begin(plane, importer, tenant, { data: { externalnetworks: networks(1) } });
    const first = importing(plane);
    await first.deliver();
    await first.finish();
    expect(await shown(plane.root, tenant, late.ID)).toMatchObject({
      status: 'Refused',
      errors: [{ title: 'Forbidden' }],
    });
    expect(await shown(plane.root, tenant, revoked.ID)).toMatchObject({ status: 'Succeeded' });
    const third = await begin(plane, importer, tenant, { data: { externalnetworks: networks(1) } });
    await plane.root(`DELETE /appcredentials/${credential.ID}`, tenant);
    const second = importing(plane);
    await second.deliver();
    await second.finish();
    expect(await shown(plane.root, tenant, third.ID)).toMatchObject({
      status: 'Refused',
      errors: [{ title: 'Unauthorized', at: '' }],
    });
  });

  it('are asked for in the namespace of the import, also to see it', async ({ plane }) => {
    const [tenant, other] = [await plane.tenant(), await plane.tenant()];
    const { ID } = await begin(plane, plane.root, tenant, many);
    const foreign = await plane.member(other, ['namespace.administrator']);
    expect((await foreign(`GET /imports/${ID}`, tenant)).status).toBe(403);
    expect((await foreign(`GET /imports/${ID}`, other)).status).toBe(404);
    expect((await foreign(`POST /imports/${ID}/cancel`, tenant)).status).toBe(403);
    const viewer = await plane.member(tenant, ['namespace.viewer']);
    expect((await viewer(`GET /imports/${ID}`, tenant)).status).toBe(200);
    expect((await viewer(`POST /imports/${ID}/cancel`, tenant)).status).toBe(403);
  });
});

describe('an import that goes on', () => {
  it('is started once, and not beside another one of its label', async ({ plane }) => {
    const tenant = await plane.tenant();
    const one = await begin(plane, plane.root, tenant, many, { label: 'l' });
    expect((await plane.root(`POST /imports/${one.ID}/start`, tenant)).object).toMatchObject({
      status: 'Queued',
    });
    await expect(begin(plane, plane.root, tenant, many, { label: 'l' })).rejects.toThrow(
      `import ${one.ID} with the label`,
    );
    await begin(plane, plane.root, tenant, many, { label: 'm' });
  });

  it('ends where it is cancelled, and counts exactly what is there', async ({ plane }) => {
    const tenant = await plane.tenant();
    const { ID } = await begin(plane, plane.root, tenant, many);
    let writes = 0;
    const store: typeof plane.deps.store = {
      ...plane.deps.store,
      commit: async all => {
        await plane.deps.store.commit(all);
        const isOwn = all.some(write => write.kind === 'create' && write.object.namespace.startsWith(tenant));
        if (!isOwn || ++writes !== 3) return;
        const cancelled = await plane.root(`POST /imports/${ID}/cancel`, tenant);
        expect(cancelled.status, cancelled.text).toBe(200);
      },
    };
    const { deliver, finish } = importing(plane, { store });
    await deliver();
    await finish();
    const ended = await shown(plane.root, tenant, ID);
    expect(ended).toMatchObject({
      status: 'Cancelled',
      reason: expect.stringContaining('of 353 objects were applied'),
    });
    expect(ended.applied).toBeGreaterThan(0);
    expect(await contentOf(plane, tenant)).toHaveLength(ended.created);
    expect((await plane.root(`POST /imports/${ID}/cancel`, tenant)).status).toBe(409);
    expect(await imported(plane, plane.root, tenant, many)).toMatchObject({
      status: 'Succeeded',
      unchanged: ended.created,
      created: 353 - ended.created,
    });
  });

  it('stops where something has changed since it was looked at, and counts exactly what is there', async ({
    plane,
  }) => {
    const tenant = await plane.tenant();
    const { ID } = await begin(plane, plane.root, tenant, many);
    let taken = false;
    const store: typeof plane.deps.store = {
      ...plane.deps.store,
      commit: async all => {
        const starts = all.some(
          write =>
            write.kind === 'update' &&
            write.object.ID === ID &&
            Reflect.get(write.object, 'status') === 'Applying',
        );
        if (starts && !taken) {
          taken = true;
          await plane.root('POST /namespaces', tenant, { body: { name: 'a' } });
          await plane.root('POST /namespaces', `${tenant}/a`, { body: { name: 'b' } });
        }
        await plane.deps.store.commit(all);
      },
    };
    const { deliver, finish } = importing(plane, { store });
    await deliver();
    await finish();
    const ended = await shown(plane.root, tenant, ID);
    expect(ended).toMatchObject({
      status: 'Failed',
      applied: 0,
      errors: [{ at: 'data.namespaces[1]', title: 'Duplicate Key' }],
    });
    expect(ended.reason).toContain('0 of 353 objects were applied; import it again with the label `many`');
  });

  it('leaves who did what in the activity log', async ({ plane }) => {
    const tenant = await plane.tenant();
    const { ID } = await imported(plane, plane.root, tenant, { data: { externalnetworks: networks(1) } });
    const { items } = await plane.deps.store.activities(NamespacePath.parse(tenant), { limit: 20 });
    const told = items.map(({ operation, targetIdentity, requestID, claims }) => [
      operation,
      targetIdentity,
      requestID === ID,
      claims.includes('@auth:realm=system'),
    ]);
    expect(told.map(String).sort()).toEqual([
      'create,externalnetwork,true,false',
      'create,import,false,false',
      'update,import,false,false',
      'update,import,true,true',
    ]);
  });

  it('is forgotten some time after it ended, or was never started', async ({ plane }) => {
    const tenant = await plane.tenant();
    await imported(plane, plane.root, tenant, { data: {} });
    await plane.root('POST /imports', tenant, { body: { size: 1 } });
    const count = async () =>
      (await plane.deps.store.list('import', NamespacePath.parse(tenant), { limit: 10 })).items.length;
    const left = async () => {
      const { removed } = await removeOldImports(plane.deps);
      return [removed > 0, await count()];
    };
    expect(await count()).toBe(2);
    plane.clock.advance(IMPORT_LIMITS.uploadHours * 3_600_000);
    expect(await left()).toEqual([true, 1]);
    plane.clock.advance(IMPORT_LIMITS.keptDays * 24 * 3_600_000);
    expect(await left()).toEqual([true, 0]);
  });
});
