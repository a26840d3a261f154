import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FAILURES } from '../../shared/schema/failure.ts';
import { openPlane, type Plane } from '../make/plane.ts';

/** What Go prints for a time that nobody has set. */
const NEVER = '0001-01-01T00:00:00Z';

let plane: Plane;
let tenant: string;
beforeAll(async () => {
  plane = await openPlane();
  tenant = await plane.tenant();
});
afterAll(() => plane.stop());

/** An external network as the original's Go client sends it: every attribute, whether it was set or not. */
const network = {
  ID: '',
  annotations: null,
  associatedTags: ['externalnetwork:name=office'],
  createTime: NEVER,
  description: '',
  entries: ['192.0.2.0/24'],
  metadata: null,
  name: 'office',
  namespace: '',
  normalizedTags: [],
  propagate: false,
  protected: false,
  servicePorts: null,
  type: 'Subnet',
  updateTime: NEVER,
};

/** A time as Go prints it: without zeros at the end. */
const goTime = (text: string): string => text.replace(/\.?0*Z$/, 'Z');

const authorization = (expirationTime: string) => ({
  name: 'contractor',
  subject: [['@auth:realm=certificate', '@auth:subject=x']],
  authorizedIdentities: ['@auth:role=namespace.viewer'],
  authorizedNamespace: tenant,
  expirationTime,
});

describe("the original's Go client", () => {
  it('creates what it sends whole', async () => {
    const made = await plane.root('POST /externalnetworks', tenant, { body: network });
    expect(made.status, made.text).toBe(200);
    expect(made.object).toMatchObject({ name: 'office', annotations: {}, servicePorts: [] });
    expect(made.object.createTime).not.toBe(NEVER);
  });

  it('updates what it read, whatever zeros its times end with', async () => {
    for (const milliseconds of [0, 120, 123]) {
      plane.clock.advance(2000 + milliseconds - plane.clock.now().getMilliseconds());
      const { object } = await plane.root('POST /externalnetworks', tenant, { body: network });
      const body = {
        ...object,
        createTime: goTime(String(object.createTime)),
        updateTime: goTime(String(object.updateTime)),
        description: 'changed',
      };
      const put = await plane.root(`PUT /externalnetworks/${object.ID}`, tenant, { body });
      expect(put.status, put.text).toBe(200);
      expect(put.object).toMatchObject({ description: 'changed', createTime: object.createTime });
      const again = await plane.root(`PUT /externalnetworks/${object.ID}`, tenant, { body });
      expect(again.status).toBe(409);
    }
  });

  it('sends lists that nobody made as null, in rules too', async () => {
    const rule = { action: 'Allow', object: [['app=db']], protocolPorts: null };
    const body = { name: 'web', subject: [['app=web']], incomingRules: [rule], outgoingRules: null };
    const { status, text, object } = await plane.root('POST /networkrulesetpolicies', tenant, { body });
    expect(status, text).toBe(200);
    expect(object).toMatchObject({ incomingRules: [{ protocolPorts: [] }], outgoingRules: [] });
  });

  it('makes namespaces with what a public one of them sends, and is told what means nothing', async () => {
    const body = { name: 'from-sdk', group: 'Group', AssociatedTags: null, annotations: null };
    const made = await plane.root('POST /namespaces', tenant, { body });
    expect([made.status, made.object.type]).toEqual([200, 'Default']);
    expect(made.headers['x-messages']).toContain('group means nothing');
    const misspelt = { name: 'misspelt', AssociatedTags: ['a=b'] };
    const refused = await plane.root('POST /namespaces', tenant, { body: misspelt });
    expect([refused.status, refused.errors[0]?.description]).toEqual([
      422,
      expect.stringContaining('write associatedTags'),
    ]);
    const policy = { ...authorization(NEVER), propagate: false };
    const authorized = await plane.root('POST /apiauthorizationpolicies', tenant, { body: policy });
    expect([authorized.status, authorized.headers['x-messages']]).toEqual([
      200,
      expect.stringContaining('always propagate'),
    ]);
    expect(
      (await plane.root('POST /apiauthorizationpolicies', tenant, { body: { ...policy, propagate: 'no' } }))
        .status,
    ).toBe(422);
  });

  it('sends attributes that are empty here or gone, which say nothing', async () => {
    const times = { lastCollectionTime: NEVER, lastLocalTimestamp: NEVER, lastSyncTime: NEVER };
    const unit = { ...times, image: '', images: null, tracing: null, networkServices: null, controller: '' };
    const body = { name: 'web', type: 'Docker', vulnerabilityLevel: '', unreachable: false, ...unit };
    const made = await plane.root('POST /processingunits', tenant, { body });
    expect(made.status, made.text).toBe(200);
    const old = { ...body, image: 'web:1' };
    const refused = await plane.root('POST /processingunits', tenant, { body: old });
    expect([refused.status, refused.errors[0]?.description]).toEqual([
      422,
      expect.stringContaining('images: ["web:1"]'),
    ]);
    const provider = {
      name: 'google',
      endpoint: 'https://accounts.example.com',
      clientID: 'x',
      certificateAuthority: '',
      parentID: '',
      parentName: '',
    };
    expect((await plane.root('POST /oidcproviders', tenant, { body: provider })).status).toBe(200);
    const own = { ...provider, name: 'own', certificateAuthority: '-----BEGIN CERTIFICATE-----' };
    expect((await plane.root('POST /oidcproviders', tenant, { body: own })).status).toBe(422);
    const enforcer = {
      name: 'host',
      FQDN: 'host.example.com',
      certificateRequest: '',
      lastCollectionTime: NEVER,
      lastCollectionID: '',
      lastMigrationTime: NEVER,
      lastSyncTime: NEVER,
      localCA: '',
      publicToken: '',
      startTime: NEVER,
      subnets: null,
      collectedInfo: null,
    };
    const registered = await plane.root('POST /enforcers', tenant, { body: enforcer });
    expect(registered.status, registered.text).toBe(200);
  });

  it('gets a token with a body that is whole', async () => {
    const credential = await plane.credential(tenant, ['namespace.viewer']);
    const token = await plane.token(credential);
    const body = {
      realm: 'AporetoIdentityToken',
      metadata: { token },
      validity: '1h',
      quota: 0,
      audience: '',
      opaque: null,
      restrictedNamespace: '',
      restrictedNetworks: null,
      restrictedPermissions: [],
      data: '',
      token: '',
      claims: { sub: '', data: {} },
    };
    const issued = await plane.call('POST /issue', { body });
    expect(issued.status, issued.text).toBe(200);
    // Clients keep a token until the end that the answer says.
    const { claims, token: made } = JSON.parse(issued.text);
    expect(claims.exp).toBe(JSON.parse(Buffer.from(made.split('.')[1], 'base64url').toString()).exp);
  });
});

it('no refusal but of an API that is busy leaves with a status that they try again on', () => {
  const again = [408, 423, 429, 502, 503, 504];
  const kinds = Object.entries(FAILURES).filter(([, { code }]) => (again as number[]).includes(code));
  expect(kinds.map(([kind]) => kind).sort()).toEqual(['too_many_requests', 'unavailable']);
});

describe('an expiration', () => {
  it.each([
    ['2031-01-01T00:00:00Z', '2031-01-01T00:00:00.000Z'],
    ['2031-01-01T02:00:00.5+02:00', '2031-01-01T00:00:00.500Z'],
  ])('%s is taken and given back as %s', async (said, kept) => {
    const { object, text } = await plane.root('POST /apiauthorizationpolicies', tenant, {
      body: authorization(said),
    });
    expect(object.expirationTime, text).toBe(kept);
  });

  it('in the year 1 is none, and null takes it away again', async () => {
    const made = await plane.root('POST /apiauthorizationpolicies', tenant, { body: authorization(NEVER) });
    expect([made.status, made.object.expirationTime]).toEqual([200, undefined]);
    const one = `/apiauthorizationpolicies/${made.object.ID}` as const;
    const expirationTime = '2031-01-01T00:00:00Z';
    const set = await plane.root(`PATCH ${one}`, tenant, { body: { expirationTime } });
    expect(set.object.expirationTime).toBe('2031-01-01T00:00:00.000Z');
    const unset = await plane.root(`PATCH ${one}`, tenant, { body: { expirationTime: null } });
    expect([unset.status, unset.object.expirationTime]).toEqual([200, undefined]);
  });

  it('that is no time is refused', async () => {
    const body = authorization('2031-02-30T00:00:00Z');
    const refused = await plane.root('POST /apiauthorizationpolicies', tenant, { body });
    expect([refused.status, refused.errors[0]?.data?.attribute]).toEqual([422, 'expirationTime']);
  });
});

describe('ports of an external network', () => {
  it.each([
    [{ servicePorts: ['tcp/8443', 'udp/53'] }, 'servicePorts', '["tcp/8443","udp/53"]'],
    [{ servicePorts: ['x'] }, 'servicePorts', '["tcp/443"]'],
    [{ protocols: ['tcp'], ports: ['80', '8000-8010'] }, 'ports', '["tcp/80","tcp/8000:8010"]'],
    [{ protocols: [17] }, 'protocols', '["udp/0:65535"]'],
  ])('%j are refused, with the rule to write instead', async (over, attribute, written) => {
    const body = { name: 'office', entries: ['192.0.2.0/24'], ...over };
    const refused = await plane.root('POST /externalnetworks', tenant, { body });
    expect(refused.status).toBe(422);
    const found = refused.errors.find(({ data }) => data?.attribute === attribute);
    expect(found?.description).toContain(`protocolPorts: ${written}`);
  });

  it('of an import stay, and can be emptied and not changed, while the rest is changed', async () => {
    const own = await plane.tenant();
    const kept = { name: 'old', entries: ['192.0.2.0/24'], servicePorts: ['tcp/80'] };
    const data = { label: 'old', data: { externalnetworks: [kept] } };
    expect((await plane.root('POST /import', own, { body: { data } })).status).toBe(200);
    const read = async () =>
      (await plane.root('GET /externalnetworks', own)).list[0] as Record<string, unknown>;
    const stored = await read();
    const one = `/externalnetworks/${stored.ID}` as const;
    const body = { description: 'changed' };
    expect((await plane.root(`PATCH ${one}`, own, { body })).object).toMatchObject({ ...kept, ...body });
    const whole = await plane.root(`PUT ${one}`, own, { body: { ...(await read()), description: 'again' } });
    expect(whole.object).toMatchObject({ ...kept, description: 'again' });
    const changed = await plane.root(`PATCH ${one}`, own, { body: { servicePorts: ['tcp/81'] } });
    expect([changed.status, changed.errors[0]?.description]).toEqual([
      422,
      expect.stringContaining('protocolPorts: ["tcp/81"]'),
    ]);
    const emptied = await plane.root(`PATCH ${one}`, own, { body: { servicePorts: [] } });
    expect([emptied.status, emptied.object.servicePorts]).toEqual([200, []]);
  });
});
