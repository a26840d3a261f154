import { compile } from '../../shared/core/compile.ts';
import { PolicyView } from '../../shared/core/view.ts';
import { load, type Shape } from './objects.ts';
import { SHAPES } from './shapes.ts';

/** What a child process of bench/compile.ts prints, as JSON. */
export interface Measured {
  /**
   * Processor time, user and system, of all threads: what one core needs. On a machine with other work it says more
   * than the clock. Objects into a view, and the bundles of all namespaces: payload bytes and digests.
   */
  milliseconds: number;
  /** The same by the clock. */
  elapsed: number;
  /** Of that by the clock, without filling the view: compiling, payload bytes and digests. */
  compiling: number;
  bundles: number;
  payloadBytes: number;
  /** Of the whole process, its input included. */
  peakBytes: number;
}

const [name, warmth] = process.argv.slice(2);
const make = Object.entries(SHAPES).find(([shape]) => shape === name)?.[1];
if (!make) throw new Error(`no shape \`${name}\`; there are ${Object.keys(SHAPES).join(', ')}`);

/** Objects into a view, and the bundles of all namespaces. */
function compileAll(shape: Shape): { payloadBytes: number; compiling: number } {
  const view = new PolicyView();
  load(shape, view);
  const filled = performance.now();
  let payloadBytes = 0;
  for (const path of shape.compiled) {
    const { payloads, digests } = compile(view, path);
    for (const bytes of Object.values(payloads)) payloadBytes += bytes.length;
    if (Object.values(digests).some(digest => digest.length !== 64))
      throw new Error('a payload without a digest');
  }
  return { payloadBytes, compiling: performance.now() - filled };
}

// Warm: code has been compiled on a tenth of the shape, as in a publisher that has run for a while.
if (warmth === 'warm') for (let pass = 0; pass < 5; pass++) compileAll(make(0.1));

const shape = make();
globalThis.gc?.();
const start = performance.now();
const before = process.cpuUsage();
const { payloadBytes, compiling } = compileAll(shape);
const elapsed = performance.now() - start;
const { user, system } = process.cpuUsage(before);
const measured: Measured = {
  milliseconds: (user + system) / 1000,
  elapsed,
  compiling,
  bundles: shape.compiled.length,
  payloadBytes,
  peakBytes: process.resourceUsage().maxRSS * 1024,
};
process.stdout.write(JSON.stringify(measured));
