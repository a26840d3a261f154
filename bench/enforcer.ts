import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
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
const ROUNDS = 9;

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

const program = (name: string): string => fileURLToPath(new URL(`hosts/${name}.ts`, import.meta.url));
const NODE = [process.execPath, '--disable-warning=ExperimentalWarning', '--expose-gc'];

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
  const [first, ...more] = [...NODE, program('apply'), folder, String(deltas)];
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

function applyRows(
  { first, loading, parsing, deltas, resident }: Applying,
  raw: { same: number; plain: number },
): Row[] {
  const size = `${PEERS.toLocaleString('en')} addresses and ${RULESETS.toLocaleString('en')} rulesets`;
  const limit = (value: number, unit: string) => ({ value, unit, what: 'our limit' });
  return [
    {
      name: `${size}: applied and read back`,
      value: first,
      unit: 'ms',
      peer: { value: raw.same, unit: 'ms', what: 'nft -f of the same text; our limit is twice that' },
    },
    {
      name: `${size}: of that, loaded`,
      value: loading,
      unit: 'ms',
      peer: { value: raw.plain, unit: 'ms', what: 'nft -f of one plain set and as many plain rules' },
    },
    {
      name: 'one address changed among them, from the payload to the kernel, median',
      value: median(deltas),
      unit: 'ms',
      peer: limit(50, 'ms'),
    },
    { name: 'reading and checking the payload before that, median', value: median(parsing), unit: 'ms' },
    {
      name: `resident memory of the process that did it`,
      value: resident / 1e6,
      unit: 'MB',
      peer: limit(150, 'MB'),
    },
  ];
}

function trafficRows({ without, tracked, ruled }: Record<Pair, Traffic[]>): Row[] {
  const row = (what: string, of: (one: Traffic) => number, unit: string) =>
    (
      [
        [without, 'no rules at all'],
        [tracked, 'connection tracking and one rule'],
      ] as const
    ).map(
      ([beside, which]): Row => ({
        name: `${what} under it, median of ${ROUNDS}`,
        value: median(ruled.map(of)),
        unit,
        peer: { value: median(beside.map(of)), unit, what: which },
      }),
    );
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
    const raw = {
      same: await plain(network.host('a'), measured.script),
      plain: await plain(network.host('a'), plainRules(RULESETS, PEERS)),
    };
    return [...applyRows(measured, raw), ...trafficRows(seen)];
  } finally {
    await network.close();
    rmSync(folder, { recursive: true });
  }
}

/** In network namespaces of its own; needs root. */
export const bench: Bench = { name: 'enforcer', run };
