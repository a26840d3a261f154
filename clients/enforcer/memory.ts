import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Milliseconds after the work: what comes right behind it goes first. */
const LATER = 2000;
/** Bytes of heap that nothing is in, from which on giving them back is worth a pause of a tenth of a second. */
const MUCH = 40e6;
/** The same of payloads: they are not in the heap, and nothing else looks for those that nobody has any more. */
const LARGE = 8e6;

type Collect = (how: { type: 'major'; flavor: 'last-resort' }) => void;
let collect: Collect | undefined;
let timer: NodeJS.Timeout | undefined;
/** What payloads took after the last time. */
let settled = 0;

function giveBack(): void {
  const { heapTotal, heapUsed, arrayBuffers } = process.memoryUsage();
  const isSmall = heapTotal - heapUsed < MUCH && heapUsed < 2 * MUCH;
  if (isSmall && arrayBuffers - settled < LARGE) return;
  if (!collect) {
    setFlagsFromString('--expose-gc');
    collect = runInNewContext('gc') as Collect;
  }
  collect({ type: 'major', flavor: 'last-resort' });
  settled = process.memoryUsage().arrayBuffers;
}

/**
 * Gives memory back to the system after work that needed much of it for a moment. Node keeps what it once had, as if the
 * machine were its own; an enforcer is a guest on it.
 */
export function giveBackLater(): void {
  clearTimeout(timer);
  timer = setTimeout(giveBack, LATER);
  timer.unref();
}
