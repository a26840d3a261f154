import { Cron } from 'croner';
import { z } from 'zod';

/** A cron expression of five parts, in UTC. Throws with a sentence on anything else. */
export const cronOf = (text: string): Cron =>
  new Cron(text, { timezone: 'UTC', paused: true, mode: '5-part' });

const mistakeIn = (text: string): string | undefined => {
  try {
    cronOf(text);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : 'it cannot be read';
  }
};

export const ActiveSchedule = z
  .string()
  .max(256)
  .refine(text => text === '' || mistakeIn(text) === undefined, {
    error: issue =>
      `\`${String(issue.input)}\` is no schedule: ${mistakeIn(String(issue.input))}; write five parts such as \`0 9 * * 1-5\``,
  })
  .default('')
  .describe('Cron expression of five parts, in UTC: when each period begins. Empty: always.');

/** Source: the original's attribute definition. */
export const ActiveDuration = z
  .string()
  .regex(/^([0-9]+[smh])?$/, 'must be a whole number of seconds, minutes or hours, such as 12h')
  .default('')
  .describe('How long each period of the schedule lasts, such as `12h`.');

export interface Schedule {
  activeSchedule: string;
  activeDuration: string;
}
