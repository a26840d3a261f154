import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Membership } from '../../../../clients/enforcer/agent/membership.ts';
import { UnitReporter } from '../../../../clients/enforcer/agent/reporting.ts';
import { Troubles } from '../../../../clients/enforcer/agent/troubles.ts';
import { type FoundUnit, hostUnit } from '../../../../clients/enforcer/agent/units.ts';
import { register } from '../../../../clients/enforcer/register.ts';
import { type AgentClient, createClient } from '../../../../shared/api/agent-client.ts';
import type { ObjectStore } from '../../../../shared/ports/object-store.ts';
import { NamespacePath } from '../../../../shared/schema/ids.ts';
import type { RequestLine } from '../../../make/call.ts';
import { countingReads, OF_A_HOST, type Reads, unitCrowd } from '../../../make/crowd.ts';
import { type Meter, metered } from '../../../make/meter.ts';
import { openPlane, type Plane } from '../../../make/plane.ts';
import { movedClock } from '../clock.ts';

const MANY = 60_000;
const FEW = 60;
const reads: Reads = { calls: 0, objects: 0 };
const meter: Meter = { deepest: 0, calls: 0 };
let plane: Plane;
let many: string;
let few: string;

const crowded = async (store: ObjectStore, size: number): Promise<string> => {
  const home = NamespacePath.parse(await plane.namespace(await plane.tenant(), 'group'));
  await unitCrowd(store, home, size);
  return home;
};

/** Whether the indexes know nothing yet of what was written. */
let lags = false;
const lagging = (store: ObjectStore): ObjectStore => ({
  ...store,
  listBy: async (...asked) => (lags ? { items: [] } : store.listBy(...asked)),
});

beforeAll(async () => {
  plane = await openPlane(deps => ({
    ...deps,
    store: metered(countingReads(lagging(deps.store), reads), meter),
  }));
  few = await crowded(plane.deps.store, FEW);
  many = await crowded(plane.deps.store, MANY);
}, 120_000);
afterAll(() => plane.stop());

/** What a request of the agent cost: how deep, how many calls, and how many objects were read. */
type Cost = [request: string, deepest: number, calls: number, objects: number];

/** An agent's client, which notes what each request costs. */
async function agentIn(namespace: string): Promise<{ client: AgentClient; costs: Cost[] }> {
  const ask = await plane.member(namespace, ['enforcer']);
  const costs: Cost[] = [];
  const client = createClient({
    api: 'https://api.test',
    fetch: async (url, { method = 'GET', body, headers } = {}) => {
      const { pathname, search } = new URL(String(url));
      const line = `${method} ${pathname}${search}` as RequestLine;
      const key = new Headers(headers).get('idempotency-key');
      Object.assign(reads, { calls: 0, objects: 0 });
      Object.assign(meter, { deepest: 0, calls: 0 });
      const answer = await ask(line, new Headers(headers).get('x-namespace') ?? '', {
        ...(body ? { body: String(body) } : {}),
        headers: key === null ? {} : { 'idempotency-key': key },
      });
      const shown = `${method} ${pathname.replace(/[0-9a-f]{24}/, '{id}')}`;
      costs.push([shown, meter.deepest, reads.calls, reads.objects]);
      const text = answer.text === '' ? null : answer.text;
      return new Response(text, { status: answer.status, headers: { ...answer.headers } });
    },
  });
  return { client, costs };
}

const silent = () => undefined;
const log = { info: silent, warn: silent, error: silent, debug: silent, level: 'silent' };

/** What an agent does when it begins, once as a new machine and once as a known one, and while it runs. */
async function life(namespace: string): Promise<Cost[]> {
  const { client, costs } = await agentIn(namespace);
  const clock = movedClock(plane.clock.now().toISOString());
  const machine = { name: 'new', FQDN: 'new.example.com', machineID: 'machine "of its own"' };
  const host = hostUnit({ name: 'new', fqdn: 'new.example.com', addresses: ['10.0.0.1'], tags: [] });
  const container: FoundUnit = { ...host, localID: 'file:web', name: 'web', addresses: ['10.0.0.2'] };
  const joining = () =>
    new Membership({
      client,
      namespace,
      machine,
      clock,
      troubles: new Troubles(log, clock),
      became: silent,
    });
  const first = joining();
  const enforcer = await first.join();
  const known = await new UnitReporter(client, enforcer, true).sync([host, container]);
  const again = joining();
  expect((await again.join()).ID).toBe(enforcer.ID);
  // What it said before is found: nothing is written, and what is no more is taken away.
  expect(await new UnitReporter(client, enforcer, true).sync([host, container])).toEqual(known);
  await new UnitReporter(client, enforcer, true).sync([host]);
  await again.credentials();
  await again.poke('Active');
  await again.poke('Active', true);
  return costs;
}

describe(`an agent in a namespace with ${MANY} processing units`, () => {
  it('does all that it does with the requests, round trips and reads of one among few', async () => {
    const costs = await life(many);
    expect(costs).toEqual(await life(few));
    expect(costs.map(([request, deepest]) => [request, deepest])).toEqual([
      ['GET /enforcers', 2],
      ['POST /enforcers', 2],
      ['GET /processingunits', 2],
      ['POST /processingunits', 3],
      ['POST /processingunits', 3],
      ['GET /enforcers', 2],
      ['GET /processingunits', 2],
      ['GET /processingunits', 2],
      ['DELETE /processingunits/{id}', 2],
      ['POST /enforcers/{id}/credentials', 1],
      ['GET /enforcers/{id}/poke', 2],
      ['GET /enforcers/{id}/poke', 2],
    ]);
    for (const [request, , , objects] of costs) expect(objects, request).toBeLessThan(20);
  });

  it('knows each of its own units by one request, and takes away those that are no more', async () => {
    const { client, costs } = await agentIn(many);
    const [enforcer] = (
      await client.call('listEnforcer', { namespace: many, query: { q: 'machineID == "machine-7"' } })
    ).body;
    if (!enforcer) throw new Error('it is there');
    costs.length = 0;
    await new UnitReporter(client, enforcer, true).sync([]);
    expect(costs.map(([request]) => request)).toEqual([
      'GET /processingunits',
      ...Array(OF_A_HOST).fill('DELETE /processingunits/{id}'),
    ]);
  });
});

describe('an agent that starts before an index knows of it', () => {
  const machine = { name: 'soon', FQDN: 'soon.example.com', machineID: 'machine-soon' };
  const unit = hostUnit({ name: 'soon', fqdn: 'soon.example.com', addresses: ['10.0.1.1'], tags: [] });
  const lately = async <T>(work: () => Promise<T>): Promise<T> => {
    lags = true;
    try {
      return await work();
    } finally {
      lags = false;
    }
  };

  it('finds its object by the ID of its own credential, and registers no second time', async () => {
    const { client, costs } = await agentIn(few);
    const { ID } = await register(client, few, machine);
    costs.length = 0;
    expect((await lately(() => register(client, few, machine, ID))).ID).toBe(ID);
    expect(costs.map(([request]) => request)).toEqual(['GET /enforcers']);
  });

  it('is not whoever has the credential on another machine', async () => {
    const { client } = await agentIn(few);
    const { ID } = await register(client, few, machine);
    const copy = { ...machine, machineID: 'machine-copied' };
    expect((await register(client, few, copy, ID)).ID).not.toBe(ID);
  });

  it('registers the units that it has again, and they are the same', async () => {
    const { client } = await agentIn(few);
    const enforcer = await register(client, few, machine);
    const [known] = await new UnitReporter(client, enforcer, true).sync([unit]);
    const again = await lately(() => new UnitReporter(client, enforcer, true).sync([unit]));
    expect(again.map(({ ID }) => ID)).toEqual([known?.ID]);
    const query = { q: `enforcerID == "${enforcer.ID}"`, recursive: true };
    expect((await client.call('listProcessingunit', { namespace: few, query })).body).toHaveLength(1);
  });
});
