import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Host } from '../../../local/hosts/network.ts';

const PROGRAM = fileURLToPath(new URL('talker.ts', import.meta.url));

/** What a program on a host can be asked for. */
export type Wish =
  /** Echo whatever comes over TCP and UDP to a port. */
  | { kind: 'listen'; port: number }
  /** Send a message every so many milliseconds to whoever connects to a port over TCP. */
  | { kind: 'pour'; port: number; every: number }
  /** Open a flow to such a port, and send a message every so many milliseconds; 0: never. */
  | { kind: 'open'; protocol: 'tcp' | 'udp'; to: string; port: number; every: number }
  | { kind: 'report' }
  /** End all flows, and forget them. */
  | { kind: 'stop' };

/**
 * How a flow goes: messages that were sent and messages that came back, and how many had been sent when the newest of those was.
 * `ended`: why, or nothing.
 */
export interface FlowReport {
  sent: number;
  echoed: number;
  furthest: number;
  ended: string;
}

export interface Said {
  id: number;
  /** All of its flows, in the order in which they were opened. */
  flows: FlowReport[];
}

/** A Node process on a host, with sockets as applications have them. */
export interface Talker {
  pid: number;
  ask(wish: Wish): Promise<FlowReport[]>;
  close(): Promise<void>;
}

export async function openTalker({ enter: [program, ...args] }: Host): Promise<Talker> {
  const execArgv = [...args, process.execPath, '--disable-warning=ExperimentalWarning'];
  const child: ChildProcess = fork(PROGRAM, { execPath: program, execArgv });
  const waiting = new Map<number, (flows: FlowReport[]) => void>();
  let last = 0;
  const answer = (id: number): Promise<FlowReport[]> => new Promise(resolve => waiting.set(id, resolve));
  child.on('message', ({ id, flows }: Said) => {
    waiting.get(id)?.(flows);
    waiting.delete(id);
  });
  const ended = once(child, 'exit');
  await Promise.race([
    answer(0),
    ended.then(([code]) => Promise.reject(new Error(`the program on the host ended with ${code}`))),
  ]);
  return {
    pid: child.pid ?? 0,
    ask: wish => {
      const id = ++last;
      const said = answer(id);
      child.send({ id, wish });
      return said;
    },
    close: async () => {
      child.disconnect();
      await ended;
    },
  };
}
