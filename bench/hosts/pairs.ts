import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { LOG_GROUP } from '../../clients/enforcer/data-plane.ts';
import { CONNTRACK } from '../../clients/enforcer/flows/flows.ts';
import { recordsOf } from '../../clients/enforcer/flows/source.ts';
import type { Host } from '../../local/hosts/network.ts';
import { median } from '../clients/load.ts';
import type { Row } from '../row.ts';
import { PAIRS, type Pair, scriptsBeside } from './beside.ts';
import { FIRST_PORT } from './fixture.ts';
import type { Answers } from './traffic.ts';

/** Bytes a second differ more from one moment to the next than connections do. */
const ROUNDS = { bytes: 101, connections: 51 };
/** Milliseconds until a program that listens does so. */
const BEGIN = 1000;
const PROGRAM = fileURLToPath(new URL('traffic.ts', import.meta.url));

/** One round of a pair. */
interface Seen {
  perSecond: number;
  /** Microseconds of processor time, at both ends, of one of them. */
  each: number;
}

interface End {
  ask<W extends keyof Answers>(word: W): Promise<Answers[W]>;
  close(): void;
}

/** Each end has a processor of its own, where there are two: moving about differs more than rules do. */
const pinned = (at: number): readonly string[] =>
  availableParallelism() < 2 ? [] : ['taskset', '--cpu-list', String(at)];

async function openEnd({ enter }: Host, args: readonly string[]): Promise<End> {
  const node = [process.execPath, '--disable-warning=ExperimentalWarning'];
  const [first = '', ...more] = [...enter, ...pinned(args[0] === 'serve' ? 1 : 0), ...node, PROGRAM, ...args];
  const child = spawn(first, more, { stdio: ['pipe', 'pipe', 'inherit'] });
  if (args[0] === 'serve') await once(child.stdout, 'data');
  return {
    ask: async word => {
      child.stdin.write(`${word}\n`);
      const [line] = await once(child.stdout, 'data');
      return JSON.parse(String(line));
    },
    close: () => child.stdin.end(),
  };
}

/** Rounds of pairs, in the order in which they were measured. */
export type Rounds = Record<keyof typeof ROUNDS, Record<Pair, Seen[]>>;

/** What is listened to on hosts with rulesets while they are measured, as an agent does. */
const LISTENING = {
  nothing: [],
  records: [recordsOf(LOG_GROUP)],
  ends: [recordsOf(LOG_GROUP), CONNTRACK],
} as const satisfies Record<string, readonly (readonly string[])[]>;
export type Measured = Record<keyof typeof LISTENING, Rounds>;

/** Starts these programs on these hosts; what they print goes nowhere. */
async function listen(hosts: readonly Host[], programs: readonly (readonly string[])[]) {
  const children = hosts.flatMap(({ enter }) =>
    programs.map(program => {
      const [first = '', ...more] = [...enter, ...program];
      return spawn(first, more, { stdio: 'ignore' });
    }),
  );
  if (children.length > 0) await sleep(BEGIN);
  return async () => {
    for (const child of children) {
      child.kill('SIGKILL');
      await once(child, 'close');
    }
  };
}

/** A pair's ends. */
interface Both {
  client: End;
  server: End;
}

const busy = async ({ client, server }: Both): Promise<number> =>
  (await client.ask('busy')) + (await server.ask('busy'));

/** In megabytes. */
async function sent(both: Both): Promise<Seen> {
  const before = await busy(both);
  const { perSecond, sent } = await both.client.ask('bytes');
  return { perSecond: perSecond / 1e6, each: (((await busy(both)) - before) / sent) * 1e6 };
}

async function opened(both: Both): Promise<Seen> {
  const before = await busy(both);
  const { perSecond, opened } = await both.client.ask('connections');
  return { perSecond, each: ((await busy(both)) - before) / opened };
}

/**
 * Measures pairs in turn, round by round, so that what else the machine does meets all of them; each round the other way
 * round, so that none is always the one behind another. The first round is to warm up.
 */
async function inTurn(
  ends: ReadonlyMap<Pair, Both>,
  rounds: number,
  measure: (both: Both) => Promise<Seen>,
): Promise<Record<Pair, Seen[]>> {
  const result = Object.fromEntries(Object.keys(PAIRS).map(pair => [pair, []])) as unknown as Record<
    Pair,
    Seen[]
  >;
  for (let round = 0; round <= rounds; round++)
    for (const [pair, both] of round % 2 === 0 ? [...ends] : [...ends].reverse()) {
      const one = await measure(both);
      if (round > 0) result[pair].push(one);
    }
  return result;
}

/** Connections last: the kernel is busy with what is left of thousands of them for a while. */
const measureRounds = async (ends: ReadonlyMap<Pair, Both>): Promise<Rounds> => ({
  bytes: await inTurn(ends, ROUNDS.bytes, sent),
  connections: await inTurn(ends, ROUNDS.connections, opened),
});

/**
 * All pairs; then those without rules and with all of them, once more for each kind of listeners. The hosts with rulesets
 * have theirs. `peers`, `kinds`: how many of each they know.
 */
export async function measurePairs(
  hosts: (name: string) => Host,
  peers: number,
  kinds: number,
): Promise<Measured> {
  const beside = scriptsBeside(peers, kinds, pair => PAIRS[pair].flatMap(name => hosts(name).addresses));
  for (const [pair, script] of beside)
    for (const name of PAIRS[pair]) await hosts(name).run('nft', ['-f', '-'], script);
  const ends = new Map<Pair, Both>();
  for (const pair of Object.keys(PAIRS) as Pair[]) {
    const [from, to] = PAIRS[pair];
    const server = await openEnd(hosts(to), ['serve', String(FIRST_PORT)]);
    const to4 = hosts(to).addresses[0] ?? '';
    ends.set(pair, { server, client: await openEnd(hosts(from), ['measure', to4, String(FIRST_PORT)]) });
  }
  const measured: Partial<Measured> = {};
  for (const [name, programs] of Object.entries(LISTENING) as [keyof Measured, readonly string[][]][]) {
    const stop = await listen(PAIRS.ruled.map(hosts), programs);
    measured[name] = await measureRounds(ends);
    await stop();
    for (const pair of ['again', ...beside.map(([pair]) => pair)] as const) close(ends, pair);
  }
  for (const pair of ends.keys()) close(ends, pair);
  return measured as Measured;
}

function close(ends: Map<Pair, Both>, pair: Pair): void {
  const { client, server } = ends.get(pair) ?? {};
  client?.close();
  server?.close();
  ends.delete(pair);
}

const BESIDE = {
  without: 'no rules at all',
  tracked: 'connection tracking alone',
  least: 'the least rules of that size that keep state',
} as const;
const LEAVING = [
  ['another pair without any has', 'again'],
  [`${BESIDE.tracked} leaves`, 'tracked'],
  [`${BESIDE.least} leave`, 'least'],
  ['the least of that size that ask for sockets instead leave', 'sockets'],
] as const;
const LIMIT = { value: 95, unit: '%', what: 'our limit' };

interface Kind {
  what: string;
  unit: string;
  in: keyof typeof ROUNDS;
  of: keyof Seen;
}
const KINDS: readonly Kind[] = [
  { what: 'throughput between two hosts', unit: 'MB/s', in: 'bytes', of: 'perSecond' },
  { what: 'processor time of a megabyte, both ends', unit: 'µs', in: 'bytes', of: 'each' },
  { what: 'connections between two hosts', unit: '/s', in: 'connections', of: 'perSecond' },
  { what: 'processor time of a connection, both ends', unit: 'µs', in: 'connections', of: 'each' },
];

/**
 * A ratio within a round is of the same moment, and the median of the ratios is what a neighbour on the machine disturbs
 * least; the time that the processor was busy it hardly disturbs at all.
 */
function shares(kind: Kind, rounds: Rounds, pair: Pair, beside: Pair): number {
  const share = (one: number, other: number): number =>
    // Of times the share is that of what could be done in the same time.
    kind.of === 'each' ? other / one : one / other;
  const others = rounds[kind.in][beside];
  const ratios = rounds[kind.in][pair].flatMap((one, at) => {
    const other = others[at];
    return other ? [share(one[kind.of], other[kind.of])] : [];
  });
  return 100 * median(ratios);
}

export function pairRows({ nothing, records, ends }: Measured): Row[] {
  const pairs = Object.keys(BESIDE) as (keyof typeof BESIDE)[];
  const listening = {
    'while its flow records are read': records,
    'while they are, and ends of connections are listened to': ends,
  };
  return KINDS.flatMap(kind => {
    const { what, unit } = kind;
    const middle = (pair: Pair): number => median(nothing[kind.in][pair].map(one => one[kind.of]));
    return [
      { name: `${what} under it, median of ${ROUNDS[kind.in]}`, value: middle('ruled'), unit },
      ...pairs.map((pair): Row => ({ name: `  with ${BESIDE[pair]}`, value: middle(pair), unit })),
      ...pairs.map(
        (pair): Row => ({
          name: `  round by round, share of that with ${BESIDE[pair]}`,
          value: shares(kind, nothing, 'ruled', pair),
          unit: '%',
          peer: LIMIT,
        }),
      ),
      ...LEAVING.map(
        ([what, pair]): Row => ({
          name: `  what ${what} of that with ${BESIDE.without}`,
          value: shares(kind, nothing, pair, 'without'),
          unit: '%',
        }),
      ),
      ...Object.entries(listening).map(
        ([when, rounds]): Row => ({
          name: `  the same share of that with ${BESIDE.without}, ${when}`,
          value: shares(kind, rounds, 'ruled', 'without'),
          unit: '%',
        }),
      ),
    ];
  });
}
