import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Host } from '../hosts/network.ts';

const PROGRAM = fileURLToPath(new URL('../../clients/enforcer/main.ts', import.meta.url));

export interface AgentPlan {
  host: Host;
  name: string;
  namespace: string;
  tags: readonly string[];
  /** Data directory of the control plane, which holds the credential and the root. */
  data: string;
  folder: string;
}

/** An agent in a process of its own on a host. */
export interface DemoAgent {
  name: string;
  said: () => string;
  isRunning: () => boolean;
  stop(): Promise<void>;
}

/** Starts the very program that is installed on hosts. It ends with this process, however that ends. */
export function startAgent({ host, name, namespace, tags, data, folder }: AgentPlan): DemoAgent {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const given = ['--creds', join(data, 'admin.creds'), '--root', join(data, 'root.json'), '--state', folder];
  const who = ['--namespace', namespace, '--name', name, '--machine-id', `demo-${name}`];
  const args = [
    ...['--pdeathsig', 'TERM', ...host.enter],
    ...[process.execPath, '--disable-warning=ExperimentalWarning', PROGRAM, 'run'],
    ...given,
    ...who,
    ...tags.flatMap(tag => ['--tag', tag]),
  ];
  const child: ChildProcess = spawn('setpriv', args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-2000);
    });
  const ended = once(child, 'close');
  return {
    name,
    said: () => said,
    isRunning: () => child.exitCode === null && child.signalCode === null,
    stop: async () => {
      child.kill('SIGTERM');
      await ended;
    },
  };
}
