import { printableText } from '../terminal.ts';
import { systemClock } from './clock.ts';
import { command } from './life/command.ts';

import { markPrograms } from './strays.ts';

// A reader that has seen enough, such as `head`, is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

markPrograms(process.env);
const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    stop.abort();
    process.once(signal, () => process.exit(130));
  });
}

process.exitCode = await command(process.argv.slice(2), {
  out: text => process.stdout.write(printableText(text)),
  err: text => process.stderr.write(printableText(text)),
  columns: process.stdout.columns ?? 100,
  isRoot: process.getuid?.() === 0,
  clock: systemClock,
  signal: stop.signal,
  onHangup: look => process.on('SIGHUP', look),
  self: [process.execPath, '--disable-warning=ExperimentalWarning', import.meta.filename],
});
