import type { Log } from '../functions/deps.ts';

const LEVELS = ['DEBUG', 'INFO', 'WARN', 'ERROR'] as const;
export type Level = (typeof LEVELS)[number];

/** One JSON object a line on standard error, as the functions' logger writes on AWS. */
export function jsonLog(
  level: Level,
  write: (line: string) => void = line => process.stderr.write(line),
): Log {
  const at =
    (own: Level) =>
    (message: string, fields: Record<string, unknown> = {}): void => {
      if (LEVELS.indexOf(own) < LEVELS.indexOf(level)) return;
      write(`${JSON.stringify({ level: own, message, timestamp: new Date().toISOString(), ...fields })}\n`);
    };
  return { info: at('INFO'), warn: at('WARN'), error: at('ERROR') };
}
