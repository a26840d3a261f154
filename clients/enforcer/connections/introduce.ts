import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { messageOf } from '../agent/loop.ts';
import type { Log } from '../log.ts';
import { ABSENT, type Nft, nftCommand, type Ran } from '../nft/command.ts';
import { type Connection, connections } from './sockets.ts';

/** Runs `conntrack`, as `Nft` runs nft. */
type Conntrack = Nft;

/** Seconds that an idle connection is remembered: nf_conntrack_tcp_timeout_established as the kernel has it. */
const REMEMBERED = 432_000;
/** Connections that are introduced one by one, at most, where conntrack takes no list of them (before 1.4.7). */
const SINGLES = 2000;
const AT_ONCE = 8;
/** Milliseconds after which policy waits for them no longer. */
const PATIENCE = 10_000;

const argumentsOf = ({ source, destination }: Connection): string[] => [
  ...['-p', 'tcp', '-s', source.address, '-d', destination.address],
  ...['--sport', String(source.port), '--dport', String(destination.port)],
  ...['--state', 'ESTABLISHED', '-u', 'ASSURED,SEEN_REPLY', '-t', String(REMEMBERED)],
];

/** By a file: conntrack opens its standard input anew, which no socket allows. */
async function inOneGo(conntrack: Conntrack, all: readonly Connection[]): Promise<Ran> {
  let folder: string | undefined;
  try {
    folder = mkdtempSync(join(tmpdir(), 'prisma-enforcer-'));
    const file = join(folder, 'connections');
    writeFileSync(file, all.map(connection => `-A ${argumentsOf(connection).join(' ')}\n`).join(''));
    return await conntrack(['-R', file]);
  } catch (error) {
    return { code: 1, stdout: '', stderr: messageOf(error) };
  } finally {
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  }
}

/** One after the other; what is known already, or can't be said so, stays as it is. */
async function singly(conntrack: Conntrack, all: readonly Connection[]): Promise<void> {
  const left = all.slice(0, SINGLES);
  const one = async (): Promise<void> => {
    for (let next = left.pop(); next; next = left.pop()) await conntrack(['-I', ...argumentsOf(next)]);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, one));
}

interface Options {
  log: Pick<Log, 'warn'>;
  /** Of containers as well as of the host itself. */
  containers: boolean;
  conntrack?: Conntrack;
  find?: typeof connections;
}

/**
 * Tells the kernel's connection tracking of connections that it did not see begin: which end opened them decides which
 * rules they are judged by, and of one that it meets in the middle it would take the first that speaks for who asked.
 * What it knows already stays as it is. Never fails: a connection that stays unknown is judged by whoever speaks first.
 */
export async function introduce({
  log,
  containers,
  conntrack = nftCommand(['conntrack']),
  find = connections,
}: Options): Promise<void> {
  const told = async (): Promise<void> => {
    const all = await find({ containers });
    if (all.length === 0) return;
    const { code, stderr } = await inOneGo(conntrack, all);
    if (code === 0) return;
    if (code === ABSENT) {
      const fields = { connections: all.length, reason: stderr.trim() };
      log.warn(
        fields,
        'connections stay unknown, and are judged by the end that speaks first; install conntrack',
      );
      return;
    }
    log.warn({ connections: all.length, reason: stderr.trim() }, 'connections are introduced one by one');
    await singly(conntrack, all);
  };
  const tried = told().catch(error => log.warn({ reason: messageOf(error) }, 'connections stay unknown'));
  await Promise.race([tried, wait(PATIENCE, undefined, { ref: false })]);
}
