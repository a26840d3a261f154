import { randomBytes, randomUUID } from 'node:crypto';
import { decode, encode } from '@msgpack/msgpack';
import { beforeAll, describe, expect, it } from 'vitest';
import { composeFrom } from '../../functions/compose.ts';
import { reviewListeners } from '../../functions/lambda/events.ts';
import { listener } from '../../functions/lambda/listeners.ts';
import { openConnections } from '../../shared/adapters/aws/connections.ts';
import { type Client, createClient, credentialToken } from '../../shared/api/client.ts';
import { Credential } from '../../shared/schema/appcredential.ts';
import { NamespacePath } from '../../shared/schema/ids.ts';
import { connectionIn } from '../contract/connections.ts';
import { testClock } from '../make/clock.ts';
import { freshTenant } from '../make/objects.ts';
import { connectEvent, disconnectEvent, messageEvent } from '../make/socket-events.ts';
import { clientOf } from './lane/gateway.ts';
import { installation } from './lane/installation.ts';
import { invoke } from './lane/request.ts';

const { config, connection, wire, bootstrap, callsFunctions } = installation();
const url = config.EVENTS_URL;
const freshID = (): string => `${randomBytes(8).toString('base64')}=`;

/** No endpoint opens WebSockets: API Gateway is played by events of its shape, and by a server that takes its messages. */
describe.skipIf(!callsFunctions)('listeners over the AWS adapters', () => {
  let admin: Client;
  let token: string;
  const tenant = `/t${randomUUID().slice(0, 8)}`;
  const { connections } = composeFrom(process.env);

  beforeAll(async () => {
    const credential = Credential.parse(await invoke(wire, bootstrap, {}));
    const get = credentialToken(credential, { now: Date.now, randomBytes });
    admin = createClient({ api: config.API_URL, token: get });
    token = await get();
    await admin.call('createNamespace', { namespace: '/', body: { name: tenant.slice(1) } });
  });

  async function comes(query: Record<string, string>, by = token, id = freshID()) {
    const { statusCode } = await listener(connectEvent(id, { token: by, namespace: tenant, ...query }));
    expect(statusCode).toBe(200);
    const client = clientOf(url, id);
    await client.open();
    const heard = async () => (await client.received()).map(text => JSON.parse(text));
    const names = async () => (await heard()).map(({ type, entity }) => `${type} ${entity.name}`);
    return { id, client, heard, names };
  }
  const network = (name: string) =>
    admin.call('createExternalnetwork', { namespace: tenant, body: { name, entries: ['10.0.0.0/8'] } });
  const soon = { timeout: 30_000, interval: 250 };

  it('hear through stream, queue and API Gateway what they asked for, in order', async () => {
    const [all, some] = [await comes({ mode: 'all' }), await comes({})];
    const config = { identities: { extnet: ['create'] }, filters: { extnet: 'name matches "^w"' } };
    expect(await listener(messageEvent(some.id, JSON.stringify(config)))).toEqual({ statusCode: 200 });
    const { body } = await network('west');
    await network('east');
    await admin.call('deleteExternalnetwork', { namespace: tenant, params: { id: body.ID } });
    const networks = async () => (await all.names()).filter(name => /(west|east)$/.test(name));
    await expect.poll(networks, soon).toEqual(['create west', 'create east', 'delete west']);
    expect(await some.names()).toEqual(['create west']);
    expect((await all.heard()).find(({ entity }) => entity.ID === body.ID)).toMatchObject({
      identity: 'externalnetwork',
      entity: body,
    });
    for (const { id } of [all, some]) await listener(disconnectEvent(id));
    expect(await connections.open(NamespacePath.parse(tenant))).toEqual([]);
  });

  it('hear which object it was of one that no message has room for', async () => {
    const all = await comes({});
    const entries = Array.from({ length: 13_000 }, (_, at) => `10.${at >> 8}.${at & 255}.128/25`);
    const body = { name: 'long', entries };
    const { body: made } = await admin.call('createExternalnetwork', { namespace: tenant, body });
    const told = async () => (await all.heard()).find(({ entity }) => entity.ID === made.ID);
    await expect.poll(told, soon).toBeDefined();
    const event = await told();
    const { ID, namespace, name, createTime, updateTime } = made;
    expect(event).toMatchObject({ identity: 'externalnetwork', type: 'create' });
    expect(event.entity).toEqual({ ID, namespace, name, createTime, updateTime });
    await listener(disconnectEvent(all.id));
  });

  it('are let in only if they say who they are, and may read something', async () => {
    const status = async (query: Record<string, string>, headers = {}) =>
      (await listener(connectEvent(freshID(), query, headers))).statusCode;
    expect(await status({})).toBe(400);
    expect(await status({ namespace: tenant })).toBe(401);
    expect(await status({ namespace: tenant, token: 'x.y.z' })).toBe(401);
    expect(await status({ namespace: 'acme', token })).toBe(400);
    const { body } = await admin.call('createAppcredential', {
      namespace: tenant,
      body: { name: 'reader', roles: ['@auth:role=namespace.viewer'] },
    });
    const own = await credentialToken(body.credentials as Credential, { now: Date.now, randomBytes })();
    expect(await status({ namespace: '/', token: own })).toBe(403);
    expect(await status({ namespace: tenant }, { Authorization: `Bearer ${own}` })).toBe(200);
  });

  it('are hung up on, with the reason, once their credential is disabled, by the next look', async () => {
    const { body } = await admin.call('createAppcredential', {
      namespace: tenant,
      body: { name: 'leaver', roles: ['@auth:role=namespace.viewer'] },
    });
    const own = await credentialToken(body.credentials as Credential, { now: Date.now, randomBytes })();
    const leaver = await comes({ enableErrors: '1' }, own);
    const patch = { namespace: tenant, params: { id: body.ID }, body: { disabled: true } };
    await admin.call('patchAppcredential', patch);
    await reviewListeners();
    expect(await leaver.client.isOpen()).toBe(false);
    const [error] = (await leaver.heard()).filter(({ type }) => type === 'error');
    expect(JSON.stringify(error)).toContain('was revoked');
    expect(await connections.get(leaver.id)).toBeUndefined();
  });

  it('that read and write msgpack are sent it as base64, for there are no binary frames', async () => {
    const id = freshID();
    const media = { Accept: 'application/msgpack', 'Content-Type': 'application/msgpack' };
    await listener(connectEvent(id, { token, namespace: tenant }, media));
    const client = clientOf(url, id);
    await client.open();
    const config = encode({ identities: { externalnetwork: ['create'] } });
    await listener(messageEvent(id, Buffer.from(config).toString('base64')));
    const { body } = await network('packed');
    // What happened just before may still be told.
    const events = async () =>
      (await client.bytes()).map(bytes => {
        const { entity, encoding } = decode(bytes) as { entity: Uint8Array; encoding: string };
        return `${encoding} ${(decode(entity) as { ID: string }).ID}`;
      });
    await expect.poll(events, soon).toContain(`application/msgpack ${body.ID}`);
  });

  it('that send a wrong configuration are told so, or hung up on', async () => {
    const [told, ended] = [await comes({ enableErrors: '' }), await comes({})];
    for (const { id } of [told, ended]) await listener(messageEvent(id, '{"color": 1}'));
    expect(JSON.stringify(await told.heard())).toContain('is unknown here');
    expect([await told.client.isOpen(), await ended.client.isOpen()]).toEqual([true, false]);
  });

  it('whose connection was forgotten are hung up on when they say something', async () => {
    const { id, client } = await comes({});
    await connections.remove(id);
    await listener(messageEvent(id, '{}'));
    expect(await client.isOpen()).toBe(false);
  });
});

describe.skipIf(!callsFunctions)('a connection of API Gateway', () => {
  const gateway = { ...connection, endpoint: url.replace(/^ws/, 'http') };
  const clock = testClock();
  const open = () => openConnections({ ...connection, tableName: config.TABLE_NAME, gateway }, clock);
  const now = () => clock.now().toISOString();

  it('that is still opening answers as if it were gone, and is kept', async () => {
    const connections = open();
    const one = connectionIn(freshTenant(), { since: now() });
    await connections.add(one);
    await connections.send(one, 'too early');
    await connections.close(one.id, 'too early');
    expect(await connections.get(one.id)).toEqual(one);
    clock.advance(30_000);
    await connections.send(one, 'gone');
    expect(await connections.get(one.id)).toBeUndefined();
  });

  it('that API Gateway ended without a word is listed no more after its two hours', async () => {
    const connections = open();
    const tenant = freshTenant();
    const one = connectionIn(tenant, { since: now() });
    await connections.add(one);
    clock.advance(2 * 60 * 60 * 1000);
    expect(await connections.open(tenant)).toEqual([one]);
    clock.advance(10 * 60 * 1000 + 1000);
    expect(await connections.open(tenant)).toEqual([]);
    expect(await connections.get(one.id)).toBeUndefined();
  });
});
