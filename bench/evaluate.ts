import { evaluate, policiesOf } from '../shared/core/evaluate.ts';
import { type Bench, grouped, type Row } from './row.ts';
import { type Decided, decidedBy } from './shapes/flows.ts';
import { casbin, cedar, type Peer } from './shapes/peers.ts';

const SIZES = [100, 1_000, 10_000];
const SAMPLES = 100_000;
/** How long a peer may take for its samples, in milliseconds; it makes at least 20. */
const PEER_BUDGET = 3_000;
const LIMIT = { value: 5, unit: 'µs', what: 'our limit' };

/** Microseconds of each call. */
interface Times {
  median: number;
  p99: number;
}

function times(call: (at: number) => void, samples: number, budget = Number.POSITIVE_INFINITY): Times {
  const taken: number[] = [];
  const end = performance.now() + budget;
  for (let at = 0; at < samples && (at < 20 || performance.now() < end); at++) {
    const start = process.hrtime.bigint();
    call(at);
    taken.push(Number(process.hrtime.bigint() - start) / 1000);
  }
  taken.sort((a, b) => a - b);
  const at = (share: number) => taken[Math.min(taken.length - 1, Math.floor(taken.length * share))] ?? 0;
  return { median: at(0.5), p99: at(0.99) };
}

function peerTimes({ pairs }: Decided, peer: Peer, expected: readonly boolean[]): Times {
  for (const [at, { from, to }] of pairs.slice(0, 10).entries())
    if (peer(from, to) !== expected[at]) throw new Error(`the peer decides flow ${at} differently`);
  return times(
    at => {
      const { from, to } = pairs[at % pairs.length] ?? { from: 0, to: 0 };
      peer(from, to);
    },
    SAMPLES,
    PEER_BUDGET,
  );
}

async function sizeRows(size: number): Promise<Row[]> {
  const decided = decidedBy(size);
  const policies = policiesOf(decided.view);
  const decide = (at: number) => {
    const flow = decided.flows[at % decided.flows.length];
    return flow ? evaluate(flow, policies) : undefined;
  };
  const expected = decided.flows.map((_, at) => decide(at)?.destination?.verdict === 'allow');
  if (!expected[0] || expected.every(Boolean)) throw new Error('the flows do not meet the policy');
  const ours = times(decide, SAMPLES);
  const cedars = peerTimes(decided, cedar(decided), expected);
  const casbins = peerTimes(decided, await casbin(decided), expected);
  const name = `evaluate with ${grouped(size)} rulesets`;
  const beside = (value: number, what: string) => ({ value, unit: 'µs', what });
  return [
    { name: `${name}, both ends, median`, value: ours.median, unit: 'µs', peer: LIMIT },
    {
      name: `${name}, median beside cedar`,
      value: ours.median,
      unit: 'µs',
      peer: beside(cedars.median, 'cedar-wasm, one end'),
    },
    {
      name: `${name}, median beside casbin`,
      value: ours.median,
      unit: 'µs',
      peer: beside(casbins.median, 'casbin, one end'),
    },
    {
      name: `${name}, 99th percentile beside cedar`,
      value: ours.p99,
      unit: 'µs',
      peer: beside(cedars.p99, 'cedar-wasm, one end'),
    },
    {
      name: `${name}, 99th percentile beside casbin`,
      value: ours.p99,
      unit: 'µs',
      peer: beside(casbins.p99, 'casbin, one end'),
    },
  ];
}

/** The same policies in all three; each decides the same flows, and the first ten verdicts are compared. */
export const bench: Bench = {
  name: 'evaluate',
  run: async () => {
    const rows: Row[] = [];
    for (const size of SIZES) rows.push(...(await sizeRows(size)));
    return rows;
  },
};
