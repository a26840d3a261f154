import { randomBytes } from 'node:crypto';
import { homedir } from 'node:os';
import { text } from 'node:stream/consumers';
import { setTimeout } from 'node:timers/promises';
import { run } from './run.ts';

// A reader that has seen enough, such as `head`, is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
});

/** The second Ctrl-C ends the process, whatever it does. */
function interrupted(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => controller.abort());
  return controller.signal;
}

process.exitCode = await run(process.argv.slice(2), {
  env: process.env,
  home: homedir(),
  columns: process.stdout.columns ?? 100,
  rows: process.stdout.rows ?? 50,
  isScreen: process.stdout.isTTY === true,
  errIsScreen: process.stderr.isTTY === true,
  interrupted,
  sleep: (milliseconds, signal) =>
    setTimeout(milliseconds, undefined, signal ? { signal } : {}).catch(() => undefined),
  stdin: () => text(process.stdin),
  out: written => process.stdout.write(written),
  err: written => process.stderr.write(written),
  fetch,
  now: Date.now,
  randomBytes,
});
