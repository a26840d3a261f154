import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { type Bench, grouped, type Row } from './row.ts';
import type { LeafMeasured } from './shapes/leaf.ts';
import type { Measured } from './shapes/measure.ts';
import type { ShapeName } from './shapes/shapes.ts';

const run = promisify(execFile);

/** In a process of its own, so that memory and warm-up are its own. */
async function child<T>(script: string, ...args: string[]): Promise<T> {
  const file = new URL(`./shapes/${script}.ts`, import.meta.url).pathname;
  const { stdout } = await run(process.execPath, [
    '--disable-warning=ExperimentalWarning',
    '--expose-gc',
    file,
    ...args,
  ]);
  return JSON.parse(stdout);
}

interface Described {
  shape: ShapeName;
  what: string;
  /** Seconds that we allow ourselves. */
  limit: number;
  /** Megabytes that we allow ourselves. */
  memoryLimit?: number;
  /** What Antrea's controller publishes for its shape of the same sizes; the best figure where it gives a range. */
  antrea?: { seconds: number; range: string; megabytes?: number };
}

/** The shapes for which Antrea publishes figures (its network policy controller's benchmark), and one of our own. */
const SHAPES: readonly Described[] = [
  {
    shape: 's1',
    what: '25,000 namespaces, 100,000 units, 75,000 rulesets',
    limit: 1,
    memoryLimit: 500,
    antrea: { seconds: 1.13, range: '1.13–3.07 s, 1.3–1.4 GB', megabytes: 1_300 },
  },
  {
    shape: 's2',
    what: '100 namespaces, 100,000 units, 10,100 rulesets',
    limit: 0.4,
    antrea: { seconds: 0.53, range: '0.53 s' },
  },
  {
    shape: 's3',
    what: '1 namespace, 10,000 units, 10,000 rulesets that select all',
    limit: 0.2,
    antrea: { seconds: 0.24, range: '0.24 s, 100 MB', megabytes: 100 },
  },
  {
    shape: 's4',
    what: '1 namespace, 10,000 units, a ruleset for each',
    limit: 1.5,
    antrea: { seconds: 1.86, range: '1.86–24.97 s' },
  },
  { shape: 's5', what: '1,000 namespaces, 100,000 units, objects that span 10 namespaces', limit: 1 },
];

const beside = (limit: number, unit: string, antrea: { value: number; range: string } | undefined) =>
  antrea
    ? { value: antrea.value, unit, what: `Antrea, published: ${antrea.range}; our limit ${limit} ${unit}` }
    : { value: limit, unit, what: 'our limit' };

async function shapeRows({ shape, what, limit, memoryLimit, antrea }: Described): Promise<Row[]> {
  const cold = await child<Measured>('measure', shape, 'cold');
  const { milliseconds, elapsed, compiling, payloadBytes, peakBytes, bundles } = await child<Measured>(
    'measure',
    shape,
    'warm',
  );
  const name = `compile ${shape.toUpperCase()}`;
  const memory = antrea?.megabytes;
  return [
    {
      name: `${name}: ${what}; compiled, by the clock`,
      value: compiling / 1000,
      unit: 's',
      peer: beside(limit, 's', antrea && { value: antrea.seconds, range: antrea.range }),
    },
    { name: `${name}: with filling the view before it, by the clock`, value: elapsed / 1000, unit: 's' },
    {
      name: `${name}: with filling the view, processor time of all threads`,
      value: milliseconds / 1000,
      unit: 's',
    },
    {
      name: `${name}: processor time of a process that has just started`,
      value: cold.milliseconds / 1000,
      unit: 's',
    },
    {
      name: `${name}: peak memory of the process, input included`,
      value: peakBytes / 1e6,
      unit: 'MB',
      ...(memory === undefined
        ? {}
        : {
            peer: memoryLimit
              ? beside(memoryLimit, 'MB', { value: memory, range: antrea?.range ?? '' })
              : { value: memory, unit: 'MB', what: 'Antrea, published' },
          }),
    },
    {
      name: `${name}: payloads of ${grouped(bundles)} bundles`,
      value: payloadBytes / 1e6,
      unit: 'MB',
    },
  ];
}

async function leafRows(): Promise<Row[]> {
  const { median, p99, objects } = await child<LeafMeasured>('leaf');
  const peer = { value: 10, unit: 'ms', what: 'our limit' };
  const name = `compile one leaf of S1 after a change, from its ${objects} objects`;
  return [
    { name: `${name}, median`, value: median, unit: 'ms', peer },
    { name: `${name}, 99th percentile`, value: p99, unit: 'ms', peer },
  ];
}

/** One core, payload bytes and their digests included, signing not. */
export const bench: Bench = {
  name: 'compile',
  run: async () => {
    const rows: Row[] = [];
    for (const shape of SHAPES) rows.push(...(await shapeRows(shape)));
    return [...rows, ...(await leafRows())];
  },
};
