import { once } from 'node:events';
import { WebSocket, WebSocketServer } from 'ws';
import { startControlPlane } from '../local/control-plane.ts';
import { type Client, credentialToken } from '../shared/api/client.ts';
import type { Credential } from '../shared/schema/appcredential.ts';
import { administratorOf, scratch } from '../test/make/process.ts';
import { quantile } from './clients/load.ts';
import { type Bench, grouped, type Row } from './row.ts';

const SIZES = [1000, 5000];
const CHANGES = 20;
/** As many connections as one caller may have. */
const OF_ONE = 100;
const NAMESPACE = '/acme';

const quiet = { info: () => {}, warn: () => {}, error: () => {} };

/** Counts messages: everybody's `times`, once everybody has the next one. */
class Ears {
  #sockets: WebSocket[] = [];
  #times: number[] = [];
  #begun = 0;
  #done: () => void = () => {};

  async listen(urls: readonly string[]): Promise<void> {
    for (let at = 0; at < urls.length; at += OF_ONE)
      await Promise.all(urls.slice(at, at + OF_ONE).map(url => this.#open(url)));
  }

  async #open(url: string): Promise<void> {
    const socket = new WebSocket(url, { perMessageDeflate: false });
    socket.on('message', () => {
      this.#times.push(performance.now() - this.#begun);
      if (this.#times.length === this.#sockets.length) this.#done();
    });
    await once(socket, 'open');
    this.#sockets.push(socket);
  }

  /** Milliseconds from the beginning of what makes everybody hear something until each has heard it. */
  async hear(cause: () => unknown): Promise<number[]> {
    this.#times = [];
    this.#begun = performance.now();
    const done = new Promise<void>(resolve => {
      this.#done = resolve;
    });
    await cause();
    await done;
    return this.#times;
  }

  leave(): void {
    for (const socket of this.#sockets) socket.terminate();
  }
}

async function tokens(admin: Client, count: number): Promise<string[]> {
  const all: string[] = [];
  for (let made = 0; made < count; made += 1) {
    const body = { name: `listener-${made}`, roles: ['@auth:role=namespace.viewer'] };
    const { body: credential } = await admin.call('createAppcredential', { namespace: NAMESPACE, body });
    const get = credentialToken(credential.credentials as Credential, {
      now: Date.now,
      randomBytes: size => crypto.getRandomValues(new Uint8Array(size)),
    });
    all.push(await get());
  }
  return all;
}

async function ours(size: number): Promise<number[]> {
  const folder = await scratch();
  const plane = await startControlPlane({ data: folder.path, host: '127.0.0.1', port: 0, log: quiet });
  const ears = new Ears();
  try {
    const admin = await administratorOf(folder.path);
    await admin.call('createNamespace', { namespace: '/', body: { name: 'acme' } });
    const by = await tokens(admin, size / OF_ONE);
    await ears.listen(
      Array.from({ length: size }, (_, at) => {
        const query = new URLSearchParams({ token: by[Math.floor(at / OF_ONE)] ?? '', namespace: NAMESPACE });
        return `${plane.deps.eventsURL}?${query}`;
      }),
    );
    const times: number[] = [];
    for (let change = 0; change < CHANGES; change += 1) {
      const body = { name: `n${change}`, entries: ['10.0.0.0/8'] };
      times.push(
        ...(await ears.hear(() => admin.call('createExternalnetwork', { namespace: NAMESPACE, body }))),
      );
      await plane.settled();
    }
    return times;
  } finally {
    ears.leave();
    await plane.stop();
    await folder.remove();
  }
}

/** The same library with nothing to decide: as many sockets, a message as long, to all of them. */
async function bare(size: number): Promise<number[]> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false });
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const ears = new Ears();
  try {
    await ears.listen(Array.from({ length: size }, () => `ws://127.0.0.1:${port}`));
    const message = JSON.stringify({ entity: 'x'.repeat(700) });
    const times: number[] = [];
    for (let change = 0; change < CHANGES; change += 1) {
      times.push(
        ...(await ears.hear(() => {
          for (const socket of server.clients) socket.send(message);
        })),
      );
    }
    return times;
  } finally {
    ears.leave();
    server.close();
  }
}

/** From the request that changes something to each of all listeners having heard of it, over real sockets in one process. */
export const bench: Bench = {
  name: 'push',
  run: async () => {
    const rows: Row[] = [];
    for (const size of SIZES) {
      const [told, sent] = [await ours(size), await bare(size)];
      const what = `${grouped(size)} listeners told of a change`;
      for (const [name, share] of [
        ['median', 0.5],
        ['99th percentile', 0.99],
      ] as const) {
        rows.push({
          name: `${what}, ${name}`,
          value: quantile(told, share),
          unit: 'ms',
          peer: { value: quantile(sent, share), unit: 'ms', what: 'ws alone, a message to as many sockets' },
        });
      }
    }
    return rows;
  },
};
