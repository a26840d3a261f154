import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Identity, identities, resourceOf } from '../../shared/schema/resources.ts';
import { type Meter, metered } from '../make/meter.ts';
import { type Caller, openPlane, type Plane } from '../make/plane.ts';
import { minimal } from './inputs.ts';

const meter: Meter = { deepest: 0, calls: 0 };
let plane: Plane;
let admin: Caller;
let tenant: string;
let deep: string;
beforeAll(async () => {
  plane = await openPlane(deps => ({
    ...deps,
    store: metered(deps.store, meter),
    publications: metered(deps.publications, meter),
  }));
  tenant = await plane.tenant();
  deep = await plane.namespace(await plane.namespace(tenant, 'account'), 'group');
  admin = await plane.member(tenant, ['namespace.administrator']);
});
afterAll(() => plane.stop());

const trips = async <T>(work: Promise<T>): Promise<[T, number]> => {
  Object.assign(meter, { deepest: 0, calls: 0 });
  const result = await work;
  return [result, meter.deepest];
};

/** One parallel batch that authorizes, one of the operation. */
const BUDGET = 2;

/**
 * Mappings say where a processing unit belongs before it is made, and whether it belongs where it is. An import reference
 * is an import too, even of nothing: it looks whether another one goes on under its label. Whoever writes a mapping is told where it names
 * a namespace that is not there yet.
 */
const writeBudget: Partial<Record<Identity, number>> = {
  namespacemappingpolicy: 3,
  processingunit: 3,
  importreference: 6,
};

/** A namespace is closed and looked into before it goes. */
const deleteBudget: Partial<Record<Identity, number>> = { namespace: 4, importreference: 5 };

describe.each(identities)('%s', identity => {
  const { plural } = resourceOf(identity);
  it(`is created, read, listed, changed and deleted in ${BUDGET} sequential round trips each`, async () => {
    const namespace = identity === 'cloudaccount' ? tenant : deep;
    const [created, toCreate] = await trips(
      admin(`POST /${plural}`, namespace, { body: minimal(namespace)[identity] }),
    );
    expect(created.status, created.text).toBe(200);
    const one = `/${plural}/${created.object.ID}` as const;
    const [, toGet] = await trips(admin(`GET ${one}`, namespace));
    const [, toList] = await trips(admin(`GET /${plural}`, namespace));
    const [, toListTree] = await trips(admin(`GET /${plural}?recursive`, namespace));
    const [, toListInherited] = await trips(admin(`GET /${plural}?propagated`, namespace));
    const [, toCount] = await trips(admin(`HEAD /${plural}`, namespace));
    const [patched, toPatch] = await trips(admin(`PATCH ${one}`, namespace, { body: { description: 'x' } }));
    const { credentials: _, ...body } = patched.object;
    const [, toPut] = await trips(admin(`PUT ${one}`, namespace, { body }));
    const [, toDelete] = await trips(admin(`DELETE ${one}`, namespace));
    expect({
      toCreate,
      toGet,
      toList,
      toListTree,
      toListInherited,
      toCount,
      toPatch,
      toPut,
      toDelete,
    }).toEqual({
      toCreate: writeBudget[identity] ?? BUDGET,
      toGet: 1,
      toList: BUDGET,
      toListTree: BUDGET,
      toListInherited: BUDGET,
      toCount: BUDGET,
      toPatch: writeBudget[identity] ?? BUDGET,
      toPut: writeBudget[identity] ?? BUDGET,
      toDelete: deleteBudget[identity] ?? BUDGET,
    });
  });
});

describe('a decision', () => {
  const about = async (source: object, destination: object): Promise<[number, number]> => {
    const body = { source, destination, protocolPort: 'tcp/443' };
    const [{ status, text }, deepest] = await trips(admin('POST /decisions', tenant, { body }));
    expect(status, text).toBe(200);
    return [deepest, meter.calls];
  };

  it('about ends of the very namespace is within the budget', async () => {
    const web = { tags: ['app=web'] };
    expect((await about(web, web))[0]).toBe(BUDGET);
    expect((await about(web, { name: 'www.example.com' }))[0]).toBe(BUDGET);
    expect((await about({ address: '203.0.113.1' }, web))[0]).toBe(BUDGET);
    const unit = { name: 'here', type: 'Host', addresses: ['10.9.3.1'] };
    const { object } = await admin('POST /processingunits', tenant, { body: unit });
    expect((await about({ processingUnit: object.ID }, web))[0]).toBe(BUDGET);
    expect((await about({ address: '10.9.3.1' }, web))[0]).toBe(BUDGET);
  });

  it('asks for the bundles of a namespace below once its ID is known', async () => {
    const web = { tags: ['app=web'], namespace: deep };
    expect((await about(web, web))[0]).toBe(BUDGET + 1);
  });

  it('costs the same whatever else the tenant holds, two trips more where an address leads elsewhere', async () => {
    const ends = [{ address: '10.9.0.1' }, { tags: ['app=web'] }] as const;
    const unit = { name: 'u', type: 'Host', addresses: ['10.9.0.1'] };
    await admin('POST /processingunits', deep, { body: unit });
    const before = await about(...ends);
    expect(before[0]).toBe(BUDGET + 2);
    for (let at = 0; at < 5; at += 1) {
      const other = await plane.namespace(tenant, `crowd-${at}`);
      await admin('POST /processingunits', other, { body: { ...unit, addresses: [`10.9.1.${at}`] } });
    }
    expect(await about(...ends)).toEqual(before);
  });
});

describe('a dependency map', () => {
  it('reads its ends and the rights elsewhere in one batch, however many there are', async () => {
    const elsewhere = await plane.namespace(tenant, 'elsewhere-on-the-map');
    const agent = await plane.member(tenant, ['enforcer.runtime']);
    const ends = async (count: number): Promise<void> => {
      for (let at = 0; at < count; at += 1) {
        const body = {
          action: 'Accept',
          sourceID: at.toString(16).padStart(24, 'a'),
          sourceType: 'ProcessingUnit',
          destinationID: at.toString(16).padStart(24, 'b'),
          destinationType: at % 2 === 0 ? 'ExternalNetwork' : 'ProcessingUnit',
          policyID: 'default',
          policyNamespace: deep,
          namespace: deep,
          remoteNamespace: elsewhere,
          value: 1,
        };
        await agent('POST /flowreports', tenant, { body });
      }
    };
    const asked = async (): Promise<number> => {
      const [{ status, text }, deepest] = await trips(admin('GET /dependencymaps?tag=app=web', deep));
      expect(status, text).toBe(200);
      return deepest;
    };
    expect(await asked()).toBe(BUDGET);
    await ends(12);
    expect(await asked()).toBe(BUDGET);
    // A unit is looked for in a few namespaces, however many an agent names.
    const before = meter.calls;
    const named = Array.from({ length: 100 }, (_, at) => ({
      action: 'Accept',
      sourceID: 'c'.repeat(24),
      sourceType: 'ProcessingUnit',
      destinationID: 'd'.repeat(24),
      destinationType: 'ProcessingUnit',
      reporter: 'Source',
      policyID: 'default',
      policyNamespace: deep,
      namespace: deep,
      remoteNamespace: `${tenant}/named-${at}`,
      value: 1,
    }));
    expect((await agent('POST /flowreports', tenant, { body: named })).status).toBe(200);
    expect(await asked()).toBe(BUDGET);
    expect(meter.calls - before).toBeLessThan(50);
  });
});

describe('a request', () => {
  it('makes as many calls as its namespace is deep, whatever the tenant holds', async () => {
    const calls = async (namespace: string) => {
      await trips(admin('GET /enforcerprofiles/0190f3a1b2c3d4e5f6071829', namespace));
      return meter.calls;
    };
    const before = await calls(deep);
    // The credential, the object, three namespaces and the authorizations of four, the root's among them.
    expect(before).toBe(9);
    for (let at = 0; at < 5; at += 1) await plane.namespace(tenant, `more-${at}`);
    expect(await calls(deep)).toBe(before);
  });

  it('that is refused costs no more than one that is not, its entry in the log included', async () => {
    const [refused, toRefuse] = await trips(admin('POST /externalnetworks', '/elsewhere', { body: {} }));
    expect([refused.status, toRefuse]).toEqual([403, 1]);
    const [wrong, toValidate] = await trips(admin('POST /externalnetworks', deep, { body: {} }));
    expect([wrong.status, toValidate]).toEqual([422, BUDGET]);
  });
});

describe('an agent', () => {
  it('finds its object by its machine, its units by itself, and is heard within the budget', async () => {
    const agent = await plane.member(deep, ['enforcer']);
    const machine = { name: 'host', FQDN: 'host.example.com', machineID: 'machine-of-its-own' };
    const [{ object }, toRegister] = await trips(agent('POST /enforcers', deep, { body: machine }));
    const asked = (path: string, q: string) => trips(agent(`GET /${path}&q=${encodeURIComponent(q)}`, deep));
    const unit = { name: 'host', type: 'Host', enforcerID: object.ID, nativeContextID: 'host' };
    await agent('POST /processingunits', deep, { body: unit });
    const [known, toFind] = await asked('enforcers?', 'machineID == "machine-of-its-own"');
    const mine = `enforcerID == "${object.ID}"`;
    const [units, toList] = await asked('processingunits?recursive', mine);
    const [page, toPage] = await asked('processingunits?recursive&limit=500', mine);
    const [, toPoke] = await trips(agent(`GET /enforcers/${object.ID}/poke?version=2`, deep));
    expect([known, units, page].map(({ list }) => list.map(({ name }) => name))).toEqual(
      Array(3).fill(['host']),
    );
    expect({ toRegister, toFind, toList, toPage, toPoke }).toEqual({
      toRegister: BUDGET,
      toFind: BUDGET,
      toList: BUDGET,
      toPage: BUDGET,
      toPoke: BUDGET,
    });
  });
});

describe('an import of many objects', () => {
  it('is prepared, started, looked at, listed and ended in a bounded number of sequential round trips', async () => {
    const body = { size: 10, label: 'l' };
    const [created, toCreate] = await trips(admin('POST /imports', deep, { body }));
    const one = `/imports/${created.object.ID}` as const;
    const [, toGet] = await trips(admin(`GET ${one}`, deep));
    const [, toList] = await trips(admin('GET /imports', deep));
    const [, toStart] = await trips(admin(`POST ${one}/start`, deep));
    const [, toCancel] = await trips(admin(`POST ${one}/cancel`, deep));
    // Its record is read once the caller may; that no other of its label goes on is a condition of the write.
    expect({ toCreate, toGet, toList, toStart, toCancel }).toEqual({
      toCreate: BUDGET,
      toGet: BUDGET,
      toList: BUDGET,
      toStart: 3,
      toCancel: 3,
    });
  });
});
