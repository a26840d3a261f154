import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ObjectStore, Write } from '../../../shared/ports/object-store.ts';
import { fail } from '../../../shared/schema/failure.ts';
import { begin, importing, quickPlane, shown } from '../../make/importing.ts';
import type { Plane } from '../../make/plane.ts';

let plane: Plane;
beforeAll(async () => {
  plane = await quickPlane();
});
afterAll(() => plane.stop());

const network = (name: string, more: object = {}) => ({ name, entries: ['192.0.2.0/24'], ...more });
const networks = (count: number) => Array.from({ length: count }, (_, at) => network(`n${at}`));

/** A store that refuses what is written of the object of a name, so often. */
function contested(name: string, times: number): ObjectStore {
  let left = times;
  const isOf = (write: Write): boolean => 'object' in write && Reflect.get(write.object, 'name') === name;
  return {
    ...plane.deps.store,
    commit: async writes => {
      if (writes.some(isOf) && left-- > 0)
        throw fail('conflict', `${name} was changed meanwhile; read it again`);
      await plane.deps.store.commit(writes);
    },
  };
}

/** How an import ended, and what its workflow did: calls of a task, and milliseconds from its start to its end. */
async function outcome(tenant: string, externalnetworks: object[], store?: ObjectStore) {
  const { ID } = await begin(plane, plane.root, tenant, { data: { externalnetworks } }, { label: 'l' });
  const { deliver, finish, workflows } = importing(plane, store ? { store } : {});
  await deliver();
  await finish();
  const history = workflows.history('import-objects', ID);
  const calls = (state: string): number =>
    history.filter(event => event.state === state && event.type === 'TaskScheduled').length;
  const took = (history.at(-1)?.time ?? 0) - (history[0]?.time ?? 0);
  return { run: await shown(plane.root, tenant, ID), calls, took };
}

/** Three waits of one, two and four seconds, at most. */
const LONGEST = 7000;

describe('what conflicts with what is there', () => {
  it('is refused by its place when it lasts, after a few tries', async () => {
    const tenant = await plane.tenant();
    const body = { data: { label: 'l', data: { externalnetworks: [network('n1')] } } };
    await plane.root('POST /import', tenant, { body });
    const [{ ID, updateTime } = { ID: '' }] = (await plane.root('GET /externalnetworks', tenant)).list;
    await plane.root(`PATCH /externalnetworks/${ID}`, tenant, { body: { description: 'changed' } });
    const stale = network('n1', { description: 'mine', updateTime });
    const { run, calls, took } = await outcome(tenant, [network('n0'), stale]);
    expect(run).toMatchObject({
      status: 'Refused',
      applied: 0,
      failed: 1,
      errors: [{ at: 'data.externalnetworks[1]', title: 'Conflict' }],
    });
    expect(run.errors[0]?.description).toContain(`externalnetwork ${ID} was changed at`);
    expect(run.reason).toContain('data.externalnetworks[1]');
    expect(calls('Validate')).toBe(4);
    expect(took).toBeLessThanOrEqual(LONGEST);
  });

  it('ends an import that applies already, which says where it stands', async () => {
    const tenant = await plane.tenant();
    // Two transactions: the second one never fits.
    const { run, calls, took } = await outcome(tenant, networks(60), contested('n55', 99));
    expect(run).toMatchObject({
      status: 'Failed',
      created: 49,
      applied: 49,
      errors: [{ at: 'data.externalnetworks[49] to externalnetworks[59]' }],
    });
    expect(run.reason).toMatch(/n55 was changed meanwhile.*49 of 60 objects were applied; import it again/);
    expect(calls('Apply')).toBe(4);
    expect(took).toBeLessThanOrEqual(LONGEST);
  });

  it('is tried again when it passes', async () => {
    const tenant = await plane.tenant();
    const { run, calls } = await outcome(tenant, networks(60), contested('n55', 3));
    expect(run).toMatchObject({ status: 'Succeeded', created: 60, errors: [] });
    expect(calls('Apply')).toBe(4);
  });
});
