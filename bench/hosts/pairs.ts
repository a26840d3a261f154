import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { LOG_GROUP } from '../../clients/enforcer/data-plane.ts';
import { CONNTRACK } from '../../clients/enforcer/flows/flows.ts';
import { recordsOf } from '../../clients/enforcer/flows/source.ts';
import type { Host } from '../../local/hosts/network.ts';
import { median } from '../clients/load.ts';
import type { Row } from '../row.ts';
import { FIRST_PORT } from './fixture.ts';
import type { Answers } from './traffic.ts';

const ROUNDS = 25;
/** Milliseconds until a program that listens does so. */
const BEGIN = 1000;
const PROGRAM = fileURLToPath(new URL('traffic.ts', import.meta.url));

/** Pairs of hosts, by what stands between them. */
export const PAIRS = {
  without: ['a', 'b'],
  tracked: ['c', 'd'],
  least: ['e', 'f'],
  ruled: ['g', 'h'],
} as const;
export type Pair = keyof typeof PAIRS;

const hooks = (rules: (field: 'saddr' | 'daddr') => string): string =>
  (['input', 'output'] as const)
    .map(
      (hook, at) =>
        `chain ${hook} { type filter hook ${hook} priority 0; ${rules(at === 0 ? 'saddr' : 'daddr')}; }\n`,
    )
    .join('');

/** Connection tracking, and a rule that asks for it and decides nothing. */
const TRACKING = `table inet plain {\n${hooks(() => 'ct state established accept')}}\n`;

/** The least that lets connections of some peers to one port through, and nothing else but what belongs to them. */
const least = (peers: readonly string[]): string => `table inet plain {
set peers { type ipv4_addr; elements = { ${peers.join(', ')} } }
${hooks(
  field =>
    `policy drop; ct state established,related accept; ct state invalid drop; ip ${field} @peers tcp dport ${FIRST_PORT} accept`,
)}}
`;

/** One round of a pair. `cost`: microseconds of processor time, at both ends, of a megabyte and of a connection. */
interface Seen {
  bytes: number;
  connections: number;
  cost: { megabyte: number; connection: number };
}

interface End {
  ask<W extends keyof Answers>(word: W): Promise<Answers[W]>;
  close(): void;
}

async function openEnd({ enter }: Host, args: readonly string[]): Promise<End> {
  const node = [process.execPath, '--disable-warning=ExperimentalWarning'];
  const [first = '', ...more] = [...enter, ...node, PROGRAM, ...args];
  const child: ChildProcessWithoutNullStreams = spawn(first, more);
  child.stderr.pipe(process.stderr);
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
export type Rounds = Record<Pair, Seen[]>;

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

async function measureOne({ client, server }: { client: End; server: End }): Promise<Seen> {
  const busy = async () => (await client.ask('busy')) + (await server.ask('busy'));
  const idle = await busy();
  const bytes = await client.ask('bytes');
  const between = await busy();
  const connections = await client.ask('connections');
  return {
    bytes: bytes.perSecond,
    connections: connections.perSecond,
    cost: {
      megabyte: ((between - idle) / bytes.sent) * 1e6,
      connection: ((await busy()) - between) / connections.opened,
    },
  };
}

/**
 * Measures pairs in turn, round by round, so that what else the machine does meets all of them; each round the other way
 * round, so that none is always the one behind another.
 */
async function measureRounds(ends: ReadonlyMap<Pair, { client: End; server: End }>): Promise<Rounds> {
  const result: Rounds = { without: [], tracked: [], least: [], ruled: [] };
  for (let round = 0; round <= ROUNDS; round++) {
    const order = round % 2 === 0 ? [...ends] : [...ends].reverse();
    for (const [pair, both] of order) {
      const seen = await measureOne(both);
      // The first is to warm up.
      if (round > 0) result[pair].push(seen);
    }
  }
  return result;
}

/** All pairs; then those without rules and with all of them, once more for each kind of listeners. */
export async function measurePairs(hosts: (name: string) => Host): Promise<Measured> {
  const addresses = (pair: Pair) => PAIRS[pair].flatMap(name => hosts(name).addresses);
  for (const name of PAIRS.tracked) await hosts(name).run('nft', ['-f', '-'], TRACKING);
  for (const name of PAIRS.least) await hosts(name).run('nft', ['-f', '-'], least(addresses('least')));
  const ends = new Map<Pair, { client: End; server: End }>();
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
    for (const pair of ['tracked', 'least'] as const) close(ends, pair);
  }
  for (const pair of ends.keys()) close(ends, pair);
  return measured as Measured;
}

function close(ends: Map<Pair, { client: End; server: End }>, pair: Pair): void {
  const { client, server } = ends.get(pair) ?? {};
  client?.close();
  server?.close();
  ends.delete(pair);
}

const BESIDE = {
  without: 'no rules at all',
  tracked: 'connection tracking alone',
  least: 'the least rules that keep state',
} as const;
const LIMIT = { value: 95, unit: '%', what: 'our limit' };

interface Kind {
  what: string;
  unit: string;
  of: (one: Seen) => number;
}
const KINDS: readonly Kind[] = [
  { what: 'throughput between two hosts', unit: 'MB/s', of: ({ bytes }) => bytes / 1e6 },
  { what: 'processor time of a megabyte, both ends', unit: 'µs', of: ({ cost }) => cost.megabyte },
  { what: 'connections between two hosts', unit: '/s', of: ({ connections }) => connections },
  { what: 'processor time of a connection, both ends', unit: 'µs', of: ({ cost }) => cost.connection },
];

/**
 * A ratio within a round is of the same moment, and the median of the ratios is what a neighbour on the machine disturbs
 * least; the time that the processor was busy it hardly disturbs at all.
 */
function shares({ unit, of }: Kind, rounds: Rounds, pair: Pair, beside: Pair): number {
  const share = (one: Seen, other: Seen): number =>
    // Of times the share is that of what could be done in the same time.
    unit === 'µs' ? of(other) / of(one) : of(one) / of(other);
  return 100 * median(rounds[pair].map((one, at) => share(one, rounds[beside][at] ?? one)));
}

export function pairRows({ nothing, records, ends }: Measured): Row[] {
  const pairs = Object.keys(BESIDE) as (keyof typeof BESIDE)[];
  const listening = {
    'while its flow records are read': records,
    'while they are, and ends of connections are listened to': ends,
  };
  return KINDS.flatMap(kind => {
    const { what, unit, of } = kind;
    return [
      { name: `${what} under it, median of ${ROUNDS}`, value: median(nothing.ruled.map(of)), unit },
      ...pairs.map(
        (pair): Row => ({ name: `  with ${BESIDE[pair]}`, value: median(nothing[pair].map(of)), unit }),
      ),
      ...pairs.map(
        (pair): Row => ({
          name: `  round by round, share of that with ${BESIDE[pair]}`,
          value: shares(kind, nothing, 'ruled', pair),
          unit: '%',
          peer: LIMIT,
        }),
      ),
      {
        name: `  what ${BESIDE.tracked} leaves of that with ${BESIDE.without}`,
        value: shares(kind, nothing, 'tracked', 'without'),
        unit: '%',
      },
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
