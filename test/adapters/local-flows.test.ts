import { appendFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openFlowStore } from '../../shared/adapters/local/flow-store.ts';
import { flowAt } from '../contract/flow-store.ts';
import { testClock } from '../make/clock.ts';
import { type DataDirectory, dataDirectory } from '../make/data-directory.ts';
import { freshTenant } from '../make/objects.ts';

let directory: DataDirectory;
beforeEach(() => {
  directory = dataDirectory();
});
afterEach(() => directory.stop());

const TIME = '2026-03-01T10:00:00.000Z';
const everything = { limit: 1000, recursive: false };

/** The segments of the one day of a tenant. */
const segments = (tenant: string): string[] => {
  const folder = join(directory.path, 'flows', `tenant=${tenant.slice(1)}`, 'day=2026-03-01');
  return readdirSync(folder).map(name => join(folder, name));
};

describe('flow records in files', () => {
  it('are all read by the next process, without what a killed one left of a line', async () => {
    const tenant = freshTenant();
    const [first, second] = [flowAt(tenant, TIME), flowAt(tenant, TIME)];
    const killed = openFlowStore(directory.path, testClock());
    await killed.append(tenant, [first]);
    const [path = ''] = segments(tenant);
    appendFileSync(path, readFileSync(path).subarray(0, 100));
    const next = openFlowStore(directory.path, testClock(TIME, 'next'));
    await next.append(tenant, [second]);
    expect((await next.read(tenant, everything)).items).toEqual([second, first]);
    await Promise.all([killed.close(), next.close()]);
  });

  it('that are damaged are named, and nothing is left out in silence', async () => {
    const tenant = freshTenant();
    const flows = openFlowStore(directory.path, testClock());
    await flows.append(tenant, [flowAt(tenant, TIME), flowAt(tenant, TIME)]);
    await flows.close();
    const [path = ''] = segments(tenant);
    writeFileSync(path, readFileSync(path, 'utf8').replace('timestamp', 'timestomp'));
    const reader = openFlowStore(directory.path, testClock());
    await expect(reader.read(tenant, everything)).rejects.toThrow(`${path} is damaged`);
  });

  it('of many days and tenants at once keep few files open and lose nothing', async () => {
    const flows = openFlowStore(directory.path, testClock());
    const tenants = Array.from({ length: 40 }, freshTenant);
    const days = ['2026-03-01T10:00:00.000Z', '2026-03-02T10:00:00.000Z'];
    for (let round = 0; round < 2; round++)
      await Promise.all(
        tenants.map(tenant =>
          flows.append(
            tenant,
            days.map(day => flowAt(tenant, day)),
          ),
        ),
      );
    const counts = tenants.map(async tenant => (await flows.read(tenant, everything)).items.length);
    expect(await Promise.all(counts)).toEqual(tenants.map(() => 4));
    expect(readdirSync('/proc/self/fd').length).toBeLessThan(200);
    await flows.close();
  });
});
