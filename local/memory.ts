import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Works after which what they dropped is collected: a collection takes as long as half a work. */
const EVERY = 3;

/**
 * Has V8 make every object where young ones are. By itself it makes those of a place in the code whose objects have lived on
 * before where old ones are, and there they stay until all of the heap is collected: while YAML was read that was twenty
 * times what was kept of it.
 */
export function makeYoung(): void {
  setFlagsFromString('--no-allocation-site-pretenuring');
}

let collect: (() => void) | undefined;
let works = 0;

function collector(): () => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
}

/**
 * Does work that makes and drops many objects, and sees to it that they are collected. By itself V8 lets its heap grow to four
 * times what is in use where processors are busy, so that an import of some megabytes comes to hundreds. On AWS each function
 * has a process and a limit of its own.
 */
export async function sparingly<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } finally {
    works += 1;
    if (works % EVERY === 0) {
      collect ??= collector();
      collect();
    }
  }
}
