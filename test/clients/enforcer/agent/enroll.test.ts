import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { enroll } from '../../../../clients/enforcer/agent/enroll.ts';
import { credentialClient } from '../../../../clients/enforcer/agent/session.ts';
import { systemClock } from '../../../../clients/enforcer/clock.ts';
import { type ControlPlane, startControlPlane } from '../../../../local/control-plane.ts';
import { type Client, createClient, credentialToken } from '../../../../shared/api/client.ts';
import { Credential } from '../../../../shared/schema/appcredential.ts';
import { adminClient } from '../../../make/admin-client.ts';

let place: string;
let plane: ControlPlane;
let admin: Client;
const log = { info: () => undefined, warn: () => undefined, error: () => undefined };

beforeEach(async () => {
  place = mkdtempSync(join(tmpdir(), 'enforcer-enroll-'));
  plane = await startControlPlane({ data: join(place, 'data'), host: '127.0.0.1', port: 0, log });
  const credential = Credential.parse(JSON.parse(readFileSync(plane.administrator, 'utf8')));
  const token = credentialToken(credential, { now: Date.now, randomBytes });
  admin = createClient({ api: plane.url, token });
  await admin.call('createNamespace', { namespace: '/', body: { name: 'tenant', type: 'Tenant' } });
});
afterEach(async () => {
  await plane.stop();
  rmSync(place, { recursive: true, force: true });
});

const machine = { name: 'host', machineID: 'machine-1' };
const installToken = async (): Promise<string> =>
  (await admin.call('createInstalltoken', { namespace: '/tenant', body: {} })).body.token ?? '';

test('an install token is traded for a credential of this host’s own, which may do what an agent does', async () => {
  const folder = join(place, 'agent');
  const credential = await enroll(plane.url, await installToken(), machine, folder);
  const client = credentialClient({ ...credential, APIURL: plane.url }, systemClock);
  const { namespace, ID: id } = credential;
  const { body } = await client.call('createEnforcerCredentials', { namespace, params: { id } });
  expect([body.namespace, namespace]).toEqual(['/tenant', '/tenant']);
  await client.call('pokeEnforcer', { namespace, params: { id } });
  const other = adminClient({ ...credential, APIURL: plane.url }, systemClock);
  await expect(other.call('createNamespace', { namespace, body: { name: 'x' } })).rejects.toMatchObject({
    status: 403,
  });
  expect(statSync(join(folder, 'enforcer.key')).mode & 0o777).toBe(0o600);
});

test('an answer that got lost is asked for again with the same key; another host gets nothing for the token', async () => {
  const token = await installToken();
  const folder = join(place, 'agent');
  const first = await enroll(plane.url, token, machine, folder);
  expect(await enroll(plane.url, token, machine, folder)).toEqual(first);
  const other = enroll(plane.url, token, { name: 'other', machineID: 'machine-2' }, join(place, 'other'));
  await expect(other).rejects.toMatchObject({ status: 401 });
});
