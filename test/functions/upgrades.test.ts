import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tasks } from '../../functions/tasks/index.ts';
import { directiveOf } from '../../functions/upgrade.ts';
import { rejectedRates, unhealthy } from '../../shared/core/upgrade.ts';
import type { Enforcer } from '../../shared/schema/enforcer.ts';
import { fail } from '../../shared/schema/failure.ts';
import type { Migration } from '../../shared/schema/migration.ts';
import { certificateRequest, credentialOf } from '../make/certificate-request.ts';
import { FACTS } from '../make/fleet.ts';
import { API_URL, type Caller, openPlane, type Plane } from '../make/plane.ts';

let plane: Plane;
let tenant: string;
let group: string;
let editor: Caller;
/** What was sent for task tokens; a token counts once. */
const sent: [string, unknown][] = [];
beforeAll(async () => {
  plane = await openPlane(deps => {
    const once = async (token: string, what: unknown) => {
      if (sent.some(([used]) => used === token)) throw fail('not_found', 'used');
      sent.push([token, what]);
    };
    return {
      ...deps,
      workflows: {
        ...deps.workflows,
        sendTaskSuccess: once,
        sendTaskFailure: async (token, error, cause) => once(token, { error, cause }),
      },
    };
  });
  tenant = await plane.tenant();
  group = await plane.namespace(tenant, 'group');
  editor = await plane.member(tenant, ['system.editor']);
  for (const version of ['1.0.0', '2.0.0', '3.0.0']) {
    const artifact = {
      name: `agent-${version}`,
      platform: 'linux',
      architecture: 'any',
      length: 1,
      sha256: 'a'.repeat(64),
    };
    await plane.root('POST /enforcerreleases', '/', {
      body: { version, artifacts: [artifact], withdrawn: version === '3.0.0' },
    });
  }
});
afterAll(() => plane.stop());

let hosts = 0;
const host = async (namespace: string, more: object = {}) => {
  hosts += 1;
  const body = {
    name: `h${hosts}`,
    FQDN: `h${hosts}.test`,
    machineID: `m${hosts}`,
    currentVersion: '1.0.0',
    ...more,
  };
  return (await plane.root('POST /enforcers', namespace, { body })).object;
};
const begin = (body: object, namespace = group, query = '') =>
  editor(`POST /enforcerupgrades${query}`, namespace, { body });
const text = (answered: { errors: { description: string }[] }) => answered.errors[0]?.description;

describe('an upgrade is refused', () => {
  it('for a selection that is empty', async () => {
    const answered = await begin({});
    expect([answered.status, text(answered)]).toEqual([422, expect.stringContaining('no enforcer in')]);
  });

  it('for a version that is not known or was withdrawn, and names those that there are', async () => {
    await host(group);
    expect(text(await begin({ targetVersion: '9.9.9' }))).toBe(
      'version `9.9.9` is not known; there are 1.0.0, 2.0.0',
    );
    expect(text(await begin({ targetVersion: '3.0.0' }))).toContain('was withdrawn');
  });

  it('to an older version, unless that is said', async () => {
    const other = await plane.namespace(tenant, 'newer');
    await host(other, { currentVersion: '2.0.0' });
    const refused = await begin({ targetVersion: '1.0.0' }, other);
    expect([refused.status, text(refused)]).toEqual([
      422,
      expect.stringContaining('say allowDowngrade to go back'),
    ]);
    expect((await begin({ targetVersion: '1.0.0', allowDowngrade: true }, other)).status).toBe(200);
  });

  it.each([
    [{ failureThreshold: 'some' }, "'failureThreshold'"],
    [{ waves: 0 }, "'waves'"],
    [{ forceChecks: ['nothing'] }, 'there is no check `nothing`'],
    [{ selector: [[]] }, "'selector[0]'"],
    [{ healthProbe: [{ name: 'x', host: 'h', protocolPort: 'icmp', expect: 'pass' }] }, 'protocolPort'],
    [{ colour: 'red' }, "'colour' is unknown"],
  ])('for %j', async (body, message) => {
    const refused = await begin(body);
    expect([refused.status, text(refused)]).toEqual([422, expect.stringContaining(message)]);
  });

  it('at the root, and from those who may not', async () => {
    expect(text(await plane.root('POST /enforcerupgrades', '/', { body: {} }))).toContain(
      'no enforcers live in /',
    );
    const viewer = await plane.member(tenant, ['namespace.viewer']);
    expect((await viewer('POST /enforcerupgrades', group, { body: {} })).status).toBe(403);
  });
});

describe('the preflight of an upgrade', () => {
  const FAILING = { ...FACTS, memory: 2 ** 20 };

  it('tells beforehand of hosts whose agents have never told, or told of what fails; they are asked again', async () => {
    const place = await plane.namespace(tenant, 'unknown-hosts');
    for (let count = 0; count < 5; count += 1) await host(place);
    const { name } = await host(place, { facts: FAILING });
    const planned = await begin({}, place, '?dryRun=true');
    expect(JSON.parse(planned.text).plan).toMatchObject({ unknown: 5, unfit: [{ name }] });
    expect(planned.headers['x-messages']).toMatch(
      /^the agents of 5 of 6 hosts have never told.*: h\d+, h\d+, h\d+ and 2 more;/,
    );
    expect(planned.headers['x-messages']).toContain(`1 of 6 hosts fail the preflight by what their agents`);
    expect((await begin({}, place)).status).toBe(200);
  });

  it('asks each host in its directive, takes no older answer, and is noted where it is overridden', async () => {
    const place = await plane.namespace(tenant, 'overridden');
    const { name, ID: id } = await host(place, { facts: FAILING, lastCollectionID: 'an older question' });
    const { ID } = JSON.parse((await begin({ forceChecks: ['memory'] }, place)).text);
    const call = { execution: 'test', namespace: place, ID };
    await tasks.PlanUpgrade(call, plane.deps);
    expect(await tasks.JudgeUpgrade(call, plane.deps)).toEqual({ done: false, wait: 5 });
    const body = { facts: FAILING, lastCollectionID: ID };
    expect((await plane.root(`PATCH /enforcers/${id}`, place, { body })).status).toBe(200);
    expect(await tasks.JudgeUpgrade(call, plane.deps)).toEqual({ done: true, wait: 0 });
    expect(await tasks.JudgeUpgrade(call, plane.deps)).toEqual({ done: true, wait: 0 });
    const log = JSON.parse((await plane.root('GET /activities', place)).text);
    const entries = log.filter((each: { targetIdentity: string }) => each.targetIdentity === 'preflight');
    expect(entries.map(({ data }: { data: object }) => data)).toEqual([
      expect.objectContaining({ hosts: 1, forced: [{ name, checks: ['memory'] }] }),
    ]);
  });
});

describe('the activity log', () => {
  it('tells who began, paused, went on with and ended an upgrade, and holds no task token', async () => {
    const place = await plane.namespace(tenant, 'logged');
    await host(place);
    const { ID } = JSON.parse((await begin({}, place)).text);
    await tasks.PlanUpgrade({ execution: 'test', namespace: place, ID }, plane.deps);
    await editor(`POST /enforcerupgrades/${ID}/pause`, place);
    const token = 'a token that nobody may see';
    await tasks.PauseUpgrade({ execution: 'test', namespace: place, ID, token }, plane.deps);
    for (const verb of ['resume', 'abort']) await editor(`POST /enforcerupgrades/${ID}/${verb}`, place);
    await tasks.FinishUpgrade(
      { execution: 'test', namespace: place, ID, status: 'Aborted', reason: 'it was aborted' },
      plane.deps,
    );
    const log = JSON.parse((await plane.root('GET /activities', place)).text);
    const of = log.filter((each: { targetID?: string }) => each.targetID === ID).reverse();
    expect(of.map((each: { operation: string; data: object }) => [each.operation, each.data])).toEqual([
      ['create', expect.objectContaining({ status: 'Planning', wanted: 'Run' })],
      ['update', expect.objectContaining({ wanted: 'Pause' })],
      ['update', expect.objectContaining({ status: 'Running', wanted: 'Run' })],
      ['update', expect.objectContaining({ wanted: 'Abort' })],
      ['update', expect.objectContaining({ status: 'Aborted', reason: 'it was aborted' })],
    ]);
    expect(JSON.stringify(log)).not.toContain(token);
  });
});

describe('a dry run', () => {
  it('answers the plan, and begins nothing', async () => {
    const place = await plane.namespace(tenant, 'planned');
    for (let count = 0; count < 6; count += 1)
      await host(place, count === 5 ? { currentVersion: '2.0.0' } : {});
    const planned = await begin({ waves: 2 }, place, '?dryRun=true');
    expect(JSON.parse(planned.text)).toMatchObject({
      version: '2.0.0',
      targets: 6,
      plan: { waves: [1, 2, 3], current: 1, unfit: [] },
    });
    expect(JSON.parse((await editor('GET /enforcerupgrades', place)).text)).toEqual([]);
  });
});

/** A host of its own, with a key, in an upgrade that has ordered it something. */
async function ordered(kind: 'uninstall' | 'install', pending = 0) {
  const place = await plane.namespace(tenant, `ordered-${++hosts}`);
  const keys = await certificateRequest();
  const enforcer = await host(place, { certificateRequest: keys.pem });
  const upgrade = JSON.parse((await begin({ canary: 0 }, place)).text);
  const call = { execution: 'test', namespace: place, ID: upgrade.ID };
  await tasks.PlanUpgrade(call, plane.deps);
  const token = `token of ${enforcer.ID}`;
  const one = { namespace: place, ID: enforcer.ID };
  const order = (as = token, what = kind) =>
    tasks.DirectEnforcer(
      { ...call, host: one, kind: what, version: '2.0.0', purpose: 'forward', token: as },
      plane.deps,
    );
  const stored = { ...enforcer, namespace: place, certificate: String(enforcer.certificate) };
  const runner = await plane.as(credentialOf(stored, keys, API_URL));
  const send = (body: object) => runner('POST /flowreports', place, { body });
  if (pending > 0) {
    const rejected = {
      action: 'Reject',
      value: 12,
      sourceID: 'a',
      sourceType: 'ProcessingUnit',
      destinationID: 'b',
      destinationType: 'ProcessingUnit',
      policyID: 'default',
      policyNamespace: place,
      namespace: place,
    };
    expect((await send([rejected])).status).toBe(200);
    plane.clock.advance(pending);
  }
  await order();
  const say = (body: object, id = enforcer.ID) => runner(`POST /enforcers/${id}/directives`, place, { body });
  return { place, upgrade, enforcer, token, directive: directiveOf(token), order, say, send, one, call };
}

describe('a host that an upgrade has', () => {
  it('is not given to another one, and the refusal names it', async () => {
    const { place, upgrade } = await ordered('uninstall');
    const refused = await begin({}, place);
    expect([refused.status, text(refused)]).toEqual([409, expect.stringContaining(`upgrade ${upgrade.ID}`)]);
    expect((await begin({}, tenant)).status).toBe(409);
  });

  it('shows where it stands', async () => {
    const { place, upgrade } = await ordered('uninstall');
    const status = JSON.parse((await editor(`GET /enforcerupgrades/${upgrade.ID}`, place)).text);
    expect(status.progress).toMatchObject({ hosts: 1, byState: { Uninstalling: 1 }, percent: 0 });
    expect(JSON.stringify(status)).not.toContain('pauseToken');
    const list = JSON.parse((await editor(`GET /enforcerupgrades/${upgrade.ID}/hosts`, place)).text);
    expect(list).toMatchObject([{ state: 'Uninstalling', from: '1.0.0' }]);
  });
});

describe('a report', () => {
  it('of a clean uninstall ends its task once, however often it comes', async () => {
    const { say, directive, token } = await ordered('uninstall');
    expect(JSON.parse((await say({ directive, event: 'uninstalled' })).text)).toEqual({ repeated: false });
    expect(JSON.parse((await say({ directive, event: 'uninstalled' })).text)).toEqual({ repeated: true });
    expect(sent.filter(([used]) => used === token)).toEqual([[token, {}]]);
  });

  it('of what is left fails its task, and says what', async () => {
    const { say, directive, token } = await ordered('uninstall');
    await say({ directive, event: 'uninstalled', left: ['/var/lib/prisma-enforcer'] });
    expect(sent.find(([used]) => used === token)?.[1]).toMatchObject({
      error: 'NotClean',
      cause: expect.stringContaining('/var/lib/prisma-enforcer'),
    });
  });

  it.each([
    ['forged', () => 'f'.repeat(24)],
    ['of another enforcer', async () => (await ordered('uninstall')).directive],
  ])('of a directive that is %s is refused', async (_, forged) => {
    const { say } = await ordered('uninstall');
    const refused = await say({ directive: await forged(), event: 'uninstalled' });
    expect([refused.status, text(refused)]).toEqual([
      409,
      expect.stringContaining("none of this enforcer's now"),
    ]);
  });

  it('of a directive that was replaced is refused: it comes too late', async () => {
    const { say, directive, order, token } = await ordered('uninstall');
    await order('a later token', 'install');
    expect((await say({ directive, event: 'uninstalled' })).status).toBe(409);
    expect(sent.some(([used]) => used === token)).toBe(false);
  });

  it('for another enforcer is refused', async () => {
    const [mine, other] = [await ordered('uninstall'), await ordered('uninstall')];
    const refused = await mine.say({ directive: other.directive, event: 'uninstalled' }, other.enforcer.ID);
    expect(refused.status).toBe(403);
  });

  it('of an uninstall where an install was ordered is refused: order matters', async () => {
    const { say, directive } = await ordered('install');
    expect(text(await say({ directive, event: 'uninstalled' }))).toContain('it ends with the first poke');
  });

  it('that an install begins is answered with a token for this enforcer alone', async () => {
    const { say, directive, enforcer, place } = await ordered('install');
    const { installToken } = JSON.parse((await say({ directive, event: 'accepted' })).text);
    const thief = {
      name: 'thief',
      FQDN: 'thief.test',
      machineID: 'thief',
      certificateRequest: (await certificateRequest()).pem,
    };
    const stolen = await plane.call('POST /registrations', {
      body: { token: installToken, enforcer: thief },
    });
    expect(stolen.status).toBe(403);
    const { machineID, name, FQDN } = enforcer;
    const again = { name, FQDN, machineID, certificateRequest: (await certificateRequest()).pem };
    const registered = await plane.call('POST /registrations', {
      body: { token: installToken, enforcer: again },
    });
    expect([registered.status, JSON.parse(registered.text).enforcer.ID]).toEqual([200, enforcer.ID]);
    const standing = (await plane.root(`GET /enforcers/${enforcer.ID}`, place)).object;
    expect(standing.migration).toMatchObject({ state: 'Installing', task: { id: directive } });
  });

  it('that comes again is answered with another token when the first has expired', async () => {
    const { say, directive, enforcer } = await ordered('install');
    const accepted = async () =>
      JSON.parse((await say({ directive, event: 'accepted' })).text).installToken as string;
    const { machineID, name, FQDN } = enforcer;
    const register = async (token: string) => {
      const again = { name, FQDN, machineID, certificateRequest: (await certificateRequest()).pem };
      return plane.call('POST /registrations', { body: { token, enforcer: again } });
    };
    const first = await accepted();
    plane.clock.advance(1_800_000);
    const late = await register(first);
    expect([late.status, text(late)]).toEqual([401, expect.stringContaining('expired at')]);
    expect((await register(await accepted())).status).toBe(200);
  });

  it('with a certificate that was revoked is not heard', async () => {
    const { say, directive, enforcer, place } = await ordered('uninstall');
    await plane.root(`DELETE /enforcers/${enforcer.ID}/certificate`, place);
    expect((await say({ directive, event: 'uninstalled' })).status).toBe(401);
  });
});

describe('flow reports of a host that an upgrade has', () => {
  const report = (action: 'Accept' | 'Reject', value: number, namespace: string) => ({
    action,
    value,
    sourceID: 'a',
    sourceType: 'ProcessingUnit',
    destinationID: 'b',
    destinationType: 'ProcessingUnit',
    policyID: 'default',
    policyNamespace: namespace,
    namespace,
  });

  it('are counted by the control plane: what was rejected before the uninstall, and since the install', async () => {
    const { order, place, enforcer, send, upgrade } = await ordered('uninstall', 600_000);
    const standing = async () => (await plane.root(`GET /enforcers/${enforcer.ID}`, place)).object.migration;
    expect(await standing()).toMatchObject({ rejects: { before: 12, after: 0 } });
    await order('the install', 'install');
    plane.clock.advance(120_000);
    expect((await send([report('Reject', 100, place), report('Accept', 7, place)])).status).toBe(200);
    const migration = (await standing()) as Migration;
    expect(migration).toMatchObject({ rejects: { before: 12, after: 100 } });
    const [rates] = rejectedRates(migration, plane.clock.now().toISOString());
    expect(rates?.rate).toBeCloseTo(50, 0);
    expect(rates?.baseline).toBeCloseTo(1.2, 1);
    const { spec } = upgrade;
    const healthy = { ...enforcer, unreachable: false, currentVersion: '2.0.0', migration };
    const bundle = { revision: 1, state: 'applied', reason: '', digest: '', policy: 'd' };
    const judged = unhealthy(
      { ...healthy, bundle } as unknown as Enforcer,
      { spec },
      plane.clock.now().toISOString(),
      { published: { revision: 1, digest: 'd', since: 1, changed: '' } },
    );
    expect(judged).toMatch(/^it rejects 50(\.\d)? flows a minute, where 1\.2 were usual$/);
  });
});

describe('an order', () => {
  it('that is delivered twice is one directive', async () => {
    const { order, place, enforcer } = await ordered('uninstall');
    const before = (await plane.root(`GET /enforcers/${enforcer.ID}`, place)).object;
    await Promise.all([order(), order()]);
    expect((await plane.root(`GET /enforcers/${enforcer.ID}`, place)).object).toEqual(before);
  });

  it('to begin is refused once the upgrade was aborted', async () => {
    const { order, upgrade, place } = await ordered('uninstall');
    expect((await editor(`POST /enforcerupgrades/${upgrade.ID}/abort`, place)).status).toBe(200);
    await expect(order('another token')).rejects.toMatchObject({ message: 'the upgrade was aborted' });
  });
});
