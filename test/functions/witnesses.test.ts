import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tasks } from '../../functions/tasks/index.ts';
import { directiveOf, rewritten, upgradeAt } from '../../functions/upgrade.ts';
import type { Enforcer } from '../../shared/schema/enforcer.ts';
import { NamespacePath, parentPath, tenantOf } from '../../shared/schema/ids.ts';
import { certificateRequest, credentialOf } from '../make/certificate-request.ts';
import { create, make } from '../make/objects.ts';
import { API_URL, openPlane, type Plane } from '../make/plane.ts';

let plane: Plane;
beforeAll(async () => {
  plane = await openPlane();
  for (const version of ['1.0.0', '2.0.0']) {
    const artifact = {
      name: `agent-${version}`,
      platform: 'linux',
      architecture: 'any',
      length: 1,
      sha256: 'a'.repeat(64),
    };
    await plane.root('POST /enforcerreleases', '/', { body: { version, artifacts: [artifact] } });
  }
});
afterAll(() => plane.stop());

const unitAt = (enforcerNamespace: string, name: string, address: string) => ({
  name,
  type: 'Host',
  addresses: [address],
  enforcerNamespace,
});

/** An enforcer with a key of its own, and its unit at an address. */
async function hostAt(place: string, name: string, address: string) {
  const keys = await certificateRequest();
  const body = {
    name,
    FQDN: `${name}.test`,
    machineID: `${place} ${name}`,
    currentVersion: '1.0.0',
    certificateRequest: keys.pem,
  };
  const { object: enforcer } = await plane.root('POST /enforcers', place, { body });
  const stored = { ...enforcer, namespace: place, certificate: String(enforcer.certificate) };
  /** Tokens last for a while. */
  const arrive = () => plane.as(credentialOf(stored as never, keys, API_URL));
  const agent = await arrive();
  const made = await agent('POST /processingunits', place, { body: unitAt(place, name, address) });
  return { ID: enforcer.ID as Enforcer['ID'], arrive, agent, unit: String(made.object.ID) };
}

/** What hosts apply was published, as revision `revision`. */
async function published(place: NamespacePath, revision: number): Promise<void> {
  const { store, publications } = plane.deps;
  const tenant = tenantOf(place);
  const { ID } = (await store.getByName('namespace', parentPath(place), place)) ?? {};
  if (!ID) throw new Error(`no ${place}`);
  await publications.mark(place, ID);
  const entry = await publications.get(tenant, ID);
  if (entry) await publications.done({ ...entry, revision, digest: 'd', since: 1 });
}

type Expectation = 'pass' | 'fail';

/** A host that was upgraded and whose probe leads to another one of ours. */
async function probing(expectation: Expectation, { alsoAt }: { alsoAt?: string } = {}) {
  // Of a tenant of their own: addresses mean something in one.
  const place = NamespacePath.parse(await plane.namespace(await plane.tenant(), 'probes'));
  const web = await hostAt(place, 'web', '10.0.0.1');
  if (alsoAt) await web.agent('POST /processingunits', place, { body: unitAt(place, 'too', alsoAt) });
  const db = await hostAt(place, 'db', '10.0.0.2');
  const other = await hostAt(place, 'other', '10.0.0.3');
  const probe = { name: 'db', host: '10.0.0.2', protocolPort: 'tcp/5432', expect: expectation };
  const spec = { canary: 0, waves: 1, selector: [['$name=web']], healthProbe: [probe] };
  const { object: upgrade } = await plane.root('POST /enforcerupgrades', place, { body: spec });
  const call = { execution: 'test', namespace: place, ID: upgrade.ID };
  await tasks.PlanUpgrade(call, plane.deps);
  const one = { namespace: place, ID: web.ID };
  const token = `token of ${web.ID}`;
  const order = { kind: 'install', version: '2.0.0', purpose: 'forward', token };
  await tasks.DirectEnforcer({ ...call, host: one, ...order }, plane.deps);

  const saw = (source: { unit: string }, sourceIP: string, action: 'Accept' | 'Reject', by = db) =>
    by.agent('POST /flowreports', place, {
      body: [
        {
          timestamp: plane.clock.now().toISOString(),
          action,
          sourceID: source.unit,
          sourceType: 'ProcessingUnit',
          sourceIP,
          destinationID: by.unit,
          destinationType: 'ProcessingUnit',
          destinationIP: '10.0.0.2',
          destinationPort: 5432,
          protocol: 6,
          policyID: 'default',
          policyNamespace: place,
          namespace: place,
          remoteNamespace: place,
          value: 1,
        },
      ],
    });
  /** The host says that the probe came out as it should, and is judged. */
  const judged = async (told: object = { from: '10.0.0.1' }) => {
    const body = { directive: directiveOf(token), event: 'probed' };
    const probes = [{ name: 'db', ok: true, ...told }];
    const said = await web.agent(`POST /enforcers/${web.ID}/directives`, place, {
      body: { ...body, probes },
    });
    expect(said.status).toBe(200);
    const bundle = { revision: 1, state: 'applied', reason: '', digest: '', policy: 'd' };
    await published(place, 1);
    await rewritten('enforcer', one, plane.deps, () => ({ currentVersion: '2.0.0', bundle }));
    await tasks.SettleUpgradeHost({ ...call, host: one, outcome: 'Upgraded', failure: null }, plane.deps);
    await tasks.GateUpgradeBatch({ ...call, batch: 0 }, plane.deps);
    const found = await plane.deps.store.get({ resource: 'enforcer', namespace: place, id: web.ID });
    return [found?.migration?.state, found?.migration?.reason];
  };
  /** The part begins. */
  const load = () => tasks.LoadUpgradeBatch({ ...call, batch: 0, direction: 'forward' }, plane.deps);
  return { place, web, db, other, saw, judged, load, upgrade: { namespace: place, ID: upgrade.ID } };
}

const NOT_SEEN = 'unhealthy: probe db was not seen at its other end, 10.0.0.2';

describe('a probe to a host of ours', () => {
  it('makes that host a witness, and no other', async () => {
    const { upgrade, db, place, web } = await probing('pass');
    const { witnesses } = await upgradeAt(upgrade as never, plane.deps);
    expect(witnesses).toEqual([
      { namespace: place, ID: db.ID, address: '10.0.0.2', protocol: 6, port: 5432 },
    ]);
    const watches = async (id: Enforcer['ID']) =>
      (await plane.deps.store.get({ resource: 'enforcer', namespace: place, id }))?.watches;
    const until = expect.any(String);
    expect(await watches(db.ID)).toEqual(witnesses?.map(witness => ({ ...witness, until })));
    expect(await watches(web.ID)).toBeUndefined();
  });

  it('that both ends tell of is good', async () => {
    const { saw, judged, web } = await probing('pass');
    expect((await saw(web, '10.0.0.1', 'Accept')).status).toBe(200);
    // The same again is kept once, and harms nothing.
    expect((await saw(web, '10.0.0.1', 'Accept')).status).toBe(200);
    expect(await judged()).toEqual(['Upgraded', '']);
  });

  it('that only the host itself tells of is none: the host is not healthy', async () => {
    const { judged } = await probing('pass');
    expect(await judged()).toEqual(['Failed', NOT_SEEN]);
  });

  it('that the other end rejected did not pass', async () => {
    const { saw, judged, web } = await probing('pass');
    await saw(web, '10.0.0.1', 'Reject');
    expect(await judged()).toEqual(['Failed', NOT_SEEN]);
  });

  it('that came from another host’s unit confirms nothing, whatever address it shows', async () => {
    const { saw, judged, other } = await probing('pass');
    await saw(other, '10.0.0.1', 'Accept');
    expect(await judged()).toEqual(['Failed', NOT_SEEN]);
  });

  it('that was seen long before it was told of confirms nothing', async () => {
    const { saw, judged, web } = await probing('pass');
    await saw(web, '10.0.0.1', 'Accept');
    plane.clock.advance(5 * 60_000);
    expect(await judged()).toEqual(['Failed', NOT_SEEN]);
  });

  it('that another flow from its address came before is good all the same', async () => {
    const { saw, judged, web, other } = await probing('pass');
    await saw(other, '10.0.0.1', 'Accept');
    await saw(web, '10.0.0.1', 'Accept');
    expect(await judged()).toEqual(['Upgraded', '']);
  });

  it('that the host itself tells of as its other end is not seen there', async () => {
    const { saw, judged, web } = await probing('pass', { alsoAt: '10.0.0.2' });
    expect((await saw(web, '10.0.0.1', 'Accept', web)).status).toBe(200);
    expect(await judged()).toEqual(['Failed', NOT_SEEN]);
  });

  it('is confirmed though another upgrade asks its other end about something else', async () => {
    const { saw, judged, web, place } = await probing('pass');
    const probe = { name: 'ssh', host: '10.0.0.2', protocolPort: 'tcp/22', expect: 'fail' };
    const spec = { canary: 0, waves: 1, selector: [['$name=other']], healthProbe: [probe] };
    const { object } = await plane.root('POST /enforcerupgrades', place, { body: spec });
    await tasks.PlanUpgrade({ execution: 'test', namespace: place, ID: object.ID }, plane.deps);
    await saw(web, '10.0.0.1', 'Accept');
    expect(await judged()).toEqual(['Upgraded', '']);
  });

  it('asks no enforcer of another tenant, whatever a unit says of its own', async () => {
    const { db, place } = await probing('pass');
    const own = NamespacePath.parse(await plane.namespace(await plane.tenant(), 'probes'));
    await hostAt(own, 'web', '10.0.0.1');
    const unit = { name: 'db', type: 'Host', addresses: ['10.0.0.2'], enforcerID: db.ID };
    const foreign = { ...unit, enforcerNamespace: place };
    const refused = await plane.root('POST /processingunits', own, { body: foreign });
    expect(refused.status).toBe(422);
    // As one that was stored before that was refused.
    await plane.deps.store.commit([create('processingunit', make('processingunit', own, foreign))]);
    const probe = { name: 'ssh', host: '10.0.0.2', protocolPort: 'tcp/22', expect: 'pass' };
    const { object } = await plane.root('POST /enforcerupgrades', own, { body: { healthProbe: [probe] } });
    await tasks.PlanUpgrade({ execution: 'test', namespace: own, ID: object.ID }, plane.deps);
    const found = await plane.deps.store.get({ resource: 'enforcer', namespace: place, id: db.ID });
    expect(found?.watches?.map(({ port }) => port)).toEqual([5432]);
    expect((await upgradeAt({ namespace: own, ID: object.ID } as never, plane.deps)).witnesses).toEqual([]);
  });

  it('that must fail and was let in at its other end breaks policy', async () => {
    const { saw, judged, web } = await probing('fail');
    await saw(web, '10.0.0.1', 'Accept');
    expect(await judged()).toEqual(['Failed', 'unhealthy: probe db must fail, and 10.0.0.2 let it in']);
  });

  it('that must fail and was rejected or never arrived is good', async () => {
    const one = await probing('fail');
    await one.saw(one.web, '10.0.0.1', 'Reject');
    expect(await one.judged()).toEqual(['Upgraded', '']);
    expect(await (await probing('fail')).judged()).toEqual(['Upgraded', '']);
  });

  describe.each<Expectation>(['pass', 'fail'])('that must %s, and was seen come in,', expectation => {
    const UNTOLD =
      'unhealthy: probe db is not confirmed: the host tells no address that it was tried from; see that it has a route to 10.0.0.2';
    const strange = (address: string) =>
      `unhealthy: probe db is not confirmed: it was tried from ${address}, which no processing unit of the host has among its addresses; see that its agent registers it`;

    it.each([
      ['does not say', {}, UNTOLD],
      ['makes one up', { from: '10.9.9.9' }, strange('10.9.9.9')],
      ['names another host’s', { from: '10.0.0.3' }, strange('10.0.0.3')],
    ])('is not confirmed where its host %s from which address it was tried', async (_, told, why) => {
      const { saw, judged, web, other } = await probing(expectation);
      await saw(web, '10.0.0.1', 'Accept');
      await saw(other, '10.0.0.3', 'Accept');
      expect(await judged(told)).toEqual(['Failed', why]);
    });

    it('is not confirmed by the address of a unit that is gone', async () => {
      const { judged, web, place } = await probing(expectation);
      const body = { operationalStatus: 'Terminated' };
      expect((await web.agent(`PATCH /processingunits/${web.unit}`, place, { body })).status).toBe(200);
      expect(await judged()).toEqual(['Failed', strange('10.0.0.1')]);
    });
  });

  it('that must fail and was let in from another address of its host than it names breaks policy', async () => {
    const { saw, judged, web } = await probing('fail', { alsoAt: '10.0.0.7' });
    await saw(web, '10.0.0.1', 'Accept');
    const why = 'unhealthy: probe db must fail, and 10.0.0.2 let it in';
    expect(await judged({ from: '10.0.0.7' })).toEqual(['Failed', why]);
  });

  it('of a host whose own agent was away then is not asked of it', async () => {
    const { judged, db, place } = await probing('pass');
    const found = await plane.deps.store.get({ resource: 'enforcer', namespace: place, id: db.ID });
    if (!found) throw new Error('no enforcer');
    const object = { ...found, unreachable: true };
    await plane.deps.store.commit([{ kind: 'refresh', resource: 'enforcer', object }]);
    expect(await judged()).toEqual(['Upgraded', '']);
  });

  it('is confirmed a day after it was planned, when its wave begins then', async () => {
    const { saw, judged, web, db, load } = await probing('pass');
    plane.clock.advance(25 * 3_600_000);
    for (const host of [web, db]) host.agent = await host.arrive();
    await load();
    await saw(web, '10.0.0.1', 'Accept');
    expect(await judged()).toEqual(['Upgraded', '']);
  });
});
