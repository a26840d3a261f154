import { pino } from 'pino';

type Line = (fields: object, message: string) => void;

/** What the agent logs with: pino's own interface, as far as it is used. */
export interface Log {
  info: Line;
  warn: Line;
  error: Line;
  debug: Line;
  /** The lowest level that is written. */
  level: string;
}

/** Levels of `Enforcer.logLevel` → pino's. */
const LEVELS: Readonly<Record<string, string>> = {
  Trace: 'trace',
  Debug: 'debug',
  Info: 'info',
  Warn: 'warn',
  Error: 'error',
};

export const levelOf = (logLevel: string): string => LEVELS[logLevel] ?? 'info';

/** Bytes of lines that wait where nothing can be written, such as on a full disk; later ones are left out. */
const WAITING = 65_536;

/** Lines of JSON on the standard error; the standard output is for people. Who can't be told keeps nobody from what he does. */
export function openLog(level: string): Log {
  const destination = pino.destination({ dest: 2, sync: true, maxLength: WAITING });
  destination.on('error', () => undefined);
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, destination);
}
