import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { ApiError } from '../../shared/api/client.ts';
import { type ListenerState, type Listening, listenAlways, waitBefore } from '../../shared/api/listen.ts';
import { PushConfig, type PushEvent } from '../../shared/schema/push.ts';

let server: Server;
let sockets: WebSocketServer;
beforeEach(async () => {
  server = createServer();
  sockets = new WebSocketServer({ server });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(() => {
  for (const socket of sockets.clients) socket.terminate();
  server.closeAllConnections();
  server.close();
});

const refused = (status: number): ApiError =>
  new ApiError(status, [
    { code: status, title: 'Refused', description: 'no', subject: 'microseg', trace: '' },
  ]);

/** A client that notes what it is told and how long it waits, and waits not at all. */
function client(more: Partial<Listening> = {}) {
  const ending = new AbortController();
  const events: PushEvent[] = [];
  const states: ListenerState[] = [];
  const waits: number[] = [];
  const address = server.address();
  const port = address !== null && typeof address === 'object' ? address.port : 0;
  let time = 0;
  const done = listenAlways({
    url: async () => `ws://127.0.0.1:${port}/events`,
    probe: async () => undefined,
    config: PushConfig.parse({ identities: { namespace: [] } }),
    event: event => events.push(event),
    state: state => states.push(state),
    signal: ending.signal,
    sleep: async milliseconds => {
      waits.push(milliseconds);
      time += milliseconds;
    },
    now: () => time,
    random: () => 1,
    ...more,
  });
  // Looked at by each test in its own time.
  done.catch(() => undefined);
  return { done, events, states, waits, end: () => ending.abort(), pass: (ms: number) => (time += ms) };
}

const arrival = async (): Promise<[WebSocket, Promise<unknown>]> => {
  const [socket] = (await once(sockets, 'connection')) as [WebSocket];
  return [socket, once(socket, 'message').then(([data]) => JSON.parse(String(data)))];
};

const event = (name: string): string =>
  JSON.stringify({
    entity: { name },
    identity: 'namespace',
    type: 'create',
    timestamp: '2026-03-01T12:00:00.000Z',
    encoding: 'application/json',
  });

describe('listening', () => {
  it('says what it wants to hear of first, hands on events, and passes over what is none', async () => {
    const coming = arrival();
    const { events, states, end, done } = client();
    const [socket, said] = await coming;
    expect(await said).toMatchObject({ identities: { namespace: [] } });
    for (const text of ['{"message": "Internal server error"}', 'no JSON', event('a')]) socket.send(text);
    await expect.poll(() => events.map(({ entity }) => entity)).toEqual([{ name: 'a' }]);
    expect(states).toEqual([{ kind: 'open' }]);
    end();
    await done;
    expect((await once(socket, 'close'))[0]).toBe(1000);
  });

  it('comes back when it is hung up on, says why, and since when nothing was told', async () => {
    const coming = arrival();
    const { states, waits, end, done, pass } = client();
    const [first] = await coming;
    const again = arrival();
    pass(5);
    first.close(1001, 'nothing was said');
    const [, said] = await again;
    expect(await said).toMatchObject({ identities: { namespace: [] } });
    await expect.poll(() => states.length).toBe(3);
    expect(states).toEqual([
      { kind: 'open' },
      { kind: 'lost', reason: 'nothing was said', wait: 1000 },
      { kind: 'back', since: 5 },
    ]);
    expect(waits).toEqual([1000]);
    end();
    await done;
  });

  it('waits twice as long with every failure, and not after it was connected for a while', async () => {
    let refusals = 0;
    const { waits, states, end, done, pass } = client({
      url: async () => {
        refusals += 1;
        if (refusals <= 9) throw refused(503);
        const address = server.address();
        return `ws://127.0.0.1:${address !== null && typeof address === 'object' ? address.port : 0}`;
      },
    });
    const [socket] = await arrival();
    expect(waits).toEqual([1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000]);
    // As soon as the server has it, the client need not know of it.
    await expect.poll(() => states.at(-1)?.kind).toBe('open');
    const again = arrival();
    pass(30_000);
    socket.close(1001);
    await again;
    expect(waits.at(-1)).toBe(1000);
    end();
    await done;
  });

  it('ends with what its user fails on', async () => {
    const coming = arrival();
    const { done, waits } = client({
      event: () => {
        throw new RangeError('no room');
      },
    });
    const [socket] = await coming;
    socket.send(event('a'));
    socket.send(event('b'));
    await expect(done).rejects.toThrow('no room');
    expect(waits).toEqual([]);
  });

  it.each([401, 403, 404])('ends when the API refuses for good, with %i', async status => {
    sockets.close();
    server.on('upgrade', (_request, socket) => socket.end('HTTP/1.1 403 Forbidden\r\n\r\n'));
    const { done, states } = client({ probe: async () => Promise.reject(refused(status)) });
    await expect(done).rejects.toMatchObject({ status });
    expect(states).toEqual([]);
  });

  it.each([408, 429, 503])('tries again when the API refuses for now, with %i', async status => {
    let asked = 0;
    const { states, end, done } = client({
      url: async () => {
        asked += 1;
        if (asked === 1) throw refused(status);
        const address = server.address();
        return `ws://127.0.0.1:${address !== null && typeof address === 'object' ? address.port : 0}`;
      },
    });
    await arrival();
    await expect.poll(() => states.map(({ kind }) => kind)).toEqual(['lost', 'open']);
    end();
    await done;
  });

  it('ends while it waits, and before it began', async () => {
    const waiting = client({
      url: async () => Promise.reject(new Error('no route')),
      sleep: (_milliseconds, signal) =>
        new Promise(woken => signal.addEventListener('abort', () => woken(), { once: true })),
    });
    await expect.poll(() => waiting.states.length).toBe(1);
    waiting.end();
    await waiting.done;
    await client({ signal: AbortSignal.abort() }).done;
  });

  it('waits anywhere up to a ceiling that doubles to a minute', () => {
    fc.assert(
      fc.property(fc.nat(100), fc.double({ min: 0, max: 1, noNaN: true }), (failures, chance) => {
        const wait = waitBefore(failures, chance);
        const ceiling = Math.min(60_000, 1000 * 2 ** failures);
        expect(wait).toBeGreaterThanOrEqual(0);
        expect(wait).toBeLessThanOrEqual(ceiling);
        expect(waitBefore(failures, 1)).toBe(ceiling);
        expect(waitBefore(failures, 0)).toBe(0);
      }),
    );
  });
});
