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

process.exitCode = await run(process.argv.slice(2), {
  env: process.env,
  home: homedir(),
  columns: process.stdout.columns ?? 100,
  rows: process.stdout.rows ?? 50,
  isScreen: process.stdout.isTTY === true,
  sleep: milliseconds => setTimeout(milliseconds),
  stdin: () => text(process.stdin),
  out: written => process.stdout.write(written),
  err: written => process.stderr.write(written),
  fetch,
  now: Date.now,
  randomBytes,
});
