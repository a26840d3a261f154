import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { moveUnits } from '../../functions/tasks/move-units.ts';
import { openObjectStore } from '../../shared/adapters/aws/object-store.ts';
import type { ObjectStore } from '../../shared/ports/object-store.ts';
import { childPath, type NamespacePath } from '../../shared/schema/ids.ts';
import { noBucket } from '../make/no-bucket.ts';
import { create, freshTenant, make, makeNamespace, nextID } from '../make/objects.ts';
import { quiet } from '../make/state-machine.ts';
import { installation } from './lane/installation.ts';
import { meteredClient } from './lane/meter.ts';
import { freshTable } from './lane/table.ts';

const { connection, has } = installation();
/** moto copies a table for every step of a transaction: its time grows with the square. */
const UNITS = Number(process.env.MOVED_UNITS ?? 240);

/** What it costs to move all units of a namespace by a new mapping, in the calls that Step Functions makes. Printed, and held to. */
describe.skipIf(!has('dynamodb'))('moving units', () => {
  const meter = meteredClient(connection);
  const clock = { now: () => new Date(), randomBytes: (size: number) => randomBytes(size) };
  let store: ObjectStore;
  let drop: () => Promise<void>;
  let tenant: NamespacePath;

  beforeAll(async () => {
    const fresh = await freshTable(connection);
    drop = fresh.drop;
    store = openObjectStore({ ...connection, tableName: fresh.tableName, client: meter.client }, clock);
    tenant = freshTenant();
    await store.commit([create('namespace', makeNamespace(tenant))]);
    await store.commit([create('namespace', makeNamespace(childPath(tenant, 'a')))]);
    const body = { name: 'all', subject: [['app=moved']], mappedNamespace: 'a' };
    await store.commit([create('namespacemappingpolicy', make('namespacemappingpolicy', tenant, body))]);
    const units = Array.from({ length: UNITS }, (_, at) =>
      make('processingunit', tenant, {
        name: `unit ${at}`,
        type: 'Docker',
        associatedTags: ['app=moved'],
        enforcerNamespace: tenant,
        enforcerID: nextID(),
        addresses: [`10.0.${at >> 8}.${at & 255}`],
      }),
    );
    for (let from = 0; from < UNITS; from += 30)
      await store.commit(units.slice(from, from + 30).map(unit => create('processingunit', unit)));
  }, 900_000);
  afterAll(() => drop());

  /** A pass over all of them. */
  const pass = async () => {
    const begun = performance.now();
    let calls = 0;
    let moved = 0;
    const { requests, read, write } = await meter.measure(async () => {
      for (let after = ''; calls === 0 || after !== ''; ) {
        const deps = { store, clock, log: quiet, bucket: noBucket } as unknown as Parameters<
          typeof moveUnits
        >[1];
        const part = await moveUnits({ execution: 'lane', namespace: tenant, after }, deps);
        after = part.after;
        moved += part.moved;
        calls += 1;
      }
    });
    return { moved, calls, requests, read, write, seconds: (performance.now() - begun) / 1000 };
  };

  it('takes one transaction for each, and reads each once by the page; a second pass reads them once more', async () => {
    const [first, second] = [await pass(), await pass()];
    const row = ({ requests, seconds, ...rest }: typeof first) => ({
      ...rest,
      requests: JSON.stringify(requests),
      'writes a unit': rest.write / UNITS,
      'reads a unit': rest.read / UNITS,
      seconds: Number(seconds.toFixed(1)),
    });
    console.table({ 'first pass': row(first), 'second pass': row(second) });
    expect([first.moved, second.moved]).toEqual([UNITS, 0]);
    expect(first.requests.TransactWriteItems).toBe(UNITS);
    const pages = Math.ceil(UNITS / 200);
    expect(second.requests).toEqual({ Query: expect.any(Number), GetItem: expect.any(Number) });
    // A page of units, and the mappings on the way and the namespaces that they name, anew for each page.
    expect(second.requests.Query).toBeLessThanOrEqual(4 * pages);
    expect(second.read / UNITS).toBeLessThan(0.5);
  }, 900_000);
});
