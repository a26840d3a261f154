import { spawn } from 'node:child_process';
import { ownEnvironment } from '../strays.ts';

/** Milliseconds after the last change until somebody is called: bursts are one. */
const QUIET = 100;
/** Milliseconds until nft is started again after it ended by itself. */
const AGAIN = 1000;
/** Milliseconds for which what the monitor tells may still be of a change that is done. */
const ECHO = 300;

/**
 * Listens to `nft monitor` and calls when somebody else may have changed the rules of the host. `busy`: whether a change
 * of ours is under way; what is heard meanwhile and shortly after may be anybody's, so that then `glance` is asked whether
 * the rules are still ours. Starts again when nft ends, and calls then too, because something may have been missed.
 */
export function watchRules(
  command: readonly string[],
  busy: () => boolean,
  changed: () => void,
  glance: () => Promise<boolean>,
): () => Promise<void> {
  let ended = false;
  let timer: NodeJS.Timeout | undefined;
  let again: NodeJS.Timeout | undefined;
  let later: NodeJS.Timeout | undefined;
  let lastBusy = 0;
  let child: ReturnType<typeof spawn>;
  let closed: Promise<void>;
  const call = (): void => {
    clearTimeout(timer);
    timer = setTimeout(changed, QUIET);
  };
  const look = async (): Promise<void> => {
    if (!ended && !(await glance())) call();
  };
  const heard = (): void => {
    const now = performance.now();
    if (busy()) lastBusy = now;
    clearTimeout(later);
    if (now - lastBusy > ECHO) call();
    else later = setTimeout(() => void look(), ECHO);
  };
  const start = (): void => {
    const [program = 'nft', ...first] = command;
    child = spawn(program, [...first, 'monitor'], {
      stdio: ['ignore', 'pipe', 'ignore'],
      env: ownEnvironment(),
    });
    child.stdout?.on('data', heard);
    closed = new Promise(done => {
      child.once('error', () => done());
      child.once('close', () => done());
    });
    closed.then(() => {
      if (ended) return;
      again = setTimeout(() => {
        start();
        call();
      }, AGAIN);
    });
  };
  start();
  return async () => {
    ended = true;
    clearTimeout(timer);
    clearTimeout(again);
    clearTimeout(later);
    child.kill('SIGTERM');
    await closed;
  };
}
