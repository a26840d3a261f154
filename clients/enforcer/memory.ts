import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { PackedBytes } from '../../shared/core/packed.ts';

/** Milliseconds after the work: what comes right behind it goes first. */
const LATER = 2000;
/** Milliseconds for which work that does not end puts it off. */
const LATEST = 10_000;
/**
 * Bytes that came since the last time, from which on it is worth a pause of a tenth of a second. Of payloads, too: they are
 * not in the heap, and nothing else looks for those that nobody has any more.
 */
const MUCH = 2e6;

type Collect = (how: { type: 'major'; flavor: 'last-resort' }) => void;
let collect: Collect | undefined;
let timer: NodeJS.Timeout | undefined;
let asked = 0;
/** What was taken after the last time. */
let settled = 0;

function taken(): number {
  const { heapTotal, arrayBuffers } = process.memoryUsage();
  return heapTotal + arrayBuffers;
}

function giveBack(): void {
  timer = undefined;
  PackedBytes.packAll();
  if (taken() - settled < MUCH) return;
  if (!collect) {
    setFlagsFromString('--expose-gc');
    collect = runInNewContext('gc') as Collect;
  }
  // From now on new objects have as little room as V8 begins with. By itself it takes more, so as to look less often which of
  // them are still needed, and keeps that. The first load, which makes most of them, has what the service gives it.
  setFlagsFromString('--semi-space-growth-factor=1');
  collect({ type: 'major', flavor: 'last-resort' });
  settled = taken();
}

/**
 * Gives memory back to the system after work that needed much of it for a moment. Node keeps what it once had, as if the
 * machine were its own; an enforcer is a guest on it.
 */
export function giveBackLater(): void {
  const now = performance.now();
  if (timer === undefined) asked = now;
  else if (now - asked > LATEST) return;
  clearTimeout(timer);
  timer = setTimeout(giveBack, LATER);
  timer.unref();
}
