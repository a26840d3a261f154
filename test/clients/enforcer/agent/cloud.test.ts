import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { type CloudName, findCloud } from '../../../../clients/enforcer/agent/cloud.ts';
import { provenInstance } from '../../../../clients/enforcer/agent/proven-instance.ts';
import { systemClock } from '../../../../clients/enforcer/clock.ts';
import { readSignedRequest } from '../../../../functions/realms/signed-request.ts';

type Answers = Readonly<Record<string, string>>;

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

/** A metadata service on loopback. `allows`: what a request must have to be answered at all. */
async function service(answers: Answers, allows: (request: IncomingMessage) => boolean): Promise<string> {
  const server = createServer((request, response) => {
    const answer = answers[`${request.method} ${request.url}`];
    response.statusCode = !allows(request) ? 401 : answer === undefined ? 404 : 200;
    response.end(response.statusCode === 200 ? answer : '');
  });
  servers.push(server);
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const nobody = () => service({}, () => false);
const API = 'https://api.test';
const ask = { api: API, now: new Date('2026-03-01T12:00:00Z'), randomBytes };

async function cloudOf(name: CloudName, answers: Answers, allows: (request: IncomingMessage) => boolean) {
  const endpoints = { aws: await nobody(), gcp: await nobody(), azure: await nobody() };
  return findCloud({ ...endpoints, [name]: await service(answers, allows) });
}

test('an instance of AWS tells its tags, and signs a request that is good for this API alone', async () => {
  const document = {
    accountId: '826088932159',
    availabilityZone: 'eu-west-1a',
    imageId: 'ami-1',
    instanceId: 'i-0123456789abcdef0',
    instanceType: 't3.small',
    region: 'eu-west-1',
  };
  const credentials = { AccessKeyId: 'ASIAEXAMPLE', SecretAccessKey: 'secret', Token: 'session' };
  const cloud = await cloudOf(
    'aws',
    {
      'PUT /latest/api/token': 'imds-token',
      'GET /latest/dynamic/instance-identity/document': JSON.stringify(document),
      'GET /latest/meta-data/tags/instance/': 'Name\nrole',
      'GET /latest/meta-data/tags/instance/Name': 'web-1',
      'GET /latest/meta-data/tags/instance/role': 'web=front',
      'GET /latest/meta-data/iam/security-credentials/': 'agent-role',
      'GET /latest/meta-data/iam/security-credentials/agent-role': JSON.stringify(credentials),
    },
    ({ method, headers }) =>
      method === 'PUT'
        ? headers['x-aws-ec2-metadata-token-ttl-seconds'] !== undefined
        : headers['x-aws-ec2-metadata-token'] === 'imds-token',
  );
  expect(await cloud?.tags()).toEqual([
    'cloud:aws:account=826088932159',
    'cloud:aws:image=ami-1',
    'cloud:aws:instance-id=i-0123456789abcdef0',
    'cloud:aws:instance-type=t3.small',
    'cloud:aws:region=eu-west-1',
    'cloud:aws:zone=eu-west-1a',
    'cloud:aws:tag:Name=web-1',
    'cloud:aws:tag:role=web=front',
  ]);
  expect(await cloud?.instance()).toEqual({
    account: '826088932159',
    region: 'eu-west-1',
    id: 'i-0123456789abcdef0',
  });
  const proof = await cloud?.prove(ask);
  const { url, headers } = (proof?.metadata ?? {}) as { url: string; headers: Record<string, string> };
  const read = (apiURL: string) => readSignedRequest(url, headers, { apiURL, now: ask.now });
  expect([proof?.realm, url]).toEqual(['AWSSecurityToken', 'https://sts.eu-west-1.amazonaws.com/']);
  expect(read(API)).toMatchObject({ signature: expect.stringMatching(/^[0-9a-f]{64}$/) });
  expect(read('https://other.test')).toBe('meant for another API');
  expect(JSON.stringify(proof)).not.toContain(credentials.SecretAccessKey);
});

test('an instance of AWS tells which one it is, and proves it where it has a role', async () => {
  const document = { accountId: '826088932159', instanceId: 'i-0123456789abcdef0', region: 'eu-west-1' };
  const credentials = { AccessKeyId: 'ASIAEXAMPLE', SecretAccessKey: 'secret', Token: 'session' };
  const known = {
    'PUT /latest/api/token': 'imds-token',
    'GET /latest/dynamic/instance-identity/document': JSON.stringify(document),
    'GET /latest/meta-data/tags/instance/': '',
  };
  const role = {
    'GET /latest/meta-data/iam/security-credentials/': 'agent-role',
    'GET /latest/meta-data/iam/security-credentials/agent-role': JSON.stringify(credentials),
  };
  const issued = { realm: 'AWSSecurityToken', validity: '1h', claims: {}, token: 'a.b.c' };
  const api = await service({ 'POST /issue': JSON.stringify(issued) }, () => true);
  const told = async (answers: Answers) =>
    provenInstance(api, await cloudOf('aws', answers, () => true), systemClock);
  const instance = { account: '826088932159', region: 'eu-west-1', id: 'i-0123456789abcdef0' };
  expect(await told({ ...known, ...role })).toEqual({ instance, instanceToken: 'a.b.c' });
  expect(await told(known)).toEqual({ instance });
  expect(await provenInstance(api, undefined, systemClock)).toEqual({});
});

test('an instance of Google Cloud tells its tags, and gets a token for this API', async () => {
  const instance = {
    id: 4711,
    name: 'web-1',
    zone: 'projects/1/zones/europe-west1-b',
    machineType: 'projects/1/machineTypes/e2-small',
    attributes: { 'cluster-name': 'shop' },
  };
  const audience = encodeURIComponent(API);
  const cloud = await cloudOf(
    'gcp',
    {
      'GET /computeMetadata/v1/instance/?recursive=true': JSON.stringify(instance),
      'GET /computeMetadata/v1/project/project-id': 'shop-data',
      [`GET /computeMetadata/v1/instance/service-accounts/default/identity?audience=${audience}&format=full`]:
        'a.b.c\n',
    },
    ({ headers }) => headers['metadata-flavor'] === 'Google',
  );
  expect(await cloud?.tags()).toEqual([
    'cloud:gcp:project=shop-data',
    'cloud:gcp:instance:cluster-name=shop',
    'cloud:gcp:instance:id=4711',
    'cloud:gcp:instance:machine-type=e2-small',
    'cloud:gcp:instance:name=web-1',
    'cloud:gcp:instance:zone=europe-west1-b',
  ]);
  expect(await cloud?.prove(ask)).toEqual({ realm: 'GCPIdentityToken', metadata: { token: 'a.b.c' } });
});

test('a machine of Azure tells its tags, and gets a token for this API', async () => {
  const compute = {
    name: 'web-1',
    vmId: 'v-1',
    location: 'westeurope',
    resourceGroupName: 'shop',
    subscriptionId: 's-1',
    vmSize: 'B1s',
    tagsList: [{ name: 'cost center', value: '7' }],
  };
  const cloud = await cloudOf(
    'azure',
    {
      'GET /metadata/instance?api-version=2021-02-01': JSON.stringify({ compute }),
      [`GET /metadata/identity/oauth2/token?api-version=2018-02-01&resource=${encodeURIComponent(API)}`]:
        JSON.stringify({ access_token: 'x.y.z' }),
    },
    ({ headers }) => headers.metadata === 'true',
  );
  expect(await cloud?.tags()).toEqual([
    'cloud:azure:location=westeurope',
    'cloud:azure:name=web-1',
    'cloud:azure:resource-group=shop',
    'cloud:azure:subscription=s-1',
    'cloud:azure:vm-id=v-1',
    'cloud:azure:vm-size=B1s',
    'cloud:azure:tag:cost-center=7',
  ]);
  expect(await cloud?.prove(ask)).toEqual({ realm: 'AzureIdentityToken', metadata: { token: 'x.y.z' } });
});

test('a host where nobody answers is in no cloud', async () => {
  expect(
    await findCloud({ aws: await nobody(), gcp: await nobody(), azure: 'http://127.0.0.1:1' }),
  ).toBeUndefined();
});
