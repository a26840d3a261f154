import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { missing } from '../local/hosts/missing.ts';
import { type Host, openNetwork } from '../local/hosts/network.ts';
import { openUplink } from '../local/hosts/uplink.ts';
import { buildRelease, bundled } from '../test/make/release.ts';
import { median } from './clients/load.ts';
import { MOVES, measureAgent, type Residence } from './hosts/agent.ts';
import type { Applying } from './hosts/apply.ts';
import { PAIRS } from './hosts/beside.ts';
import { peersPayload, plainRules, policyPayload } from './hosts/fixture.ts';
import { measurePairs, pairRows } from './hosts/pairs.ts';
import { processorTime } from './hosts/processor.ts';
import type { Bench, Row } from './row.ts';

const PEERS = 100_000;
const RULESETS = 10_000;
const DELTAS = 21;
const RULINGS = 7;
const LOADS = 5;

/** How the service starts it: see clients/enforcer/life/unit-files.ts. */
const STARTED = [
  ...['env', 'MALLOC_ARENA_MAX=1', 'MALLOC_MMAP_THRESHOLD_=8192', 'NODE_OPTIONS=--max-semi-space-size=8'],
  ...[process.execPath, '--disable-warning=ExperimentalWarning'],
];

/** What a process of Node prints that did nothing but import these files: its resident memory. */
const idle = (files: readonly string[]): string[] => [
  ...STARTED,
  '--input-type=module',
  '-e',
  `${files.map(file => `await import(${JSON.stringify(file)});`).join('')}
  setTimeout(() => console.log(process.memoryUsage.rss()), 1000)`,
];

const output = (host: Host, [first = '', ...more]: readonly string[]): Promise<string> =>
  host.run(first, more);

/** Milliseconds, by the clock and of the processors. */
interface Time {
  elapsed: number;
  busy: number;
}

async function timed(work: () => Promise<unknown>): Promise<Time> {
  const [begun, before] = [performance.now(), processorTime()];
  await work();
  return { elapsed: performance.now() - begun, busy: processorTime() - before };
}

/** What `nft -f` takes for a script on a host without rules. */
async function plain(host: Host, script: string): Promise<Time> {
  await host.run('nft', ['flush', 'ruleset']);
  const taken = await timed(() => host.run('nft', ['-f', '-'], script));
  await host.run('nft', ['flush', 'ruleset']);
  return taken;
}

/** Where payloads and programs are, as an installed release has them: one file without types. */
interface Place {
  folder: string;
  apply: string;
  plane: string;
  agent: string;
  release: string;
}

const applied = async (host: Host, { folder, apply }: Place, ...counts: number[]): Promise<Applying> =>
  JSON.parse(await output(host, [...STARTED, apply, folder, ...counts.map(String)]));

interface Load {
  ours: Time;
  /** `nft -f` of the same text. */
  same: Time;
  /** `nft -f` of as many plain rules and one plain set. */
  plain: Time;
}

/** Each round loads all in turn, so that they meet the same neighbours on the machine. */
async function loads(host: Host, place: Place): Promise<Load[]> {
  const rules = plainRules(RULESETS, PEERS);
  const rounds: Load[] = [];
  for (let round = 0; round < LOADS; round++) {
    await host.run('nft', ['flush', 'ruleset']);
    const { first, busy, script } = await applied(host, place, 0);
    const same = await plain(host, readFileSync(script, 'utf8'));
    rounds.push({ ours: { elapsed: first, busy }, same, plain: await plain(host, rules) });
  }
  return rounds;
}

/** What nothing can be faster or smaller than, on this machine and in this run. */
interface Floors {
  /** Milliseconds of a run of nft for one element of a set of as many in a table without chains. */
  element: number;
  /** Bytes of a process of Node that does nothing, and of one with code and no policy: the data plane's, the agent's. */
  empty: number;
  plane: number;
  agent: number;
}

async function floors(host: Host, { plane, agent }: Place): Promise<Floors> {
  await host.run('nft', ['-f', '-'], plainRules(0, PEERS));
  const taken: number[] = [];
  for (let at = 0; at < DELTAS; at++) {
    const script = `add element inet plain peers { 11.0.0.${at} }\n`;
    taken.push((await timed(() => host.run('nft', ['-f', '-'], script))).elapsed);
  }
  await host.run('nft', ['flush', 'ruleset']);
  const bytes = async (files: readonly string[]) => Number(await output(host, idle(files)));
  return {
    element: median(taken),
    empty: await bytes([]),
    plane: await bytes([plane]),
    agent: await bytes([agent]),
  };
}

function loadRows(rounds: readonly Load[]): Row[] {
  const size = `${PEERS.toLocaleString('en')} addresses and ${RULESETS.toLocaleString('en')} rulesets`;
  const ms = (of: (one: Load) => Time) => ({
    value: median(rounds.map(one => of(one).elapsed)),
    unit: 'ms',
  });
  const times = (what: keyof Time): Pick<Row, 'value' | 'unit' | 'peer'> => ({
    value: median(rounds.map(({ ours, same }) => ours[what] / same[what])),
    unit: '×',
    peer: { value: 2, unit: '×', what: 'our limit' },
  });
  return [
    {
      name: `${size}: from the payloads to the kernel, median of ${LOADS}`,
      ...ms(({ ours }) => ours),
      peer: { ...ms(({ same }) => same), what: 'nft -f of the same text' },
    },
    { name: '  round by round, times nft -f of the same text', ...times('elapsed') },
    { name: '  the same of processor time', ...times('busy') },
    { name: '  nft -f of one plain set and a plain rule for each ruleset', ...ms(one => one.plain) },
  ];
}

const limit = (value: number, unit: string) => ({ value, unit, what: 'our limit' });

function changeRows({ parsing, deltas, nft, spent, resident, ...others }: Applying, floor: Floors): Row[] {
  const whole = deltas.map((delta, at) => delta + (parsing[at] ?? 0));
  return [
    {
      name: `one address changed among them, from the bytes of the bundle to the kernel, median of ${DELTAS}`,
      value: median(whole),
      unit: 'ms',
      peer: limit(50, 'ms'),
    },
    { name: '  processor time of the process for it', value: median(spent), unit: 'ms' },
    { name: '  of that, reading and checking the bytes', value: median(parsing), unit: 'ms' },
    {
      name: '  of that, in nft, with reading back',
      value: median(nft),
      unit: 'ms',
      peer: { value: floor.element, unit: 'ms', what: 'a run of nft for one element of a plain set' },
    },
    {
      name: `one address of a name changed among them, from the answer to the kernel, median of ${DELTAS}`,
      value: median(others.answers),
      unit: 'ms',
      peer: limit(50, 'ms'),
    },
    { name: '  of that, in nft, with reading back', value: median(others.told), unit: 'ms' },
    {
      name: `one ruleset changed among them, from the bytes of the bundle to the kernel, median of ${RULINGS}`,
      value: median(others.rulings),
      unit: 'ms',
    },
    { name: '  processor time of the process for it', value: median(others.ruled), unit: 'ms' },
    {
      name: 'resident memory of the process that did it: the data plane alone',
      value: resident / 1e6,
      unit: 'MB',
    },
    ...(['plane', 'agent'] as const).map(
      (part): Row => ({
        name: `  of its code alone, without any policy: ${part === 'plane' ? 'the data plane' : 'a whole agent'}`,
        value: floor[part] / 1e6,
        unit: 'MB',
        peer: { value: floor.empty / 1e6, unit: 'MB', what: 'Node without any code' },
      }),
    ),
  ];
}

function agentRows({ settled, most, changed, peak, children }: Residence): Row[] {
  const row = (name: string, bytes: number, more: Pick<Row, 'peer'> = {}): Row => ({
    name,
    value: bytes / 1e6,
    unit: 'MB',
    ...more,
  });
  const name =
    'resident memory of a whole agent that has fetched, verified and applied it, median of a minute';
  return [
    row(name, settled, { peer: limit(150, 'MB') }),
    row('  the most of that minute, in which it compares everything with the kernel', most),
    row(`  median of the minute after ${MOVES} addresses changed`, changed, { peer: limit(150, 'MB') }),
    row('  the most since it was started', peak),
    row('  nft, tcpdump and conntrack that it keeps running', children),
  ];
}

/** Writes what is applied, and the programs that do it. */
async function prepare(folder: string, first: readonly string[]): Promise<Place> {
  const program = async (name: string, entry: string) => {
    await bundled(entry, join(folder, name));
    return join(folder, name);
  };
  const place = {
    folder,
    apply: await program('apply.mjs', 'bench/hosts/apply.ts'),
    plane: await program('plane.mjs', 'clients/enforcer/nft/plane.ts'),
    agent: await program('agent.mjs', 'clients/enforcer/life/run.ts'),
    release: await buildRelease({ version: '1.0.0', folder }),
  };
  const write = (name: string, value: unknown) => writeFileSync(join(folder, name), JSON.stringify(value));
  write('policy.json', policyPayload(RULESETS));
  write('peers.json', peersPayload(PEERS, RULESETS, { first }));
  for (let at = 0; at < RULINGS; at++) write(`policy-${at}.json`, policyPayload(RULESETS, 1 + at));
  for (let at = 0; at < DELTAS; at++)
    write(`peers-${at}.json`, peersPayload(PEERS, RULESETS, { first, moved: 1 + at * 4003 }));
  return place;
}

async function run(): Promise<Row[]> {
  const lacking = missing();
  if (lacking.length > 0) {
    process.stdout.write(`skipped: it needs ${lacking.join(', ')}\n`);
    return [];
  }
  const names = ['alone', 'whole', ...Object.values(PAIRS).flat()];
  const network = await openNetwork(names.map((name, at) => ({ name, addresses: [`192.0.2.${1 + at}`] })));
  const folder = mkdtempSync(join(tmpdir(), 'microseg-bench-'));
  const busy = () => loadavg()[0] ?? Number.NaN;
  const before = busy();
  try {
    const [alone, from, to] = [
      network.host('alone'),
      network.host(PAIRS.ruled[0]),
      network.host(PAIRS.ruled[1]),
    ];
    const place = await prepare(folder, [...from.addresses, ...to.addresses]);
    const loaded = loadRows(await loads(alone, place));
    await applied(from, place, 0);
    const changed = changeRows(await applied(to, place, DELTAS, RULINGS), await floors(alone, place));
    const { address } = await openUplink(network);
    const whole = await measureAgent({
      ...{ host: network.host('whole'), address, started: STARTED, release: place.release },
      ...{ folder, units: PEERS, rulesets: RULESETS },
    });
    const passed = pairRows(await measurePairs(network.host, PEERS, RULESETS));
    const load = { value: busy(), unit: 'processes', what: 'that wanted to run at its end' };
    const name = 'how busy the machine was at the beginning, load average of a minute';
    return [
      ...loaded,
      ...changed,
      ...agentRows(whole),
      ...passed,
      { name, value: before, unit: 'processes', peer: load },
    ];
  } finally {
    await network.close();
    rmSync(folder, { recursive: true });
  }
}

/** In network namespaces of its own; needs root. */
export const bench: Bench = { name: 'enforcer', run };
