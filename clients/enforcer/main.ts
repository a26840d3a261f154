import { printableText } from '../terminal.ts';
import { systemClock } from './clock.ts';
import { command } from './life/command.ts';
import { proxiesIn } from './life/proxies.ts';

import { markPrograms } from './strays.ts';

// A reader that has seen enough, such as `head`, is no error. A full disk is one, and no reason for an agent to end.
let isLost = false;
for (const stream of [process.stdout, process.stderr])
  stream.on('error', (error: NodeJS.ErrnoException) => {
    isLost ||= error.code !== 'EPIPE';
  });

markPrograms(process.env);
const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    stop.abort();
    process.once(signal, () => process.exit(130));
  });
}

const code = await command(process.argv.slice(2), {
  out: text => process.stdout.write(printableText(text)),
  err: text => process.stderr.write(printableText(text)),
  columns: process.stdout.columns ?? 100,
  isRoot: process.getuid?.() === 0,
  clock: systemClock,
  signal: stop.signal,
  proxies: proxiesIn(process.env),
  onHangup: look => process.on('SIGHUP', look),
  self: [process.execPath, '--disable-warning=ExperimentalWarning', import.meta.filename],
});
process.once('exit', () => {
  // A command has told nothing then. An agent has done what it is for.
  process.exitCode = isLost && code === 0 && !stop.signal.aborted ? 1 : code;
});
// What was not waited for, such as a control plane that does not answer, must not keep the process.
if (stop.signal.aborted) process.exit();
