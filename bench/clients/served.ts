import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Client } from '../../shared/api/client.ts';
import { administratorOf, scratch, start } from '../../test/make/process.ts';

const program = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** A server in a process of its own, on an empty data directory. */
export interface Served {
  pid: number;
  url: string;
  port: number;
  data: string;
  /** Asks the process something over its channel. */
  ask(question: 'count' | 'counted'): Promise<unknown>;
  stop(): Promise<void>;
}

async function serve(file: string): Promise<Served> {
  const folder = await scratch();
  const process = start(folder.path, 0, program(file));
  const { url } = await process.listening;
  return {
    pid: process.child.pid ?? 0,
    url,
    port: Number(new URL(url).port),
    data: folder.path,
    ask: async question => {
      const answered = once(process.child, 'message');
      process.child.send(question);
      return (await answered)[0];
    },
    stop: async () => {
      await process.end('SIGKILL');
      await folder.remove();
    },
  };
}

export const serveBare = (): Promise<Served> => serve('bare.ts');

/** The control plane, with an administrator's client and the bearer token of another one. */
export async function servePlane(): Promise<Served & { client: Client; authorization: string }> {
  const served = await serve('control-plane.ts');
  let authorization = '';
  const client = await administratorOf(served.data, async (url, init) => {
    authorization = new Headers(init?.headers).get('authorization') ?? authorization;
    return fetch(url, init);
  });
  await client.call('createNamespace', { namespace: '/', body: { name: 'bench', type: 'Tenant' } });
  return { ...served, client, authorization };
}
