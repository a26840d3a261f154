import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { policyChanged } from '../../functions/events/policy-changed.ts';
import { ConversionReport, DecisionAnswer } from '../../shared/api/messages.ts';
import { isPolicyIdentity } from '../../shared/core/view.ts';
import { ObjectId } from '../../shared/schema/ids.ts';
import { type Identity, identityNamed } from '../../shared/schema/resources.ts';
import { make, pathOf } from '../core/objects.ts';
import { type Caller, openPlane, type Plane } from '../make/plane.ts';
import { minimal } from './inputs.ts';

let plane: Plane;
let admin: Caller;
let tenant: string;
beforeAll(async () => {
  plane = await openPlane();
  tenant = await plane.tenant();
  admin = await plane.member(tenant, ['namespace.administrator']);
});
afterAll(() => plane.stop());

const LEGACY = ['networkaccesspolicy', 'hostservice', 'hostservicemappingpolicy'] as const;
const everything = {
  name: 'open',
  subject: [['$identity=processingunit'], ['ext=internet']],
  object: [['$identity=processingunit'], ['ext=internet']],
};
const data = {
  APIVersion: 0,
  label: 'old',
  data: {
    externalnetworks: [
      {
        name: 'internet',
        entries: ['0.0.0.0/0'],
        servicePorts: ['tcp/443'],
        associatedTags: ['ext=internet'],
      },
    ],
    networkaccesspolicies: [
      {
        name: 'out',
        applyPolicyMode: 'OutgoingTraffic',
        logsEnabled: true,
        subject: [['app=web']],
        object: [['ext=internet']],
      },
    ],
  },
};

const verdict = async (protocolPort: string): Promise<string> => {
  const source = { tags: ['app=web'], namespace: tenant };
  const body = { source, destination: { address: '192.0.2.1' }, protocolPort };
  const answer = await admin('POST /decisions', tenant, { body });
  return DecisionAnswer.parse(JSON.parse(answer.text)).verdict;
};

describe('a legacy object', () => {
  it.each([
    ['networkaccesspolicies', everything, 'POST /conversions'],
    ['hostservices', { name: 'ssh', services: ['22', 'udp/80:100'] }, 'ruleset'],
    ['hostservicemappingpolicies', { name: 'hosts', subject: [['$identity=enforcer']] }, 'ruleset'],
  ] as const)('of %s is taken and shown, with a warning at every write', async (plural, body, advice) => {
    const created = await admin(`POST /${plural}`, tenant, { body });
    expect(created.status, created.text).toBe(200);
    const one = `/${plural}/${created.object.ID}` as const;
    const patched = await admin(`PATCH ${one}`, tenant, { body: { description: 'changed' } });
    const put = await admin(`PUT ${one}`, tenant, { body: patched.object });
    for (const { headers } of [created, patched, put]) {
      expect(headers['x-messages']).toMatch(/deprecated and have no effect/);
      expect(headers['x-messages']).toContain(advice);
    }
    const got = await admin(`GET ${one}`, tenant);
    expect(got.object).toMatchObject({ ...body, description: 'changed' });
    expect(got.headers['x-messages']).toBeUndefined();
  });

  it('is taken by an import, which warns once', async () => {
    const networkaccesspolicies = [everything, { ...everything, name: 'open too' }];
    const answer = await admin('POST /import', tenant, {
      body: { data: { label: 'legacy', data: { networkaccesspolicies } } },
    });
    expect(answer.status, answer.text).toBe(200);
    expect(answer.headers['x-messages']?.match(/deprecated/g)).toHaveLength(1);
  });

  it('is in no policy and decides nothing', async () => {
    await admin('POST /networkaccesspolicies', tenant, { body: everything });
    expect(await verdict('tcp/443')).toBe('reject');
    expect(LEGACY.filter(isPolicyIdentity)).toEqual([]);
  });

  it('makes no bundle be compiled, as a ruleset does', async () => {
    const namespaces = await plane.root('GET /namespaces', '/');
    const own = ObjectId.parse(namespaces.list.find(({ name }) => name === tenant)?.ID);
    await plane.deps.publications.mark(pathOf(tenant), own);
    const markedBy = async (resource: Identity): Promise<string[]> => {
      const marked: string[] = [];
      const after = make('networkrulesetpolicy', tenant, 1, { subject: [['app=web']] });
      await policyChanged([{ resource, operation: 'create', after }], {
        store: plane.deps.store,
        publications: { ...plane.deps.publications, mark: async path => void marked.push(path) },
      });
      return marked;
    };
    expect(await markedBy('networkrulesetpolicy')).toEqual([tenant]);
    for (const identity of LEGACY) expect(await markedBy(identity)).toEqual([]);
  });

  it.each([
    ['hostservices', { name: 'with-dash', services: ['22'] }, 'name'],
    ['hostservices', { name: 'nothing' }, 'services'],
    ['hostservices', { name: 'twice', services: ['tcp/20:30', '25'] }, 'services[1]'],
    ['hostservices', { name: 'icmp', services: ['icmp'] }, 'services[0]'],
    ['networkaccesspolicies', { name: 'p', ports: ['tcp'] }, 'ports[0]'],
    ['networkaccesspolicies', { name: 'p', activeDuration: '1d' }, 'activeDuration'],
    ['networkaccesspolicies', { name: 'p', action: 'Drop' }, 'action'],
  ] as const)('of %s is refused as the original refused it: %o', async (plural, body, attribute) => {
    const { status, errors } = await admin(`POST /${plural}`, tenant, { body });
    expect([status, errors[0]?.data?.attribute]).toEqual([422, attribute]);
  });
});

describe('host services of an enforcer', () => {
  it('are those of its mappings, and those of fallbacks where there are no others', async () => {
    const own = await plane.tenant();
    const child = await plane.namespace(own, 'child');
    const enforcer = { name: 'e', FQDN: 'e.example.com', associatedTags: ['rack=1'] };
    const { object } = await plane.root('POST /enforcers', child, { body: enforcer });
    const service = (name: string, namespace = child, more = {}) =>
      plane.root('POST /hostservices', namespace, { body: { name, services: ['22'], ...more } });
    await service('near');
    await service('above', own, { propagate: true });
    await service('hidden', own);
    const map = async (subject: string, name: string, more = {}) =>
      plane.root('POST /hostservicemappingpolicies', child, {
        body: { name: 'm', subject: [[subject]], object: [[`$name=${name}`]], ...more },
      });
    const listed = async () => {
      const answer = await plane.root(`GET /enforcers/${object.ID}/hostservices`, child);
      expect(answer.headers['x-messages']).toContain('no effect');
      return answer.list.map(({ name }) => name);
    };
    expect(await listed()).toEqual([]);
    await map('$identity=enforcer', 'near', { fallback: true });
    expect(await listed()).toEqual(['near']);
    await map('rack=2', 'near');
    await map('rack=1', 'hidden');
    await map('rack=1', 'near', { disabled: true });
    const past = new Date(plane.clock.now().getTime() - 1000).toISOString();
    await map('rack=1', 'near', { expirationTime: past });
    expect(await listed()).toEqual([]);
    await map('rack=1', 'above');
    expect(await listed()).toEqual(['above']);
    const some = await plane.member(child, ['enforcer']);
    expect((await some(`GET /enforcers/${object.ID}/hostservices`, child)).status).toBe(403);
  });
});

describe('a relation to what does not exist here', () => {
  it.each([
    ['networkrulesetpolicies', 'services'],
    ['processingunits', 'services'],
    ['namespaces', 'trustedcas'],
    ['enforcers', 'trustedcas'],
    ['enforcers', 'debugbundles'],
  ] as const)('is empty and says why: %s/:id/%s', async (plural, listed) => {
    const own = await plane.tenant();
    const identity = identityNamed(plural) ?? expect.fail();
    const { object } = await plane.root(`POST /${plural}`, own, { body: minimal(own)[identity] });
    const answer = await plane.root(`GET /${plural}/${object.ID}/${listed}`, own);
    expect([answer.status, answer.list, answer.headers['x-count-total']]).toEqual([200, [], '0']);
    expect(answer.headers['x-messages']).toMatch(/here|host/);
    const none = await plane.root(`GET /${plural}/0190f3a1b2c3d4e5f6071829/${listed}`, own);
    expect(none.status).toBe(404);
    const nobody = await plane.member(own, ['automation.viewer']);
    const denied = await nobody(`GET /${plural}/${object.ID}/${listed}`, own);
    expect(denied.status).toBe(plural === 'namespaces' ? 200 : 403);
  });
});

describe('POST /conversions', () => {
  it('gives an export that imports, and then decides as before', async () => {
    const answer = await admin('POST /conversions', tenant, { body: { data } });
    expect(answer.status, answer.text).toBe(200);
    const { data: converted, findings } = ConversionReport.parse(JSON.parse(answer.text));
    expect(converted).toMatchObject({ APIVersion: 1, label: 'old' });
    expect(findings.map(({ code, object }) => [code, object.name])).toEqual([['bound-by-name', 'out']]);
    expect((await admin('HEAD /networkrulesetpolicies', tenant)).headers['x-count-total']).toBe('0');
    const imported = await admin('POST /import', tenant, { body: { data: converted } });
    expect(imported.status, imported.text).toBe(200);
    expect([await verdict('tcp/443'), await verdict('tcp/80')]).toEqual(['allow', 'reject']);
  });

  it('names what it cannot read', async () => {
    const wrong = { ...data, data: { netpols: [{ name: 'p', ports: ['tcp'] }] } };
    const { status, errors } = await admin('POST /conversions', tenant, { body: { data: wrong } });
    expect([status, errors[0]?.data?.attribute]).toEqual([422, 'data.netpols[0].ports.0']);
  });

  it('is for those who write or see policy, and for nobody else', async () => {
    const statusFor = async (role: string) =>
      (await (await plane.member(tenant, [role]))('POST /conversions', tenant, { body: { data } })).status;
    for (const role of ['namespace.viewer', 'ruleset.administrator', 'infrastructure.viewer', 'netsecops'])
      expect([role, await statusFor(role)]).toEqual([role, 200]);
    for (const role of ['enforcer', 'system.editor', 'compute.viewer'])
      expect([role, await statusFor(role)]).toEqual([role, 403]);
  });
});
