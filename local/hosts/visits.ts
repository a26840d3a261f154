import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Host } from './network.ts';

const PROGRAM = fileURLToPath(new URL('visitor.ts', import.meta.url));

export interface Visit {
  from: string;
  to: string;
  port: number;
}

export interface Asked {
  id: number;
  listen?: readonly number[];
  visits?: readonly Visit[];
  /** Milliseconds. */
  patience?: number;
}

export interface Answered {
  id: number;
  reached: boolean[];
}

/** A program with sockets on a host. */
export interface Visitor {
  listen(ports: readonly number[]): Promise<void>;
  /** Which of these were reached over TCP, in their order. All are tried at once. */
  visit(visits: readonly Visit[], patience: number): Promise<boolean[]>;
  close(): Promise<void>;
}

export function openVisitor({ enter: [program, ...args] }: Host): Visitor {
  const execArgv = [...args, process.execPath, '--disable-warning=ExperimentalWarning'];
  const child = fork(PROGRAM, {
    execPath: program,
    execArgv,
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const ended = once(child, 'exit');
  const waiting = new Map<number, (reached: boolean[]) => void>();
  let last = 0;
  child.on('message', ({ id, reached }: Answered) => {
    waiting.get(id)?.(reached);
    waiting.delete(id);
  });
  const ask = (asked: Omit<Asked, 'id'>): Promise<boolean[]> => {
    const id = ++last;
    const answer = new Promise<boolean[]>(resolve => waiting.set(id, resolve));
    child.send({ id, ...asked });
    const broken = ended.then((): never => {
      throw new Error('the program on the host ended');
    });
    return Promise.race([answer, broken]);
  };
  return {
    listen: async ports => void (await ask({ listen: ports })),
    visit: (visits, patience) => ask({ visits, patience }),
    close: async () => {
      if (child.connected) child.disconnect();
      await ended;
    },
  };
}
