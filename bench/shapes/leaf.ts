import { compile } from '../../shared/core/compile.ts';
import { PolicyView } from '../../shared/core/view.ts';
import { TENANT } from './objects.ts';
import { SHAPES } from './shapes.ts';

/** What the leaf's child process prints, as JSON. Milliseconds by the clock. */
export interface LeafMeasured {
  median: number;
  p99: number;
  /** Objects that one compile needs. */
  objects: number;
}

const SAMPLES = 2_000;

const shape = SHAPES.s1();
const top = shape.namespaces.filter(one => one.name === TENANT);
const namespaces = Map.groupBy(shape.namespaces, one => one.name as string);
const units = Map.groupBy(shape.units, one => one.namespace as string);
const rulesets = Map.groupBy(shape.rulesets, one => one.namespace as string);

// A ruleset in a leaf has changed: a view of what applies there, as a publisher reads it, and the bundle.
const times: number[] = [];
let objects = 0;
for (const path of shape.compiled.slice(0, SAMPLES)) {
  const own = namespaces.get(path) ?? [];
  const [changed, ...others] = rulesets.get(path) ?? [];
  const named = units.get(path) ?? [];
  const start = performance.now();
  const view = new PolicyView();
  for (const one of [...top, ...own]) view.put('namespace', one);
  for (const one of named) view.put('processingunit', one);
  for (const one of others) view.put('networkrulesetpolicy', one);
  if (changed) view.put('networkrulesetpolicy', { ...changed, name: 'changed' });
  compile(view, path);
  times.push(performance.now() - start);
  objects = top.length + own.length + named.length + others.length + 1;
}
times.sort((a, b) => a - b);
const measured: LeafMeasured = {
  median: times[SAMPLES / 2] ?? 0,
  p99: times[Math.floor(SAMPLES * 0.99)] ?? 0,
  objects,
};
process.stdout.write(JSON.stringify(measured));
