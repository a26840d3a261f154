import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { missing } from '../local/hosts/missing.ts';
import { type Host, openNetwork } from '../local/hosts/network.ts';
import type { Applying } from './hosts/apply.ts';
import { FIRST_PORT, peersPayload, plainRules, policyPayload } from './hosts/fixture.ts';
import type { Traffic } from './hosts/traffic.ts';
import type { Bench, Row } from './row.ts';

const PEERS = 100_000;
const RULESETS = 10_000;
const DELTAS = 15;
const ROUNDS = 11;

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

const program = (name: string): string => fileURLToPath(new URL(`hosts/${name}.ts`, import.meta.url));
const NODE = [process.execPath, '--disable-warning=ExperimentalWarning'];

/** How the service starts it: see clients/enforcer/life/unit-files.ts. */
const ENVIRONMENT = ['env', 'MALLOC_ARENA_MAX=1', 'MALLOC_MMAP_THRESHOLD_=65536'];

/** Prints the resident memory of a process that did nothing but import these files. */
const idle = (files: readonly string[]): string[] => [
  ...NODE,
  '--input-type=module',
  '-e',
  `${files.map(file => `await import(${JSON.stringify(fileURLToPath(new URL(file, import.meta.url)))});`).join('')}
  setTimeout(() => console.log(process.memoryUsage.rss()), 1000)`,
];

function start({ enter }: Host, name: string, args: readonly string[]): ChildProcessWithoutNullStreams {
  const [first, ...more] = [...enter, ...NODE, program(name), ...args];
  const child = spawn(first ?? '', more);
  child.stderr.pipe(process.stderr);
  return child;
}

/** Milliseconds that `nft -f` takes for a script, the least of a few. */
async function plain(host: Host, script: string): Promise<number> {
  const taken: number[] = [];
  for (let at = 0; at < 3; at++) {
    await host.run('nft', ['flush', 'ruleset']);
    const begun = performance.now();
    await host.run('nft', ['-f', '-'], script);
    taken.push(performance.now() - begun);
  }
  await host.run('nft', ['flush', 'ruleset']);
  return Math.min(...taken);
}

async function applied(host: Host, folder: string, deltas: number): Promise<Applying> {
  const [first, ...more] = [...ENVIRONMENT, ...NODE, program('apply'), folder, String(deltas)];
  return JSON.parse(await host.run(first ?? '', more));
}

/** Pairs of hosts without rules, with connection tracking alone, and with the policy. */
const PAIRS = { without: ['a', 'b'], tracked: ['c', 'd'], ruled: ['e', 'f'] } as const;
type Pair = keyof typeof PAIRS;

const TRACKING = `table inet tracking {
  chain i { type filter hook input priority 0; ct state established accept
  }
  chain o { type filter hook output priority 0; ct state established accept
  }
}
`;

/** The pairs are measured in turn, so that all meet the same neighbours. */
async function traffic(hosts: (name: string) => Host): Promise<Record<Pair, Traffic[]>> {
  const children: ChildProcessWithoutNullStreams[] = [];
  const measuring = async ([from, to]: readonly [string, string]) => {
    const server = start(hosts(to), 'traffic', ['serve', String(FIRST_PORT)]);
    children.push(server);
    await once(server.stdout, 'data');
    const address = hosts(to).addresses[0] ?? '';
    const client = start(hosts(from), 'traffic', ['measure', address, String(FIRST_PORT)]);
    children.push(client);
    return async (): Promise<Traffic> => {
      client.stdin.write('\n');
      const [line] = await once(client.stdout, 'data');
      return JSON.parse(String(line));
    };
  };
  const pairs = Object.keys(PAIRS) as Pair[];
  const measure = new Map<Pair, () => Promise<Traffic>>();
  for (const pair of pairs) measure.set(pair, await measuring(PAIRS[pair]));
  const result: Record<Pair, Traffic[]> = { without: [], tracked: [], ruled: [] };
  for (let round = 0; round <= ROUNDS; round++)
    for (const [pair, one] of measure) {
      const seen = await one();
      // The first is to warm up.
      if (round > 0) result[pair].push(seen);
    }
  for (const child of children) child.stdin.end();
  return result;
}

/** What nothing can be faster or smaller than, on this machine and in this run. */
interface Floors {
  /** Milliseconds of `nft -f` for the same text, for plain rules, and for one element of a set of as many in an empty table. */
  same: number;
  plain: number;
  element: number;
  /** Bytes of a process of Node that does nothing, and of one with the enforcer's code and no policy. */
  empty: number;
  imported: number;
}

async function floors(host: Host, script: string): Promise<Floors> {
  const measured = { same: await plain(host, script), plain: await plain(host, plainRules(RULESETS, PEERS)) };
  await host.run('nft', ['-f', '-'], plainRules(0, PEERS));
  const taken: number[] = [];
  for (let at = 0; at < DELTAS; at++) {
    const begun = performance.now();
    await host.run('nft', ['-f', '-'], `add element inet plain peers { 11.0.0.${at} }\n`);
    taken.push(performance.now() - begun);
  }
  const bytes = async (files: readonly string[]) => {
    const [first = '', ...more] = [...ENVIRONMENT, ...idle(files)];
    return Number(await host.run(first, more));
  };
  const imported = await bytes(['../clients/enforcer/nft/plane.ts', '../shared/core/peer-list.ts']);
  return { ...measured, element: median(taken), empty: await bytes([]), imported };
}

function applyRows({ first, loading, parsing, deltas, nft, resident }: Applying, floor: Floors): Row[] {
  const size = `${PEERS.toLocaleString('en')} addresses and ${RULESETS.toLocaleString('en')} rulesets`;
  const limit = (value: number, unit: string) => ({ value, unit, what: 'our limit' });
  const whole = deltas.map((delta, at) => delta + (parsing[at] ?? 0));
  const memory = 'resident memory';
  return [
    {
      name: `${size}: from the payloads to the kernel`,
      value: first,
      unit: 'ms',
      peer: { value: floor.same, unit: 'ms', what: 'nft -f of the same text; our limit is twice that' },
    },
    {
      name: `${size}: of that, loaded`,
      value: loading,
      unit: 'ms',
      peer: { value: floor.plain, unit: 'ms', what: 'nft -f of one plain set and as many plain rules' },
    },
    {
      name: 'one address changed among them, from the bytes of the bundle to the kernel, median',
      value: median(whole),
      unit: 'ms',
      peer: limit(50, 'ms'),
    },
    { name: '  of that, reading and checking the bytes', value: median(parsing), unit: 'ms' },
    {
      name: '  of that, in nft, with reading back',
      value: median(nft),
      unit: 'ms',
      peer: { value: floor.element, unit: 'ms', what: 'one run of nft for one element of a plain set' },
    },
    {
      name: `${memory} of the process that did it`,
      value: resident / 1e6,
      unit: 'MB',
      peer: limit(150, 'MB'),
    },
    {
      name: `${memory} of its code without any policy`,
      value: floor.imported / 1e6,
      unit: 'MB',
      peer: { value: floor.empty / 1e6, unit: 'MB', what: 'Node without any code' },
    },
  ];
}

/**
 * Each round measures all pairs in turn, so that a ratio within a round is of the same moment; the median of the ratios is
 * what a neighbour on the machine disturbs least.
 */
function trafficRows({ without, tracked, ruled }: Record<Pair, Traffic[]>): Row[] {
  const row = (what: string, of: (one: Traffic) => number, unit: string) =>
    (
      [
        [without, 'no rules at all'],
        [tracked, 'connection tracking and one rule'],
      ] as const
    ).flatMap(([beside, which]): Row[] => {
      const ratios = ruled.map((one, at) => (100 * of(one)) / of(beside[at] ?? one));
      return [
        {
          name: `${what} under it, median of ${ROUNDS}`,
          value: median(ruled.map(of)),
          unit,
          peer: { value: median(beside.map(of)), unit, what: which },
        },
        {
          name: `  round by round, share of that with ${which}`,
          value: median(ratios),
          unit: '%',
          peer: { value: 95, unit: '%', what: 'our limit' },
        },
      ];
    });
  return [
    ...row('throughput between two hosts', ({ bytes }) => bytes / 1e6, 'MB/s'),
    ...row('connections between two hosts', ({ connections }) => connections, '/s'),
  ];
}

async function run(): Promise<Row[]> {
  const lacking = missing();
  if (lacking.length > 0) {
    process.stdout.write(`skipped: it needs ${lacking.join(', ')}\n`);
    return [];
  }
  const network = await openNetwork(
    Object.values(PAIRS)
      .flat()
      .map((name, at) => ({ name, addresses: [`192.0.2.${1 + at}`] })),
  );
  const folder = mkdtempSync(join(tmpdir(), 'microseg-bench-'));
  const write = (name: string, value: unknown) => writeFileSync(join(folder, name), JSON.stringify(value));
  try {
    const [from, to] = [network.host(PAIRS.ruled[0]), network.host(PAIRS.ruled[1])];
    const first = [...from.addresses, ...to.addresses];
    write('policy.json', policyPayload(RULESETS));
    write('peers.json', peersPayload(PEERS, RULESETS, { first }));
    for (let at = 0; at < DELTAS; at++)
      write(`peers-${at}.json`, peersPayload(PEERS, RULESETS, { first, moved: 1 + at * 5003 }));
    await applied(from, folder, 0);
    const measured = await applied(to, folder, DELTAS);
    for (const name of PAIRS.tracked) await network.host(name).run('nft', ['-f', '-'], TRACKING);
    const seen = await traffic(network.host);
    const floor = await floors(network.host('a'), readFileSync(measured.script, 'utf8'));
    return [...applyRows(measured, floor), ...trafficRows(seen)];
  } finally {
    await network.close();
    rmSync(folder, { recursive: true });
  }
}

/** In network namespaces of its own; needs root. */
export const bench: Bench = { name: 'enforcer', run };
