import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { endStuckImports } from '../../../functions/events/stuck-imports.ts';
import { planImport } from '../../../functions/tasks/plan-import.ts';
import type { ObjectStore } from '../../../shared/ports/object-store.ts';
import { fail } from '../../../shared/schema/failure.ts';
import { NamespacePath } from '../../../shared/schema/ids.ts';
import { begin, imported, importing, quickPlane, shown } from '../../make/importing.ts';
import type { Plane } from '../../make/plane.ts';

let plane: Plane;
beforeAll(async () => {
  plane = await quickPlane();
});
afterAll(() => plane.stop());

const LABEL = { label: 'l' };
const networks = (name: string, count = 3) => ({
  data: {
    externalnetworks: Array.from({ length: count }, (_, at) => ({
      name: `${name}${at}`,
      entries: ['192.0.2.0/24'],
    })),
  },
});

/** An import with its document in its place, not yet started. */
async function prepared(tenant: string, document: object, spec: object = {}): Promise<string> {
  const text = JSON.stringify(document);
  const body = { size: text.length, ...spec };
  const { ID } = (await plane.root('POST /imports', tenant, { body })).object;
  await plane.deps.bucket.put(`uploads/${ID}`, Buffer.from(text), { contentType: 'x' });
  return ID;
}

const start = (tenant: string, ID: string) => plane.root(`POST /imports/${ID}/start`, tenant);

async function finish(options: Parameters<typeof importing>[1] = {}) {
  const work = importing(plane, options);
  await work.deliver();
  await work.finish();
  return work;
}

const labels = async (tenant: string) =>
  (await plane.deps.store.list('importlabel', NamespacePath.parse(tenant), { limit: 9 })).items;

describe('imports under one label in one namespace', () => {
  it('do not begin together: of many that are started at one moment one is, and the others name it', async () => {
    const tenant = await plane.tenant();
    const IDs = await Promise.all(
      Array.from({ length: 8 }, (_, at) => prepared(tenant, networks(`n${at}-`), LABEL)),
    );
    const answers = await Promise.all(IDs.map(ID => start(tenant, ID)));
    const [won, ...more] = IDs.filter((_, at) => answers[at]?.status === 200);
    expect(more).toEqual([]);
    for (const { status, text } of answers.filter(each => each.status !== 200)) {
      expect(status).toBe(409);
      expect(text).toContain(`import ${won} with the label`);
    }
    // Those that lost hold no rights, and may be started when the other one is over.
    const path = NamespacePath.parse(tenant);
    expect((await plane.deps.store.list('importrights', path, { limit: 9 })).items).toHaveLength(1);
    await finish();
    const lost = IDs.find(ID => ID !== won) ?? '';
    expect((await start(tenant, lost)).status).toBe(200);
    await finish();
    expect(await shown(plane.root, tenant, lost)).toMatchObject({ status: 'Succeeded', created: 3 });
  });

  it('do not go on together when only their documents say the label', async () => {
    const tenant = await plane.tenant();
    const IDs = [
      await prepared(tenant, { ...networks('a'), ...LABEL }),
      await prepared(tenant, { ...networks('b'), ...LABEL }),
    ];
    expect((await Promise.all(IDs.map(ID => start(tenant, ID)))).map(({ status }) => status)).toEqual([
      200, 200,
    ]);
    // Both are planned before either goes on.
    const namespace = NamespacePath.parse(tenant);
    for (const ID of IDs) await planImport({ execution: 'x', namespace, ID, tries: 0 }, plane.deps);
    await finish();
    const [done, refused] = await Promise.all(IDs.map(ID => shown(plane.root, tenant, ID)));
    expect([done?.status, refused?.status]).toEqual(['Succeeded', 'Refused']);
    expect(refused?.reason).toContain(`import ${done?.ID} with the label \`l\``);
    expect(await labels(tenant)).toEqual([]);
  });

  it('are refused by request too while one goes on', async () => {
    const tenant = await plane.tenant();
    const { ID } = await begin(plane, plane.root, tenant, networks('n'), LABEL);
    const body = { data: { ...networks('n'), ...LABEL } };
    const beside = await plane.root('POST /import', tenant, { body });
    expect([beside.status, beside.text]).toEqual([
      409,
      expect.stringContaining(`import ${ID} with the label`),
    ]);
    await finish();
    expect((await plane.root('POST /import', tenant, { body })).status).toBe(200);
  });

  it('leave imports under other labels, and in other namespaces, alone', async () => {
    const [tenant, other] = [await plane.tenant(), await plane.tenant()];
    await begin(plane, plane.root, tenant, networks('n'), LABEL);
    await begin(plane, plane.root, tenant, networks('m'), { label: 'm' });
    await begin(plane, plane.root, other, networks('n'), LABEL);
    await finish();
  });
});

describe('a label is free again', () => {
  const bad = { data: { externalnetworks: [{ name: 'x', entries: [] }] } };
  it.each([
    ['Succeeded', networks('n'), 'x'],
    ['Refused', bad, 'x'],
    ['Cancelled', networks('n'), 'cancel'],
    ['Failed', networks('n'), 'fail'],
  ] as const)('after an import that ended as %s', async (status, document, end) => {
    const tenant = await plane.tenant();
    const { ID } = await begin(plane, plane.root, tenant, document, LABEL);
    if (end === 'cancel') await plane.root(`POST /imports/${ID}/cancel`, tenant);
    const store: ObjectStore = {
      ...plane.deps.store,
      commit: async writes => {
        if (end === 'fail' && writes.some(({ kind }) => kind === 'activity') && writes.length > 4)
          throw fail('unavailable', 'it is full');
        await plane.deps.store.commit(writes);
      },
    };
    await finish({ store });
    expect(await shown(plane.root, tenant, ID)).toMatchObject({ status });
    expect(await labels(tenant)).toEqual([]);
    expect(await imported(plane, plane.root, tenant, networks('n'), LABEL)).toMatchObject({
      status: 'Succeeded',
    });
  });

  /** An import whose workflow could not even write that it ended. */
  async function stuck(tenant: string) {
    const { ID } = await begin(plane, plane.root, tenant, networks('n'), LABEL);
    const store: ObjectStore = {
      ...plane.deps.store,
      commit: async writes => {
        if (writes.some(write => 'object' in write && write.object.ID === ID))
          throw fail('unavailable', 'it is full');
        await plane.deps.store.commit(writes);
      },
    };
    const { workflows } = await finish({ store });
    expect((await workflows.describe('import-objects', ID))?.status).toBe('FAILED');
    expect(await shown(plane.root, tenant, ID)).toMatchObject({ status: 'Queued' });
    await expect(begin(plane, plane.root, tenant, networks('n'), LABEL)).rejects.toThrow(ID);
    return ID;
  }

  it('when the workflow of an import is over without having said so', async () => {
    const tenant = await plane.tenant();
    const ID = await stuck(tenant);
    const { workflows, events, finish: end } = importing(plane);
    const deps = { ...plane.deps, workflows };
    expect(await endStuckImports(deps)).toEqual({ ended: 0 });
    plane.clock.advance(3_600_000);
    expect(await endStuckImports(deps)).toEqual({ ended: 1 });
    // At once again: the same execution.
    await endStuckImports(deps);
    await end();
    expect(await shown(plane.root, tenant, ID)).toMatchObject({
      status: 'Failed',
      reason: 'its workflow is over: FAILED; nothing was applied',
    });
    expect(events.map(({ id }) => id)).toEqual([`${ID}-ended`]);
    expect(await endStuckImports(deps)).toEqual({ ended: 0 });
    expect(await imported(plane, plane.root, tenant, networks('n'), LABEL)).toMatchObject({
      status: 'Succeeded',
      created: 3,
    });
  });

  it('when an import that no workflow was begun for is begun after all', async () => {
    const tenant = await plane.tenant();
    const { ID } = await begin(plane, plane.root, tenant, networks('n'), LABEL);
    plane.clock.advance(3_600_000);
    const { workflows, finish: end } = importing(plane);
    expect(await endStuckImports({ ...plane.deps, workflows })).toEqual({ ended: 0 });
    await end();
    expect(await shown(plane.root, tenant, ID)).toMatchObject({ status: 'Succeeded' });
    expect(await labels(tenant)).toEqual([]);
  });
});
