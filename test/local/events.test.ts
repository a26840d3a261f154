import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { decode, encode } from '@msgpack/msgpack';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { type ControlPlane, startControlPlane } from '../../local/control-plane.ts';
import { type Client, credentialToken } from '../../shared/api/client.ts';
import type { Credential } from '../../shared/schema/appcredential.ts';
import type { PushEvent } from '../../shared/schema/push.ts';
import { terminal } from '../clients/apoctl/terminal.ts';
import { administratorOf, scratch, tokenOf } from '../make/process.ts';

const BIN = fileURLToPath(new URL('../../clients/apoctl/bin.mjs', import.meta.url));

const quiet = { info: () => {}, warn: () => {}, error: () => {} };

let folder: Awaited<ReturnType<typeof scratch>>;
let plane: ControlPlane;
let admin: Client;
let token: string;
beforeAll(async () => {
  folder = await scratch();
  plane = await startControlPlane({ data: folder.path, host: '127.0.0.1', port: 0, log: quiet, review: 200 });
  admin = await administratorOf(folder.path);
  token = await tokenOf(folder.path);
  await admin.call('createNamespace', { namespace: '/', body: { name: 'acme' } });
  await admin.call('createNamespace', { namespace: '/acme', body: { name: 'shop' } });
});
afterAll(async () => {
  await plane.stop();
  await folder.remove();
});

interface Listener {
  socket: WebSocket;
  heard: (PushEvent & { entity: Record<string, unknown> })[];
  closed: Promise<[number, string]>;
}

async function listen(namespace: string, more: Record<string, string> = {}, by = token): Promise<Listener> {
  const query = new URLSearchParams({ token: by, namespace, ...more });
  const socket = new WebSocket(`${plane.url.replace('http', 'ws')}/events?${query}`);
  const heard: Listener['heard'] = [];
  socket.on('message', data => heard.push(JSON.parse(String(data))));
  const closed = once(socket, 'close').then(([code, reason]): [number, string] => [code, String(reason)]);
  await once(socket, 'open');
  return { socket, heard, closed };
}

const network = (name: string, namespace = '/acme/shop') =>
  admin.call('createExternalnetwork', { namespace, body: { name, entries: ['10.0.0.0/8'] } });

const namesOf = ({ heard }: Listener) => heard.map(({ type, entity }) => `${type} ${entity.name}`);

/** What was sent before arrives before the answer to this. */
async function settled(...listeners: Listener[]): Promise<void> {
  await plane.settled();
  for (const { socket } of listeners) {
    if (socket.readyState !== WebSocket.OPEN) continue;
    const answered = once(socket, 'pong');
    socket.ping();
    await answered;
  }
}

async function member(roles: string[], namespace = '/acme'): Promise<{ ID: string; token: string }> {
  const { body } = await admin.call('createAppcredential', { namespace, body: { name: 'listener', roles } });
  const credential = body.credentials as Credential;
  const get = credentialToken(credential, {
    now: Date.now,
    randomBytes: size => crypto.getRandomValues(new Uint8Array(size)),
  });
  return { ID: body.ID, token: await get() };
}

describe('push events', () => {
  it('tell that a namespace is gone when it is hidden, and nothing of what is in it', async () => {
    const { body: old } = await admin.call('createNamespace', { namespace: '/acme', body: { name: 'old' } });
    await network('inside', '/acme/old');
    await admin.call('createNamespace', { namespace: '/acme/old', body: { name: 'below' } });
    const all = await listen('/acme', { mode: 'all' });
    await admin.call('deleteNamespace', {
      namespace: '/acme',
      params: { id: old.ID },
      query: { recursive: true },
    });
    for (let waited = 0; waited < 100; waited += 1) {
      const again = admin.call('createNamespace', { namespace: '/acme', body: { name: 'old' } });
      if (await again.then(() => true).catch(() => false)) break;
      await sleep(100);
    }
    await settled(all);
    // The update closes it, while it still could be kept.
    expect(namesOf(all)).toEqual(['update /acme/old', 'delete /acme/old', 'create /acme/old']);
    all.socket.close();
  });

  it('end for whoever was disabled, also where nothing happens', async () => {
    const { ID, token: own } = await member(['@auth:role=namespace.viewer']);
    const idle = await listen('/acme', {}, own);
    await admin.call('patchAppcredential', {
      namespace: '/acme',
      params: { id: ID },
      body: { disabled: true },
    });
    const [code, reason] = await idle.closed;
    expect([code, reason]).toEqual([1008, expect.stringContaining('revoked')]);
  });

  it('are for a hundred connections of one caller, and the next is told so', async () => {
    const { token: own } = await member(['@auth:role=namespace.viewer']);
    const open = await Promise.all(Array.from({ length: 100 }, () => listen('/acme', {}, own)));
    const query = new URLSearchParams({ token: own, namespace: '/acme' });
    const one = new WebSocket(`${plane.url.replace('http', 'ws')}/events?${query}`);
    const [, response] = await once(one, 'unexpected-response');
    expect(response.statusCode).toBe(429);
    for (const { socket } of open) socket.close();
  });

  it('tell what is created, changed and deleted in the namespace, and below it with mode=all', async () => {
    const [shop, acme, all] = [
      await listen('/acme/shop'),
      await listen('/acme'),
      await listen('/acme', { mode: 'all' }),
    ];
    const { body } = await network('office');
    const params = { id: body.ID };
    await admin.call('patchExternalnetwork', { namespace: '/acme/shop', params, body: { name: 'branch' } });
    await admin.call('deleteExternalnetwork', { namespace: '/acme/shop', params });
    await settled(shop, acme, all);
    const expected = ['create office', 'update branch', 'delete branch'];
    expect([namesOf(shop), namesOf(acme), namesOf(all)]).toEqual([expected, [], expected]);
    expect(shop.heard[0]).toEqual({
      entity: body,
      identity: 'externalnetwork',
      type: 'create',
      timestamp: expect.stringMatching(/Z$/),
      encoding: 'application/json',
    });
    for (const { socket } of [shop, acme, all]) socket.close();
  });

  it('come as the configuration says, which may be sent at any time', async () => {
    const listener = await listen('/acme/shop');
    const config = { identities: { extnet: ['create'] }, filters: { externalnetwork: 'name matches "^w"' } };
    listener.socket.send(JSON.stringify(config));
    await settled(listener);
    await network('west');
    await network('east');
    await admin.call('createEnforcerprofile', { namespace: '/acme/shop', body: { name: 'west' } });
    await settled(listener);
    listener.socket.send('{}');
    await settled(listener);
    await network('south');
    await settled(listener);
    expect(namesOf(listener)).toEqual(['create west', 'create south']);
    listener.socket.close();
  });

  it('hold no secrets', async () => {
    const listener = await listen('/acme');
    const { body } = await admin.call('createAppcredential', {
      namespace: '/acme',
      body: { name: 'program', roles: ['@auth:role=enforcer'] },
    });
    await settled(listener);
    expect(body.credentials).toBeDefined();
    expect(listener.heard.map(({ entity }) => entity.credentials)).toEqual([undefined]);
    listener.socket.close();
  });

  it('are those that the listener may read, and end with its credential', async () => {
    const { ID, token: by } = await member(['@auth:role=enforcer']);
    const [mine, other] = [
      await listen('/acme', { mode: 'all' }, by),
      await listen('/acme', { mode: 'all' }),
    ];
    await network('hidden');
    await admin.call('createEnforcerprofile', { namespace: '/acme/shop', body: { name: 'shown' } });
    await settled(mine, other);
    expect([namesOf(mine), namesOf(other)]).toEqual([['create shown'], ['create hidden', 'create shown']]);
    await admin.call('patchAppcredential', {
      namespace: '/acme',
      params: { id: ID },
      body: { disabled: true },
    });
    await admin.call('createEnforcerprofile', { namespace: '/acme/shop', body: { name: 'late' } });
    const [code, reason] = await mine.closed;
    expect([code, namesOf(mine)]).toEqual([1008, ['create shown']]);
    expect(reason).toContain('was revoked');
    other.socket.close();
  });

  describe('in msgpack', () => {
    const MSGPACK = 'application/msgpack';
    const config = { identities: { extnet: ['delete'] } };

    async function packed(more: Record<string, string> = {}, query: Record<string, string> = {}) {
      const asked = new URLSearchParams({ token, namespace: '/acme/shop', ...query });
      const socket = new WebSocket(`${plane.url.replace('http', 'ws')}/events?${asked}`, {
        headers: { accept: MSGPACK, ...more },
      });
      const heard: { data: Buffer; isBinary: boolean }[] = [];
      socket.on('message', (data: Buffer, isBinary) => heard.push({ data, isBinary }));
      const closed = once(socket, 'close').then(([code, reason]): [number, string] => [code, String(reason)]);
      await once(socket, 'open');
      return { socket, heard, closed };
    }

    it('hold the object as msgpack of its own, and points in time as timestamps', async () => {
      const [there, plain] = [await packed(), await listen('/acme/shop')];
      const { body } = await network('packed');
      await settled({ socket: there.socket, heard: [], closed: there.closed }, plain);
      const [{ data, isBinary } = expect.fail('nothing was told')] = there.heard;
      expect(isBinary).toBe(true);
      const { entity, ...event } = decode(data) as { entity: Uint8Array } & Record<string, unknown>;
      expect(event).toEqual({
        identity: 'externalnetwork',
        type: 'create',
        timestamp: expect.any(Date),
        encoding: MSGPACK,
      });
      const object = decode(entity) as Record<string, unknown>;
      expect(object.createTime).toEqual(new Date(body.createTime));
      expect(JSON.parse(JSON.stringify(object))).toEqual(plain.heard[0]?.entity);
      for (const { socket } of [there, plain]) socket.close();
    });

    it.each([
      ['a binary frame', (bytes: Uint8Array) => bytes],
      ['base64 in a text frame', (bytes: Uint8Array) => Buffer.from(bytes).toString('base64')],
    ])('take configurations in %s', async (_how, written) => {
      const { socket, heard, closed } = await packed({ 'content-type': MSGPACK });
      socket.send(written(encode(config)));
      await settled({ socket, heard: [], closed });
      const { body } = await network(`told-${heard.length}-${written.length}`);
      await admin.call('deleteExternalnetwork', { namespace: '/acme/shop', params: { id: body.ID } });
      await settled({ socket, heard: [], closed });
      expect(heard.map(({ data }) => (decode(data) as { type: string }).type)).toEqual(['delete']);
      socket.close();
    });

    it.each([
      [
        'a frame that claims more than it holds',
        { 'content-type': MSGPACK },
        Buffer.from('dfffffffff', 'hex'),
      ],
      ['a binary frame where JSON was agreed on', {}, Buffer.from(encode(config))],
    ])('refuse %s, and say so as they say all', async (_what, headers, bytes) => {
      const [told, ended] = [await packed(headers, { enableErrors: '1' }), await packed(headers)];
      for (const { socket } of [told, ended]) socket.send(bytes);
      expect((await ended.closed)[0]).toBe(1008);
      await settled({ socket: told.socket, heard: [], closed: told.closed });
      const [{ data } = expect.fail('nothing was told')] = told.heard;
      const { entity, identity, type } = decode(data) as {
        entity: Uint8Array;
        identity: string;
        type: string;
      };
      expect([identity, type]).toEqual(['error', 'error']);
      expect(decode(entity)).toMatchObject({ code: 400, title: 'Bad Request', subject: 'microseg' });
      told.socket.close();
    });

    it('or JSON it is, or nothing', async () => {
      const query = new URLSearchParams({ token, namespace: '/acme' });
      const url = `${plane.url.replace('http', 'ws')}/events?${query}`;
      for (const headers of [{ accept: 'text/html' }, { 'content-type': 'application/yaml' }]) {
        const [, response] = await once(new WebSocket(url, { headers }), 'unexpected-response');
        expect(response.statusCode).toBe(415);
      }
    });
  });

  it('of an object that no message has room for say which it is', async () => {
    const entries = Array.from({ length: 9000 }, (_, at) => `10.${at >> 8}.${at & 255}.0/24`);
    const listener = await listen('/acme/shop');
    const body = { name: 'long', entries, description: 'x'.repeat(1000) };
    const { body: made } = await admin.call('createExternalnetwork', { namespace: '/acme/shop', body });
    await settled(listener);
    const { ID, namespace, name, createTime, updateTime } = made;
    expect(listener.heard.map(({ entity }) => entity)).toEqual([
      { ID, namespace, name, createTime, updateTime },
    ]);
    listener.socket.close();
  });

  it('come from who says no more than a frame of API Gateway holds', async () => {
    const listener = await listen('/acme/shop');
    listener.socket.send(JSON.stringify({ parameters: { long: 'x'.repeat(32 * 1024) } }));
    expect((await listener.closed)[0]).toBe(1009);
  });

  it('are told nobody who cannot say who they are, or may do nothing there', async () => {
    const { token: by } = await member(['@auth:role=namespace.viewer']);
    const refused = async (query: Record<string, string>) => {
      const socket = new WebSocket(`${plane.url.replace('http', 'ws')}/events?${new URLSearchParams(query)}`);
      const [, response] = await once(socket, 'unexpected-response');
      socket.on('error', () => {});
      return response.statusCode;
    };
    expect(await refused({ namespace: '/acme' })).toBe(401);
    expect(await refused({ namespace: '/acme', token: 'x.y.z' })).toBe(401);
    expect(await refused({ namespace: 'acme', token })).toBe(400);
    expect(await refused({ namespace: '/', token: by })).toBe(403);
    expect(await refused({ namespace: '/elsewhere', token: by })).toBe(403);
    expect(await refused({ namespace: '/acme/nowhere', token: by })).toBe(403);
  });

  it.each([
    ['{', 'not JSON'],
    ['{"identities": {"nothing": []}}', '`nothing` names no resource'],
    ['{"filters": {"namespace": "name in [a]"}}', 'nothing else'],
    ['{"filters": {"namespace": "colour == red"}}', 'colour'],
    ['{"color": 1}', 'is unknown here'],
  ])('answer the configuration %s with an error event, or the end', async (config, reason) => {
    const [told, ended] = [await listen('/acme', { enableErrors: '1' }), await listen('/acme')];
    told.socket.send(config);
    ended.socket.send(config);
    expect((await ended.closed)[0]).toBe(1008);
    await settled(told);
    expect(told.heard.map(({ type }) => type)).toEqual(['error']);
    expect(told.heard[0]?.identity).toBe('error');
    expect(told.heard[0]?.entity).toMatchObject({
      code: expect.any(Number),
      title: expect.any(String),
      description: expect.stringContaining(reason),
    });
    told.socket.close();
  });
});

describe('apoctl api listen', () => {
  /** Types the command, and resolves when it hears something. */
  async function hearing(by: string, ...argv: string[]) {
    const user = await terminal({ APOCTL_API: plane.url, APOCTL_TOKEN: by, APOCTL_NAMESPACE: '/acme' });
    const listening = user.type('api', 'listen', ...argv);
    await expect.poll(() => user.told()).toContain('listening in /acme');
    return { user, listening };
  }

  it('prints a line for each event that it was asked for, and fails when it is let in no more', async () => {
    const { ID, token: by } = await member(['@auth:role=namespace.viewer']);
    const { user, listening } = await hearing(by, 'extnet', '-r', '-f', 'name != "other"');
    // Until it hears, what it asked for had not arrived.
    await expect
      .poll(async () => {
        await network('heard');
        await plane.settled();
        return user.written();
      })
      .toContain('heard');
    await network('other');
    await plane.settled();
    await admin.call('patchAppcredential', {
      namespace: '/acme',
      params: { id: ID },
      body: { disabled: true },
    });
    await network('unheard');
    const { code, out, err } = await listening;
    const names = out
      .trim()
      .split('\n')
      .map(line => JSON.parse(line).entity.name);
    expect([...new Set(names)]).toEqual(['heard']);
    expect(code).toBe(1);
    expect(err).toMatch(
      /listening in \/acme and below[\s\S]*was revoked[\s\S]*lost: [\s\S]*error: Unauthorized/,
    );
    await user.leave();
  });

  it.each([
    [['-o', 'yaml'], /^---\nentity:\n(.*\n)*type: create\n/m],
    [['-o', 'none'], /^[0-9a-f]{24}$/m],
    [['-o', 'table'], /^\S+Z {2}create {2}externalnetwork +[0-9a-f]{24} {2}\/acme\/shop {2}printed$/m],
    [['--template', '{{ .type }} {{ .entity.name | upper }}'], /^create PRINTED$/m],
  ])('prints as it is told, %j, and ends well when the user says so', async (how, expected) => {
    const { user, listening } = await hearing(token, '-r', ...how);
    await network('printed');
    await plane.settled();
    await expect.poll(() => user.written()).toMatch(expected);
    user.interrupt();
    const { code, err } = await listening;
    expect([code, err]).toEqual([0, expect.stringMatching(/ended\n$/)]);
    await user.leave();
  });

  it.each([
    [['-o', 'xml'], 'json, yaml, table, none, template'],
    [['-o', 'template'], '--template <text>'],
    [['-o', 'yaml', '--template', '{{ .type }}'], 'not -o yaml'],
    [['--template', '{{ .type'], 'template'],
    [['extnet', '-f', 'name in [a]'], 'nothing else'],
    [['extnet', '-f', 'colour == red'], 'colour'],
    [['-f', 'name == x'], '--filter is about one resource'],
  ])('refuses %j before it connects', async (argv, reason) => {
    const user = await terminal({ APOCTL_API: plane.url, APOCTL_TOKEN: token, APOCTL_NAMESPACE: '/acme' });
    const { code, err } = await user.type('api', 'listen', ...argv);
    expect([code, err]).toEqual([
      expect.toSatisfy((exit: number) => exit > 0),
      expect.stringContaining(reason),
    ]);
    expect(err).not.toContain('listening');
    await user.leave();
  });

  it('ends with 0 when the process is interrupted', async () => {
    const env = { ...process.env, APOCTL_API: plane.url, APOCTL_TOKEN: token, APOCTL_NAMESPACE: '/acme' };
    const child = spawn(BIN, ['api', 'listen'], { env, stdio: ['ignore', 'ignore', 'pipe'] });
    let told = '';
    child.stderr.on('data', data => {
      told += String(data);
    });
    await expect.poll(() => told, { timeout: 25_000 }).toContain('listening in /acme');
    child.kill('SIGINT');
    expect(await once(child, 'exit')).toEqual([0, null]);
  });

  it('ends with a template that an event does not suit', async () => {
    const { user, listening } = await hearing(token, '-r', '--template', '{{ .type.of.it }}');
    await network('unsuitable');
    const { code, err } = await listening;
    expect([code, err]).toEqual([1, expect.stringContaining('.type')]);
    await user.leave();
  });

  it('says why it may not listen', async () => {
    const user = await terminal({ APOCTL_API: plane.url, APOCTL_TOKEN: token, APOCTL_NAMESPACE: '/nowhere' });
    const refused = await user.type('api', 'listen');
    expect([refused.code, refused.err]).toEqual([1, expect.stringContaining('/nowhere')]);
    await user.leave();
  });
});
