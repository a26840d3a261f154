import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Host } from '../../local/hosts/network.ts';
import { median } from '../clients/load.ts';
import type { Row } from '../row.ts';
import { FIRST_PORT } from './fixture.ts';
import type { Answers } from './traffic.ts';

const ROUNDS = 25;
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

/** One round of a pair. */
interface Seen {
  bytes: number;
  connections: number;
  /** Microseconds of processor time for a connection, at both ends. */
  busy: number;
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

/** Measures all pairs in turn, round by round, so that what else the machine does meets all of them. */
export async function measurePairs(hosts: (name: string) => Host): Promise<Record<Pair, Seen[]>> {
  const addresses = (pair: Pair) => PAIRS[pair].flatMap(name => hosts(name).addresses);
  for (const name of PAIRS.tracked) await hosts(name).run('nft', ['-f', '-'], TRACKING);
  for (const name of PAIRS.least) await hosts(name).run('nft', ['-f', '-'], least(addresses('least')));
  const pairs = Object.keys(PAIRS) as Pair[];
  const ends = new Map<Pair, { client: End; server: End }>();
  for (const pair of pairs) {
    const [from, to] = PAIRS[pair];
    const server = await openEnd(hosts(to), ['serve', String(FIRST_PORT)]);
    const to4 = hosts(to).addresses[0] ?? '';
    ends.set(pair, { server, client: await openEnd(hosts(from), ['measure', to4, String(FIRST_PORT)]) });
  }
  const result: Record<Pair, Seen[]> = { without: [], tracked: [], least: [], ruled: [] };
  for (let round = 0; round <= ROUNDS; round++)
    for (const [pair, { client, server }] of ends) {
      const bytes = await client.ask('bytes');
      const busy = async () => (await client.ask('busy')) + (await server.ask('busy'));
      const before = await busy();
      const { perSecond, opened } = await client.ask('connections');
      const seen = { bytes, connections: perSecond, busy: ((await busy()) - before) / opened };
      // The first is to warm up.
      if (round > 0) result[pair].push(seen);
    }
  for (const { client, server } of ends.values()) for (const end of [client, server]) end.close();
  return result;
}

const BESIDE = {
  without: 'no rules at all',
  tracked: 'connection tracking alone',
  least: 'the least rules that keep state',
} as const;
const LIMIT = { value: 95, unit: '%', what: 'our limit' };

/**
 * A ratio within a round is of the same moment, and the median of the ratios is what a neighbour on the machine disturbs
 * least; the time that the processor was busy it hardly disturbs at all.
 */
export function pairRows(seen: Record<Pair, Seen[]>): Row[] {
  const pairs = Object.keys(BESIDE) as (keyof typeof BESIDE)[];
  const rows = (what: string, of: (one: Seen) => number, unit: string): Row[] => [
    { name: `${what} under it, median of ${ROUNDS}`, value: median(seen.ruled.map(of)), unit },
    ...pairs.map(
      (pair): Row => ({
        name: `  with ${BESIDE[pair]}`,
        value: median(seen[pair].map(of)),
        unit,
      }),
    ),
    ...pairs.map(
      (pair): Row => ({
        name: `  round by round, share of that with ${BESIDE[pair]}`,
        value: median(seen.ruled.map((one, at) => share(of, one, seen[pair][at] ?? one, unit))),
        unit: '%',
        peer: LIMIT,
      }),
    ),
  ];
  return [
    ...rows('throughput between two hosts', ({ bytes }) => bytes / 1e6, 'MB/s'),
    ...rows('connections between two hosts', ({ connections }) => connections, '/s'),
    ...rows('processor time of a connection, both ends', ({ busy }) => busy, 'µs'),
  ];
}

/** Of times the share is that of what could be done in the same time. */
const share = (of: (one: Seen) => number, ours: Seen, other: Seen, unit: string): number =>
  unit === 'µs' ? (100 * of(other)) / of(ours) : (100 * of(ours)) / of(other);
