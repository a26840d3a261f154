import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isActive } from '../../shared/core/schedule.ts';
import { ActiveSchedule } from '../../shared/schema/schedule.ts';

const MINUTE = 60_000;

/** The definition once more: every minute of the past is looked at. Lists, ranges and steps of numbers only. */
function naively(schedule: string, minutes: number, now: Date): boolean {
  const [minute = '*', hour = '*', day = '*', month = '*', weekday = '*'] = schedule.split(' ');
  const has = (part: string, value: number): boolean =>
    part.split(',').some(piece => {
      const [range = '', step = '1'] = piece.split('/');
      const [low = 0, high = low] = range === '*' ? [0, 99] : range.split('-').map(Number);
      return value >= low && value <= high && (value - low) % Number(step) === 0;
    });
  const begins = (at: Date): boolean => {
    const days = has(day, at.getUTCDate());
    const weekdays = has(weekday, at.getUTCDay());
    return (
      has(minute, at.getUTCMinutes()) &&
      has(hour, at.getUTCHours()) &&
      has(month, at.getUTCMonth() + 1) &&
      // Of the two kinds of days one is enough where both are given.
      (day !== '*' && weekday !== '*' ? days || weekdays : days && weekdays)
    );
  };
  const whole = Math.floor(now.getTime() / MINUTE) * MINUTE;
  for (let begin = whole; now.getTime() < begin + minutes * MINUTE; begin -= MINUTE)
    if (begins(new Date(begin))) return true;
  return false;
}

const schedule = fc.constantFrom(
  '* * * * *',
  '0 9 * * 1-5',
  '*/15 * * * *',
  '30 22 * * 0,6',
  '0 0 29 2 *',
  '0 0 31 * *',
  '59 23 28-31 12 *',
  '0 0 1 * 3',
);
const moment = fc
  .date({ min: new Date('2024-02-27T00:00:00Z'), max: new Date('2028-03-02T00:00:00Z'), noInvalidDate: true })
  .map(date => new Date(Math.floor(date.getTime() / 1000) * 1000));
const nearLeapDay = fc.integer({ min: -3 * 86_400, max: 3 * 86_400 }).map(seconds => {
  return new Date(Date.UTC(2028, 1, 29) + seconds * 1000);
});

describe('a schedule', () => {
  it('is active from each beginning for as long as it lasts', () => {
    fc.assert(
      fc.property(
        schedule,
        fc.integer({ min: 1, max: 3 * 24 * 60 }),
        fc.oneof(moment, nearLeapDay),
        (activeSchedule, minutes, now) => {
          const active = isActive({ activeSchedule, activeDuration: `${minutes}m` }, now);
          expect(active).toBe(naively(activeSchedule, minutes, now));
        },
      ),
      { numRuns: 300 },
    );
  });

  it('is active at its beginning and no more at its end', () => {
    const nine = { activeSchedule: '0 9 * * *', activeDuration: '8h' };
    const at = (time: string) => isActive(nine, new Date(`2026-11-25T${time}Z`));
    expect([at('08:59:59.999'), at('09:00:00'), at('16:59:59.999'), at('17:00:00')]).toEqual([
      false,
      true,
      true,
      false,
    ]);
  });

  it('without a schedule is always, without a duration never', () => {
    expect(isActive({ activeSchedule: '', activeDuration: '' }, new Date())).toBe(true);
    expect(isActive({ activeSchedule: '* * * * *', activeDuration: '' }, new Date())).toBe(false);
    expect(isActive({ activeSchedule: '0 0 30 2 *', activeDuration: '24h' }, new Date())).toBe(false);
  });

  it.each(['61 * * * *', '* * * *', '* * * * * *', 'tomorrow', '0 0 * * 9'])('is not written `%s`', text => {
    const { error } = ActiveSchedule.safeParse(text);
    expect(error?.issues[0]?.message).toMatch(/is no schedule: .*; write five parts such as/);
  });
});
