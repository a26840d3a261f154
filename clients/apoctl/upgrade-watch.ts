import { ApiError, type UpgradeStatus } from '../../shared/api/client.ts';
import { Failure } from '../../shared/schema/failure.ts';
import { printable, printableJson } from '../terminal.ts';
import type { Io } from './io.ts';
import { changesSince, hasEnded, statusText } from './upgrade-view.ts';

/** Milliseconds between two looks. */
const BETWEEN = 2000;
/** Looks in a row that may fail before nobody waits any more: five minutes. */
const PATIENCE = 150;

/** What passes by itself: the API is away for a moment, or has too much to do. */
const isPassing = (error: unknown): error is Error =>
  error instanceof ApiError
    ? error.status >= 500 || error.status === 429
    : error instanceof Failure && error.kind === 'unavailable';

/** Goes to the beginning of the line so many lines above, and erases all below. */
const over = (lines: number): string => (lines === 0 ? '' : `\u001b[${lines}F\u001b[0J`);

/** A screen shows the newest state in the place of the one before. */
function drawer(io: Io): (status: UpgradeStatus) => void {
  let height = 0;
  return status => {
    const text = statusText(status)
      .split('\n')
      // A line that is broken in two would be counted as one.
      .map(line => line.slice(0, io.columns))
      .slice(0, io.rows - 1)
      .join('\n');
    const shown = text.endsWith('\n') ? text : `${text}\n`;
    io.out(over(height) + shown);
    height = shown.split('\n').length - 1;
  };
}

/** Anything else gets a line for whatever is new. */
function teller(io: Io): (status: UpgradeStatus) => void {
  let before: UpgradeStatus | undefined;
  return status => {
    const time = new Date(io.now()).toISOString().slice(0, 19);
    for (const line of changesSince(before, status)) io.out(`${time}Z ${line}\n`);
    before = status;
  };
}

/** A line of JSON for each state that differs from the one before in more than the time that is left. */
function recorder(io: Io): (status: UpgradeStatus) => void {
  let before = '';
  return status => {
    const { secondsLeft: _, ...lasting } = status.progress;
    const state = JSON.stringify({ ...status, progress: lasting });
    if (state !== before) io.out(`${printableJson(status)}\n`);
    before = state;
  };
}

/** Looks again and again until the upgrade has ended; answers how it ended. */
export async function watch(
  io: Io,
  look: () => Promise<UpgradeStatus>,
  format: 'table' | 'json',
): Promise<UpgradeStatus> {
  const show = format === 'json' ? recorder(io) : io.isScreen ? drawer(io) : teller(io);
  let failures = 0;
  for (;;) {
    try {
      const status = await look();
      failures = 0;
      show(status);
      if (hasEnded(status)) return status;
    } catch (error) {
      failures += 1;
      if (!isPassing(error) || failures > PATIENCE) throw error;
      if (failures === 1) io.err(`warning: ${printable(error.message)}; trying again\n`);
    }
    await io.sleep(BETWEEN);
  }
}
