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

/** Lines of JSON on the standard error; the standard output is for people. */
export const openLog = (level: string): Log =>
  pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime },
    pino.destination({ dest: 2, sync: true }),
  );
