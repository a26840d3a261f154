import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

/** moto's own account. */
export const ACCOUNT = '123456789012';

export interface Moto {
  endpoint: string;
  version: string;
  /** The end of what it wrote to its log. */
  log(): string;
  stop(): Promise<void>;
}

const SERVER = fileURLToPath(new URL('moto_server.py', import.meta.url));

/** Ports that no system gives to those who ask for any: whoever listens later finds them free. */
const PORTS = { from: 15_000, to: 30_000 } as const;

/** A port of the loopback interface that nobody has. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(PORTS.from, PORTS.to);
    const server = createServer();
    const isFree = await new Promise<boolean>(resolve => {
      server.once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
    });
    if (isFree) return port;
  }
}

/**
 * Starts moto's server. Its Step Functions interpreter calls other services at `http://localhost:$MOTO_PORT`, which is
 * ours to set: `callsGoTo` is the front that answers Lambda's Invoke in this process and hands on everything else.
 */
export async function startMoto(programs: string, callsGoTo: number): Promise<Moto> {
  const port = await freePort();
  const child = spawn(join(programs, 'python'), [SERVER, '-H', '127.0.0.1', '-p', String(port)], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, MOTO_PORT: String(callsGoTo), PYTHONUNBUFFERED: '1' },
  });
  let log = '';
  for (const output of [child.stdout, child.stderr])
    output.on('data', chunk => {
      log = `${log}${chunk}`.slice(-20_000);
    });
  // Also when this process ends by an error that nobody caught.
  process.once('exit', () => child.kill('SIGKILL'));
  const endpoint = `http://127.0.0.1:${port}`;
  await ready(endpoint, child, () => log);
  const configuration = { stepfunctions: { execute_state_machine: true } };
  await fetch(`${endpoint}/moto-api/config`, { method: 'POST', body: JSON.stringify(configuration) });
  const { stdout } = spawnSync(join(programs, 'python'), ['-c', 'import moto; print(moto.__version__)'], {
    encoding: 'utf8',
  });
  return { endpoint, version: stdout.trim(), log: () => log, stop: () => stop(child) };
}

async function ready(endpoint: string, child: ChildProcess, log: () => string): Promise<void> {
  for (let attempt = 0; attempt < 600; attempt += 1) {
    if (child.exitCode !== null) throw new Error(`moto ended with ${child.exitCode}:\n${log()}`);
    const answer = await fetch(`${endpoint}/moto-api/data.json`).catch(() => undefined);
    if (answer?.ok) return;
    await sleep(100);
  }
  throw new Error(`moto did not answer in a minute:\n${log()}`);
}

async function stop(child: ChildProcess): Promise<void> {
  const ended = new Promise(resolve => child.once('exit', resolve));
  if (child.exitCode !== null) return;
  child.kill('SIGTERM');
  await ended;
}
