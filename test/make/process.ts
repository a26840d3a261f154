import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import manifest from '../../package.json' with { type: 'json' };
import { systemClock } from '../../shared/adapters/local/clock.ts';
import { type Client, createClient, credentialToken } from '../../shared/api/client.ts';
import { Credential } from '../../shared/schema/appcredential.ts';

const pathOf = (file: string): string => fileURLToPath(new URL(`../../${file}`, import.meta.url));

/** What a user starts. */
export const MAIN = pathOf('local/main.ts');
/** The same control plane with a door for bus events: test/make/event-door.ts. */
export const EVENT_DOOR = pathOf('test/make/event-door.ts');

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
  out: string;
  err: string;
}

/** A control plane in a process of its own. */
export interface Started {
  child: ChildProcess;
  /** Resolves with its URL and the milliseconds from spawn to the line that tells it; rejects when it ends before. */
  listening: Promise<{ url: string; milliseconds: number }>;
  /** Resolves when it ended, however it did. */
  ended: Promise<Exit>;
  /** Sends a signal and resolves when it ended. */
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<Exit>;
}

/** What `npm start` tells Node. */
const FLAGS = manifest.scripts.start.split(' ').filter(word => word.startsWith('--'));

/** Starts a program on a data directory with the Node that runs the tests, as `npm start` does. */
export function start(data: string, port: number, program: string = MAIN): Started {
  const begun = performance.now();
  const child = spawn(process.execPath, [...FLAGS, program, '--data', data, '--port', String(port)], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: {},
  });
  let out = '';
  let err = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    err += text;
  });
  const ended = once(child, 'close').then(([code, signal]): Exit => ({ code, signal, out, err }));
  const listening = new Promise<{ url: string; milliseconds: number }>((resolve, reject) => {
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      out += text;
      const url = /listens on (http:\S+)\n/.exec(out)?.[1];
      if (url) resolve({ url, milliseconds: performance.now() - begun });
    });
    ended.then(exit => reject(new Error(`it ended before it listened: ${JSON.stringify(exit)}`)), reject);
  });
  // Who kills it while it starts does not wait for this.
  listening.catch(() => undefined);
  return {
    child,
    listening,
    ended,
    end: signal => {
      child.kill(signal);
      return ended;
    },
  };
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('a TCP server has a port');
  return address.port;
}

/** An empty folder in the system's temporary one, for data directories. */
export async function scratch(): Promise<{ path: string; remove: () => Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'microseg-process-'));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

/** Gets tokens for the first administrator of a data directory, from the URL that its credential tells. */
async function tokensOf(data: string): Promise<{ api: string; token: () => Promise<string> }> {
  const credential = Credential.parse(JSON.parse(await readFile(join(data, 'admin.creds'), 'utf8')));
  const token = credentialToken(credential, { now: Date.now, randomBytes: systemClock.randomBytes });
  return { api: credential.APIURL, token };
}

/** One of them, for who brings their own client. */
export const tokenOf = async (data: string): Promise<string> => (await tokensOf(data)).token();

/** A client that calls as the first administrator of a data directory. */
export async function administratorOf(data: string, ask: typeof fetch = fetch): Promise<Client> {
  return createClient({ ...(await tokensOf(data)), fetch: ask });
}
