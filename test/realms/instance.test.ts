import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Enforcer } from '../../shared/schema/enforcer.ts';
import { NamespacePath, type ObjectId } from '../../shared/schema/ids.ts';
import { certificateRequest } from '../make/certificate-request.ts';
import { API_URL } from '../make/plane.ts';
import { type Keys, sign, startSts } from './sts.ts';
import { openWorld, type World } from './world.ts';

const HOST = 'sts.eu-central-1.amazonaws.com';
const ACCOUNT = '123456789012';
const OWN = { account: ACCOUNT, region: 'eu-central-1', id: 'i-0123456789abcdef0' };
const identity = (name: string, arn: string) => ({
  accessKeyId: `ASIAEXAMPLE${name}`,
  secretAccessKey: `secret of ${name}`,
  account: ACCOUNT,
  arn: `arn:aws:${arn}`,
});
const ROLE = identity('ROLE', `sts::${ACCOUNT}:assumed-role/web/${OWN.id}`);
/** What people call sessions and users says nothing of instances. */
const PERSON = identity('PERSON', `sts::${ACCOUNT}:assumed-role/web/ann`);
const USER = identity('USER', `iam::${ACCOUNT}:user/${OWN.id}`);

let world: World;
let sts: Awaited<ReturnType<typeof startSts>>;
let tenant: string;
beforeAll(async () => {
  sts = await startSts([ROLE, PERSON, USER]);
  world = await openWorld(() => ({ routes: { [`https://${HOST}`]: sts.origin }, origins: [sts.origin] }));
  tenant = await world.plane.tenant();
  const subject = [['@auth:realm=awssecuritytoken', `@auth:account=${ACCOUNT}`]];
  const policy = { name: 'machines', authorizedIdentities: ['@auth:role=enforcer'], subject };
  const body = { ...policy, authorizedNamespace: tenant };
  expect((await world.plane.root('POST /apiauthorizationpolicies', tenant, { body })).status).toBe(200);
});
afterAll(async () => {
  await world.stop();
  await sts.stop();
});

let nonces = 0;
/** A token for who STS says that the holder of the keys is. */
async function tokenOf(keys: Keys): Promise<string> {
  const headers = {
    'content-type': 'application/x-www-form-urlencoded; charset=utf-8',
    'x-microseg-server-id': API_URL,
    'x-microseg-nonce': `nonce-${++nonces}-abcdef`,
  };
  const asked = { host: HOST, region: 'eu-central-1', date: world.plane.clock.now(), headers };
  const metadata = { url: `https://${HOST}/`, headers: await sign(keys, asked) };
  return world.token(await world.issue({ realm: 'AWSSecurityToken', metadata }));
}

let machines = 0;
const registered = async (more: object) => {
  const machineID = `machine ${++machines}`;
  const body = { name: 'web', FQDN: 'web.test', machineID, ...more };
  const made = await world.plane.root('POST /enforcers', tenant, { body });
  expect(made.status, made.text).toBe(200);
  return { machineID, path: `/enforcers/${made.object.ID}` as const, object: made.object };
};
const stored = (ID: unknown): Promise<Enforcer | undefined> =>
  world.plane.deps.store.get({
    resource: 'enforcer',
    namespace: NamespacePath.parse(tenant),
    id: ID as ObjectId,
  });
const patched = async (path: `/enforcers/${string}`, body: object) =>
  (await world.plane.root(`PATCH ${path}`, tenant, { body })).object;

describe('the instance that an enforcer says it runs on', () => {
  it('is believed with a token for the identity of that instance, which nothing keeps', async () => {
    const token = await tokenOf(ROLE);
    const { object, path } = await registered({ instance: OWN, instanceToken: token });
    expect(object).toMatchObject({ instance: OWN, verifiedInstance: OWN, instanceToken: '' });
    const log = await world.plane.root('GET /activities', tenant);
    expect(JSON.stringify([await stored(object.ID), log.text])).not.toContain(token);
    // It lasts, whatever else is changed.
    expect(await patched(path, { description: 'x' })).toMatchObject({ verifiedInstance: OWN });
  });

  it('is believed of whoever calls as that instance', async () => {
    const { path } = await registered({});
    const own = world.plane.caller(await tokenOf(ROLE));
    const said = await own(`PATCH ${path}`, tenant, { body: { instance: OWN } });
    expect(said.status, said.text).toBe(200);
    const { object } = said;
    expect(object).toMatchObject({ verifiedInstance: OWN });
    const other = { ...OWN, id: 'i-0ffffffffffffffff' };
    const posing = await own(`PATCH ${path}`, tenant, { body: { instance: other } });
    expect([posing.status, posing.object.verifiedInstance]).toEqual([200, undefined]);
  });

  it.each([
    ['without any proof', OWN, undefined],
    ['with the identity of another instance', { ...OWN, id: 'i-0ffffffffffffffff' }, ROLE],
    ['with the identity of another account', { ...OWN, account: '210987654321' }, ROLE],
    ['with a role that people assume', OWN, PERSON],
    ['with a user of its name', OWN, USER],
  ])('is its own word alone %s', async (_, instance, keys) => {
    const proof = keys ? { instanceToken: await tokenOf(keys) } : {};
    const { object } = await registered({ instance, ...proof });
    expect(object).toMatchObject({ instance });
    expect(object.verifiedInstance).toBeUndefined();
  });

  it('is refused with a token that is none of ours', async () => {
    const { path } = await registered({});
    const forged = `${(await tokenOf(ROLE)).slice(0, -4)}AAAA`;
    const body = { instance: OWN, instanceToken: forged };
    const refused = await world.plane.root(`PATCH ${path}`, tenant, { body });
    expect([refused.status, refused.errors[0]?.data?.attribute]).toEqual([422, 'instanceToken']);
    expect(refused.errors[0]?.description).toContain('get one from POST /issue');
  });

  it('cannot be said to be proven, and is not any more once it is said to be another', async () => {
    const { path } = await registered({ instance: OWN, instanceToken: await tokenOf(ROLE) });
    const another = { ...OWN, id: 'i-0ffffffffffffffff' };
    const said = await world.plane.root(`PATCH ${path}`, tenant, { body: { verifiedInstance: another } });
    expect(said.status).toBe(422);
    expect((await patched(path, { instance: another })).verifiedInstance).toBeUndefined();
    expect((await patched(path, { instance: OWN })).verifiedInstance).toBeUndefined();
  });

  it('stays proven when its machine registers anew, unless as another instance', async () => {
    const { machineID, object } = await registered({ instance: OWN, instanceToken: await tokenOf(ROLE) });
    const again = async (more: object) => {
      const made = await world.plane.root('POST /installtokens', tenant, { body: {} });
      const { pem } = await certificateRequest();
      const enforcer = { name: 'web', FQDN: 'web.test', machineID, certificateRequest: pem, ...more };
      const sent = { body: { token: made.object.token, enforcer } };
      expect((await world.plane.call('POST /registrations', sent)).status).toBe(200);
      return (await stored(object.ID))?.verifiedInstance;
    };
    expect(await again({})).toEqual(OWN);
    expect(await again({ instance: { ...OWN, id: 'i-0ffffffffffffffff' } })).toBeUndefined();
    expect(await again({ instance: OWN })).toBeUndefined();
  });
});
