import { decodeJwt } from 'jose';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { API_URL } from '../../make/plane.ts';
import { startSts } from '../../realms/sts.ts';
import { openWorld, type World } from '../../realms/world.ts';
import { type Terminal, terminal } from './terminal.ts';

const HOST = 'https://sts.eu-west-1.amazonaws.com';
const KEYS = {
  accessKeyId: 'ASIAEXAMPLEROLE',
  secretAccessKey: 'role-secret',
  sessionToken: 'session/token+=',
  account: '123456789012',
  arn: 'arn:aws:sts::123456789012:assumed-role/web/i-0123456789abcdef0',
};
const ENV = {
  AWS_ACCESS_KEY_ID: KEYS.accessKeyId,
  AWS_SECRET_ACCESS_KEY: KEYS.secretAccessKey,
  AWS_SESSION_TOKEN: KEYS.sessionToken,
  AWS_REGION: 'eu-west-1',
};
const IMDS = 'http://169.254.169.254';

let world: World;
let sts: Awaited<ReturnType<typeof startSts>>;
let user: Terminal;
/** Answers of the metadata service, by method and path. */
let metadata: Record<string, string>;
let sent: string[];

beforeAll(async () => {
  sts = await startSts([KEYS]);
  world = await openWorld(() => ({ routes: { [HOST]: sts.origin }, origins: [sts.origin] }));
});
afterAll(async () => {
  await world.stop();
  await sts.stop();
});
beforeEach(async () => {
  metadata = {};
  sent = [];
  user = await terminal({ APOCTL_API: API_URL });
  user.now = () => world.plane.clock.now().getTime();
  user.fetch = async (input, init) => {
    const url = String(input);
    if (url.startsWith(IMDS)) {
      const answer = metadata[`${init?.method} ${url.slice(IMDS.length)}`];
      return new Response(answer ?? '', { status: answer === undefined ? 404 : 200 });
    }
    expect(url).toContain('/issue');
    sent.push(String(init?.body));
    const { status, text } = await world.issue(JSON.parse(String(init?.body)));
    return new Response(text, { status });
  };
  return () => user.leave();
});

const instance = {
  'PUT /latest/api/token': 'imds-token',
  'GET /latest/dynamic/instance-identity/document': JSON.stringify({ region: 'eu-west-1' }),
  'GET /latest/meta-data/iam/security-credentials/': 'web',
  'GET /latest/meta-data/iam/security-credentials/web': JSON.stringify({
    AccessKeyId: KEYS.accessKeyId,
    SecretAccessKey: KEYS.secretAccessKey,
    Token: KEYS.sessionToken,
  }),
};

test.each([
  ['the environment', ENV, {}],
  ['the role of the instance', {}, instance],
])('credentials of AWS in %s get a token, and are not sent', async (_, env, answers) => {
  user.env = { ...user.env, ...env };
  metadata = answers;
  for (const name of ['aws-st', 'aws']) {
    const { code, out, err } = await user.type('auth', name, '--validity', '1m');
    expect([code, err]).toEqual([0, '']);
    expect(decodeJwt(out.trim())).toMatchObject({
      sub: KEYS.arn,
      data: { account: KEYS.account, rolename: 'web' },
    });
  }
  expect(sent.join('')).not.toContain(KEYS.secretAccessKey);
});

test('a region on the command line goes before those of the environment', async () => {
  user.env = { ...user.env, ...ENV, AWS_REGION: 'eu-central-1' };
  const { code } = await user.type('auth', 'aws-st', '--region', 'eu-west-1');
  expect(code).toBe(0);
});

test.each([
  [{}, [], 1, /metadata service of AWS proves no identity here .* or give AWS_ACCESS_KEY_ID and/],
  [{ AWS_ACCESS_KEY_ID: 'A' }, [], 2, /AWS_SECRET_ACCESS_KEY is not set; set AWS_ACCESS_KEY_ID and/],
  [
    ENV,
    ['--region', 'evil.example/'],
    2,
    /`evil.example\/` is no region; give one such as --region eu-west-1/,
  ],
  [{ ...ENV, AWS_SECRET_ACCESS_KEY: 'wrong' }, [], 1, /Unauthorized: the AWS identity was refused/],
])('what proves nobody is refused with a way out: %j %j', async (env, words, wanted, said) => {
  user.env = { ...user.env, ...env };
  const { code, out, err } = await user.type('auth', 'aws-st', ...words);
  expect([code, out]).toEqual([wanted, '']);
  expect(err).toMatch(said);
  expect(err).not.toContain(KEYS.secretAccessKey);
});

test.each([
  [
    'gcp',
    `/computeMetadata/v1/instance/service-accounts/default/identity?audience=${encodeURIComponent(API_URL)}&format=full`,
    'a.b.c',
    'GCPIdentityToken',
  ],
  [
    'azure',
    `/metadata/identity/oauth2/token?api-version=2018-02-01&resource=${encodeURIComponent(API_URL)}`,
    '{"access_token":"a.b.c"}',
    'AzureIdentityToken',
  ],
])(
  'auth %s --instance asks the metadata service for a token that names this API',
  async (name, path, answer, realm) => {
    metadata = { [`GET ${path}`]: answer };
    const { err } = await user.type('auth', name, '--instance');
    expect(sent.map(text => JSON.parse(text))).toMatchObject([{ realm, metadata: { token: 'a.b.c' } }]);
    expect(err).toContain('the identity token was refused');
    metadata = {};
    expect((await user.type('auth', name, '--instance')).err).toContain('or give a token with -t or --path');
    expect(await user.type('auth', name, '--instance', '-t', 'a.b.c')).toMatchObject({ code: 2 });
  },
);
