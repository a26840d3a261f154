import { decodeJwt } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { API_URL } from '../make/plane.ts';
import { type Keys, sign, startSts } from './sts.ts';
import { openWorld, type World } from './world.ts';

const HOST = 'sts.eu-central-1.amazonaws.com';
const ROLE = {
  accessKeyId: 'ASIAEXAMPLEROLE',
  secretAccessKey: 'role-secret',
  sessionToken: 'session/token+=',
  account: '123456789012',
  arn: 'arn:aws:sts::123456789012:assumed-role/web/i-0123456789abcdef0',
};
const USER = {
  accessKeyId: 'AKIAEXAMPLEUSER',
  secretAccessKey: 'user-secret',
  account: '210987654321',
  arn: 'arn:aws:iam::210987654321:user/division/ann',
};

let world: World;
let sts: Awaited<ReturnType<typeof startSts>>;
beforeAll(async () => {
  sts = await startSts([ROLE, USER]);
  const hosts = [HOST, 'sts.amazonaws.com', 'sts.us-east-1.amazonaws.com', 'sts.cn-north-1.amazonaws.com.cn'];
  world = await openWorld(() => ({
    routes: Object.fromEntries(hosts.map(host => [`https://${host}`, sts.origin])),
    origins: [sts.origin],
  }));
});
afterAll(async () => {
  await world.stop();
  await sts.stop();
});

let nonces = 0;
interface Odd {
  keys?: Keys;
  host?: string;
  region?: string;
  date?: Date;
  /** Signed with the rest. */
  headers?: Record<string, string>;
  body?: string;
}
/** `metadata` of a good request; what is odd about it is signed all the same. */
const metadata = async ({
  keys = ROLE,
  host = HOST,
  region = 'eu-central-1',
  date,
  headers,
  body,
}: Odd = {}) => ({
  url: `https://${host}/`,
  headers: await sign(keys, {
    host,
    region,
    date: date ?? world.plane.clock.now(),
    headers: {
      'content-type': 'application/x-www-form-urlencoded; charset=utf-8',
      'x-microseg-server-id': API_URL,
      'x-microseg-nonce': `nonce-${++nonces}-abcdef`,
      ...headers,
    },
    ...(body === undefined ? {} : { body }),
  }),
});
const trade = (sent: object) => world.issue({ realm: 'AWSSecurityToken', metadata: sent });

describe('a signed GetCallerIdentity', () => {
  it('of a role is its account and role', async () => {
    const answered = await trade(await metadata());
    expect(answered.status, answered.text).toBe(200);
    expect(decodeJwt(world.token(answered))).toMatchObject({
      realm: 'awssecuritytoken',
      sub: ROLE.arn,
      data: {
        account: ROLE.account,
        arn: ROLE.arn,
        partition: 'aws',
        rolename: 'web',
        rolesessionname: 'i-0123456789abcdef0',
      },
    });
  });

  it('of a user is its account and name', async () => {
    const answered = await trade(await metadata({ keys: USER }));
    expect(decodeJwt(world.token(answered)).data).toMatchObject({ account: USER.account, username: 'ann' });
  });

  it.each([
    ['sts.amazonaws.com', 'us-east-1'],
    ['sts.cn-north-1.amazonaws.com.cn', 'cn-north-1'],
  ])('to %s is signed for %s', async (host, region) => {
    expect((await trade(await metadata({ host, region }))).status).toBe(200);
  });

  it('lets an enforcer in where an authorization names its account and role', async () => {
    const tenant = await world.plane.tenant();
    await world.plane.root('POST /apiauthorizationpolicies', tenant, {
      body: {
        name: 'machines',
        subject: [['@auth:realm=awssecuritytoken', `@auth:account=${ROLE.account}`, '@auth:rolename=web']],
        authorizedIdentities: ['@auth:role=enforcer'],
        authorizedNamespace: tenant,
      },
    });
    const as = async (keys: Keys) =>
      (await world.plane.caller(world.token(await trade(await metadata({ keys }))))('GET /enforcers', tenant))
        .status;
    expect([await as(ROLE), await as(USER)]).toEqual([200, 403]);
  });

  it('is good for one token, also when it comes twenty times at once', async () => {
    const sent = await metadata();
    const answers = await Promise.all(Array.from({ length: 20 }, () => trade(sent)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(19).fill(401)]);
    world.plane.clock.advance(240_000);
    expect((await trade(sent)).status).toBe(401);
  });

  it('is sent on with its signature and our own body, and nothing that could change the answer', async () => {
    sts.received.length = 0;
    await trade(await metadata());
    expect(sts.received).toHaveLength(1);
    expect(sts.received[0]?.body).toBe('Action=GetCallerIdentity&Version=2011-06-15');
    expect(sts.received[0]?.headers.accept).toBe('text/xml');
  });
});

describe('is refused with 401 and not sent on:', () => {
  const minutes = (count: number) => new Date(world.plane.clock.now().getTime() + count * 60_000);
  const unsigned = async (name: string, value: string) => {
    const { url, headers } = await metadata();
    return { url, headers: { ...headers, [name]: value } };
  };
  const without = async (name: string) => {
    const { url, headers } = await metadata();
    return { url, headers: Object.fromEntries(Object.entries(headers).filter(([key]) => key !== name)) };
  };
  const hosts = [
    'sts.evil.test',
    'sts.amazonaws.com.evil.test',
    'sts.s3-eu-central-1.amazonaws.com',
    'sts.eu-central-9.amazonaws.com',
    'stsXeu-central-1.amazonaws.com',
    'evil.test#sts.amazonaws.com',
    'sts.amazonaws.com@evil.test',
    'sts.amazonaws.com:8443',
    '127.0.0.1',
    'STS.amazonaws.com',
  ];
  const attacks: Record<string, () => Promise<object>> = {
    ...Object.fromEntries(
      hosts.map(host => [`host ${host}`, async () => ({ ...(await metadata()), url: `https://${host}/` })]),
    ),
    'plain http': async () => ({ ...(await metadata()), url: `http://${HOST}/` }),
    'a path': async () => ({ ...(await metadata()), url: `https://${HOST}/?Action=AssumeRole` }),
    'a host swapped after signing': async () => ({
      ...(await metadata()),
      url: 'https://sts.us-east-1.amazonaws.com/',
    }),
    'the host header of another': () => unsigned('host', 'sts.us-east-1.amazonaws.com'),
    'signed for another region': () => metadata({ region: 'us-east-1' }),
    'meant for another API': () => metadata({ headers: { 'x-microseg-server-id': 'https://other.test' } }),
    'without our URL in it': () => without('x-microseg-server-id'),
    'without a nonce': () => without('x-microseg-nonce'),
    'with a short nonce': () => metadata({ headers: { 'x-microseg-nonce': 'short' } }),
    'six minutes old': () => metadata({ date: minutes(-6) }),
    'a minute ahead': () => metadata({ date: minutes(1) }),
    'with a date that is none': () => unsigned('x-amz-date', 'yesterday'),
    'with an Accept header': () => unsigned('Accept', 'application/json'),
    'with a signed Accept header': () => metadata({ headers: { accept: 'application/json' } }),
    'with a header that names another method': () => unsigned('x-http-method-override', 'PUT'),
    'with a transfer encoding': () => unsigned('transfer-encoding', 'chunked'),
    'with a header twice, in other letters': () => unsigned('X-Microseg-Nonce', 'another-nonce'),
    'with a line break in a header': () => unsigned('content-type', 'a\r\nx-evil: 1'),
    'with our URL added after signing': async () => {
      const { url, headers } = await metadata({ headers: { 'x-microseg-server-id': API_URL } });
      const { authorization = '', ...rest } = headers;
      const cut = authorization.replace(';x-microseg-server-id', '');
      return { url, headers: { ...rest, authorization: cut } };
    },
    'signed over another action': () => metadata({ body: 'Action=GetSessionToken&Version=2011-06-15' }),
    'signed over no body in particular': () =>
      metadata({ headers: { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' } }),
    'with no signature': () => without('authorization'),
    'with a signature of another service': async () => {
      const { url, headers } = await metadata();
      return {
        url,
        headers: { ...headers, authorization: (headers.authorization ?? '').replace('/sts/', '/s3/') },
      };
    },
  };
  it.each(Object.keys(attacks))('%s', async title => {
    sts.received.length = 0;
    const sent = (await attacks[title]?.()) ?? {};
    const refused = await trade(sent);
    expect(refused.status, refused.text).toBe(401);
    expect(sts.received).toEqual([]);
    expect(world.plane.errors).toEqual([]);
  });
});

describe('what STS refuses or garbles is refused:', () => {
  it('a signature with another secret', async () => {
    const stranger = { ...ROLE, secretAccessKey: 'guessed' };
    expect((await trade(await metadata({ keys: stranger }))).status).toBe(401);
  });

  it('a nonce changed after signing', async () => {
    const { url, headers } = await metadata();
    const changed = { ...headers, 'x-microseg-nonce': 'another-nonce' };
    expect((await trade({ url, headers: changed })).status).toBe(401);
  });

  const answer = (result: string) =>
    `<GetCallerIdentityResponse><GetCallerIdentityResult>${result}</GetCallerIdentityResult></GetCallerIdentityResponse>`;
  const account = '<Account>123456789012</Account>';
  const arn = `<Arn>${ROLE.arn}</Arn>`;
  const user = '<UserId>A:b</UserId>';
  it.each([
    ['JSON', 200, '{"GetCallerIdentityResponse":{}}', 401],
    ['an account that is not the ARN’s', 200, answer(`${arn}${user}<Account>999999999999</Account>`), 401],
    ['two ARNs', 200, answer(`${arn}${arn}${user}${account}`), 401],
    ['no ARN', 200, answer(`${user}${account}`), 401],
    ['an ARN that is none', 200, answer(`<Arn>root</Arn>${user}${account}`), 401],
    ['a redirect', 307, '', 401],
    ['an error of its own', 500, answer(`${arn}${user}${account}`), 503],
  ])('an answer with %s', async (_, status, body, code) => {
    sts.state.respond = () => ({ status, body });
    expect((await trade(await metadata())).status).toBe(code);
    sts.state.respond = undefined;
  });
});

describe('credentials themselves, as the original took them', () => {
  it('are shown to STS once and are in no log and no store', async () => {
    const { accessKeyId: accessKeyID, secretAccessKey, sessionToken: token } = ROLE;
    const answered = await trade({ accessKeyID, secretAccessKey, token });
    expect(answered.status, answered.text).toBe(200);
    expect(decodeJwt(world.token(answered)).data).toMatchObject({ rolename: 'web' });
    expect(JSON.stringify(world.plane.log)).not.toContain(secretAccessKey);
    const without = await trade({ accessKeyID: USER.accessKeyId, secretAccessKey: USER.secretAccessKey });
    expect(without.status).toBe(200);
  });

  it('that are wrong are refused, and half of them are asked for', async () => {
    const wrong = await trade({ accessKeyID: ROLE.accessKeyId, secretAccessKey: 'guessed' });
    expect(wrong.status).toBe(401);
    for (const half of [{}, { accessKeyID: 'x' }, { url: `https://${HOST}/` }]) {
      const refused = await trade(half);
      expect([refused.status, refused.errors[0]?.data?.attribute]).toEqual([422, 'metadata']);
    }
  });
});
