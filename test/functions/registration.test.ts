import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CERTIFICATE_LIFE } from '../../functions/enforcer-certificate.ts';
import { RegistrationAnswer } from '../../shared/api/enforcer-messages.ts';
import { enforcer as noun } from '../../shared/schema/enforcer.ts';
import { certificateRequest, credentialOf, type Requested } from '../make/certificate-request.ts';
import { API_URL, assertion, type Caller, openPlane, type Plane } from '../make/plane.ts';

let plane: Plane;
let agent: Caller;
let group: string;
beforeAll(async () => {
  plane = await openPlane();
  group = await plane.namespace(await plane.tenant(), 'group');
  agent = await plane.member(group, ['enforcer']);
});
afterAll(() => plane.stop());

let machines = 0;
const machine = (more: object = {}) => {
  machines += 1;
  const name = `web-${machines}`;
  return { name, FQDN: `${name}.example.com`, machineID: `machine-${machines}`, ...more };
};
const parsed = (text: string) => noun.stored.parse(JSON.parse(text));
const registered = async (body: object) => parsed((await agent('POST /enforcers', group, { body })).text);
const tokenFor = async (body: object = {}): Promise<string> =>
  String((await plane.root('POST /installtokens', group, { body })).object.token);
const withToken = (token: string, enforcer: object) =>
  plane.call('POST /registrations', { body: { token, enforcer } });
const asEnforcer = (enforcer: Parameters<typeof credentialOf>[0], keys: Requested) =>
  plane.as(credentialOf(enforcer, keys, API_URL));
const described = (answered: { errors: { description: string }[] }) => answered.errors[0]?.description;
const countOf = async (machineID: string) =>
  (await plane.root(`GET /enforcers?q=machineID=="${machineID}"`, group)).list.length;

describe('a machine', () => {
  it('that registers again takes over its enforcer; what people said of it stays', async () => {
    const body = machine({ associatedTags: ['rack=1'], currentVersion: '1.0.0' });
    const first = await registered(body);
    const { updateTime } = first;
    const edit = { updateTime, description: 'the first', associatedTags: ['team=web'], protected: true };
    await plane.root(`PATCH /enforcers/${first.ID}`, group, { body: edit });
    const again = { ...body, name: 'renamed', FQDN: 'renamed.example.com', currentVersion: '2.0.0' };
    const answered = await agent('POST /enforcers', group, { body: again });
    expect(answered.headers['x-messages']).toContain(`its enforcer ${first.ID} was taken over`);
    expect(parsed(answered.text)).toMatchObject({
      ID: first.ID,
      createTime: first.createTime,
      name: 'renamed',
      FQDN: 'renamed.example.com',
      currentVersion: '2.0.0',
      description: 'the first',
      protected: true,
      associatedTags: ['team=web', 'rack=1'],
    });
    expect(await countOf(body.machineID)).toBe(1);
    const list = JSON.parse((await plane.root('GET /activities', group)).text) as Record<string, unknown>[];
    expect(list.slice(0, 3).map(entry => entry.operation)).toEqual(['update', 'update', 'create']);
  });

  it('that registers many times at once has one enforcer', async () => {
    const body = machine();
    const answers = await Promise.all(
      Array.from({ length: 12 }, () => agent('POST /enforcers', group, { body })),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array(12).fill(200));
    expect(new Set(answers.map(({ object }) => object.ID)).size).toBe(1);
    expect(await countOf(body.machineID)).toBe(1);
  });

  it('has an enforcer in each namespace that it registers in', async () => {
    const other = await plane.namespace(group, 'other');
    const body = machine();
    const there = await agent('POST /enforcers', other, { body });
    expect(there.object.ID).not.toBe((await registered(body)).ID);
  });

  it('cannot be given another machine ID afterwards', async () => {
    const { ID, updateTime } = await registered(machine());
    const body = { updateTime, machineID: 'another' };
    const answered = await agent(`PATCH /enforcers/${ID}`, group, { body });
    expect(answered.status).toBe(422);
    expect(described(answered)).toContain("'machineID'");
  });

  it('has no enforcer after a dry run', async () => {
    const body = machine();
    expect((await agent('POST /enforcers?dryRun=true', group, { body })).status).toBe(200);
    expect(await countOf(body.machineID)).toBe(0);
  });
});

describe('a certificate', () => {
  it('is made for the key of a request, and gets tokens that act for this enforcer alone', async () => {
    const keys = await certificateRequest();
    const enforcer = await registered(machine({ certificateRequest: keys.pem }));
    expect(enforcer.certificateRequest).toBe('');
    expect(enforcer.certificate).toMatch(/^-----BEGIN CERTIFICATE-----\n/);
    const mine = await asEnforcer(enforcer, keys);
    expect((await mine(`GET /enforcers/${enforcer.ID}/poke?version=1.0.0`, group)).status).toBe(204);
    expect((await mine(`POST /enforcers/${enforcer.ID}/credentials`, group)).status).toBe(200);
    const other = await registered(machine());
    for (const line of [
      `GET /enforcers/${other.ID}/poke`,
      `PATCH /enforcers/${other.ID}`,
      `POST /enforcers/${other.ID}/credentials`,
    ] as const) {
      const answered = await mine(line, group, { body: {} });
      expect([line, answered.status]).toEqual([line, 403]);
      expect(described(answered)).toContain(`acts for itself, not for ${other.ID}`);
    }
    expect((await mine('POST /enforcers', group, { body: machine() })).status).toBe(403);
    expect((await mine(`DELETE /enforcers/${enforcer.ID}`, group)).status).toBe(403);
  });

  it('is renewed by another request; the former key and its tokens are of no use from then on', async () => {
    const [old, fresh] = [await certificateRequest(), await certificateRequest()];
    const enforcer = await registered(machine({ certificateRequest: old.pem }));
    const former = await asEnforcer(enforcer, old);
    const body = { certificateRequest: fresh.pem };
    const renewed = parsed((await former(`PATCH /enforcers/${enforcer.ID}`, group, { body })).text);
    expect(renewed.certificate).not.toBe(enforcer.certificate);
    expect((await former(`GET /enforcers/${enforcer.ID}/poke`, group)).status).toBe(401);
    const metadata = { token: await assertion(credentialOf(enforcer, old, API_URL), plane.clock.now()) };
    const issued = await plane.call('POST /issue', { body: { realm: 'AppCredential', metadata } });
    expect(issued.status).toBe(401);
    const later = await asEnforcer(renewed, fresh);
    expect((await later(`GET /enforcers/${enforcer.ID}/poke`, group)).status).toBe(204);
  });

  it('stays when the enforcer is edited', async () => {
    const keys = await certificateRequest();
    const { ID, certificate } = await registered(machine({ certificateRequest: keys.pem }));
    const edited = await plane.root(`PATCH /enforcers/${ID}`, group, { body: { description: 'x' } });
    expect(parsed(edited.text).certificate).toBe(certificate);
  });

  it.each([
    ['is revoked', (id: string) => plane.root(`DELETE /enforcers/${id}/certificate`, group)],
    ['goes with its enforcer', (id: string) => plane.root(`DELETE /enforcers/${id}`, group)],
  ])('%s, and no token of it is taken from then on', async (_, end) => {
    const keys = await certificateRequest();
    const enforcer = await registered(machine({ certificateRequest: keys.pem }));
    const mine = await asEnforcer(enforcer, keys);
    await end(enforcer.ID);
    expect((await mine(`GET /enforcers/${enforcer.ID}`, group)).status).toBe(401);
    const metadata = { token: await assertion(credentialOf(enforcer, keys, API_URL), plane.clock.now()) };
    const issued = await plane.call('POST /issue', { body: { realm: 'AppCredential', metadata } });
    expect(issued.status).toBe(401);
    plane.root = await plane.as(
      await (await import('../../functions/events/bootstrap.ts')).bootstrap(plane.deps),
    );
  });

  it('ends after 90 days, and no token is given for it from then on', async () => {
    const far = await openPlane();
    const home = await far.namespace(await far.tenant(), 'group');
    const keys = await certificateRequest();
    const body = machine({ certificateRequest: keys.pem });
    const enforcer = parsed((await far.root('POST /enforcers', home, { body })).text);
    const credential = credentialOf(enforcer, keys, API_URL);
    far.clock.advance(CERTIFICATE_LIFE - 60_000);
    expect(await far.token(credential)).not.toBe('');
    far.clock.advance(60_000);
    const metadata = { token: await assertion(credential, far.clock.now()) };
    const issued = await far.call('POST /issue', { body: { realm: 'AppCredential', metadata } });
    expect(issued.status).toBe(401);
    await far.stop();
  });

  it.each([
    ['no request at all', async () => 'nonsense', 'is wrong: it is no PKCS #10 request in PEM'],
    [
      'a key on another curve',
      async () =>
        (await certificateRequest({ algorithm: { name: 'ECDSA', namedCurve: 'P-384', hash: 'SHA-384' } }))
          .pem,
      'its key is P-384; make one on the curve P-256',
    ],
    [
      'a signature that is not of its key',
      async () => {
        const { pem } = await certificateRequest();
        const der = Buffer.from(pem.replace(/-----[^-]+-----|\s/g, ''), 'base64');
        der[der.length - 1] = (der.at(-1) ?? 0) ^ 1;
        return `-----BEGIN CERTIFICATE REQUEST-----\n${der.toString('base64')}\n-----END CERTIFICATE REQUEST-----`;
      },
      'its signature is not of the key in it',
    ],
  ])('is refused for %s', async (_, request, message) => {
    const body = machine({ certificateRequest: await request() });
    const answered = await agent('POST /enforcers', group, { body });
    expect(answered.status).toBe(422);
    expect(described(answered)).toContain(message);
  });
});

describe('an install token', () => {
  it('is shown once, and stored as a digest', async () => {
    const { object } = await plane.root('POST /installtokens', group, { body: {} });
    expect(object.token).toMatch(/^[\w-]+\.[0-9a-f]{24}\.[\w-]{43}$/);
    const { text } = await plane.root(`GET /installtokens/${object.ID}`, group);
    expect(text).not.toContain(String(object.token).split('.')[2]);
    expect(Date.parse(String(object.expirationTime)) - Date.parse(String(object.createTime))).toBe(1_800_000);
  });

  it('registers an enforcer that then acts for itself with its own key', async () => {
    const keys = await certificateRequest();
    const answered = await withToken(await tokenFor(), machine({ certificateRequest: keys.pem }));
    expect(answered.status).toBe(200);
    const { enforcer, credential } = RegistrationAnswer.parse(JSON.parse(answered.text));
    const mine = await plane.as({ ...credential, certificateKey: keys.certificateKey });
    expect((await mine(`GET /enforcers/${enforcer.ID}/poke`, group)).status).toBe(204);
    const list = JSON.parse((await plane.root('GET /activities', group)).text) as Record<string, unknown>[];
    expect(list[0]).toMatchObject({
      targetIdentity: 'enforcer',
      operation: 'create',
      claims: ['@auth:realm=installtoken', expect.stringMatching(/^@auth:subject=/)],
    });
  });

  it('is good still after a rehearsal, which registers nobody', async () => {
    const body = machine();
    const token = await tokenFor();
    const enforcer = { ...body, certificateRequest: (await certificateRequest()).pem };
    const dry = await plane.call('POST /registrations?dryRun', { body: { token, enforcer } });
    expect([dry.status, dry.headers['x-messages']]).toEqual([200, 'this was a dry run: nothing was changed']);
    expect(await countOf(body.machineID)).toBe(0);
    expect((await withToken(token, enforcer)).status).toBe(200);
  });

  it('is good once; for the same key again, so that a lost answer is no lost machine', async () => {
    const token = await tokenFor();
    const body = machine({ certificateRequest: (await certificateRequest()).pem });
    const first = await withToken(token, body);
    const again = await withToken(token, body);
    expect(JSON.parse(again.text)).toEqual(JSON.parse(first.text));
    const thief = machine({ certificateRequest: (await certificateRequest()).pem });
    const stolen = await withToken(token, thief);
    expect([stolen.status, described(stolen)]).toEqual([
      401,
      expect.stringMatching(/the install token was used at .* by enforcer [0-9a-f]{24}; make a new one/),
    ]);
  });

  it('that many machines use at once registers one of them', async () => {
    const token = await tokenFor();
    const bodies = await Promise.all(
      Array.from({ length: 8 }, async () =>
        machine({ certificateRequest: (await certificateRequest()).pem }),
      ),
    );
    const answers = await Promise.all(bodies.map(body => withToken(token, body)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(7).fill(401)]);
    const found = await Promise.all(bodies.map(({ machineID }) => countOf(String(machineID))));
    expect(found.reduce((sum, count) => sum + count)).toBe(1);
  });

  it('does not bring back an enforcer that was deleted', async () => {
    const token = await tokenFor();
    const body = machine({ certificateRequest: (await certificateRequest()).pem });
    const { enforcer } = RegistrationAnswer.parse(JSON.parse((await withToken(token, body)).text));
    await plane.root(`DELETE /enforcers/${enforcer.ID}`, group);
    expect((await withToken(token, body)).status).toBe(401);
  });

  it.each([
    ['expired', { validity: '10m' }, 401, /expired at/],
    ['for another machine', { machineID: 'another' }, 403, /is not for the machine `machine-\d+`/],
  ])('that is %s is refused', async (what, more, status, message) => {
    const token = await tokenFor(more);
    if (what === 'expired') plane.clock.advance(600_000);
    const answered = await withToken(
      token,
      machine({ certificateRequest: (await certificateRequest()).pem }),
    );
    expect([answered.status, described(answered)]).toEqual([status, expect.stringMatching(message)]);
  });

  it('that was never made is refused alike, whatever is wrong with it', async () => {
    const token = await tokenFor();
    const [place, id, secret] = token.split('.');
    const other = Buffer.from('/nowhere').toString('base64url');
    const wrong = [
      'x',
      'a.b.c',
      `${place}.${id}`,
      `${place}.${'0'.repeat(24)}.${secret}`,
      `${place}.${id}.x`,
    ];
    const body = machine({ certificateRequest: (await certificateRequest()).pem });
    const told = await Promise.all(wrong.map(async text => described(await withToken(text, body))));
    expect(new Set(told)).toEqual(
      new Set(['there is no such install token; make one with apoctl enforcer install-token']),
    );
    expect((await withToken(`${other}.${id}.${secret}`, body)).status).toBe(401);
  });

  it.each(['0s', '25h', 'soon'])('cannot be good for %s', async validity => {
    const answered = await plane.root('POST /installtokens', group, { body: { validity } });
    expect([answered.status, described(answered)]).toEqual([422, expect.stringContaining("'validity'")]);
  });

  it('is made by those who manage enforcers, not by enforcers', async () => {
    const body = {};
    const editor = await plane.member(group, ['system.editor']);
    expect((await editor('POST /installtokens', group, { body })).status).toBe(200);
    expect((await agent('POST /installtokens', group, { body })).status).toBe(403);
    expect((await editor('POST /installtokens', '/', { body })).status).toBe(403);
    const atRoot = await plane.root('POST /installtokens', '/', { body });
    expect(described(atRoot)).toContain('below the root');
  });
});
