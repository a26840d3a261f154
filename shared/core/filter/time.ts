import { goSeconds } from '../duration.ts';
import type { TimeLiteral } from './ast.ts';

const DATE = /^(\d{4}-\d{2}-\d{2})(?:[ T](\d{2}:\d{2}))?$/;
const RFC3339 = /^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})$/;
/** As Go reads it, with a sign. The number of units is bounded, so that the sum is. */
const DURATION = /^[+-]?(0|(\d{1,9}(\.\d{1,9})?(ns|us|ms|s|m|h)){1,6})$/;

/** Days and hours that a calendar has: `2023-02-30` is none, though Date would read it as a day of March. */
const instantOf = (iso: string): number | undefined => {
  const instant = Date.parse(iso);
  const day = Number(iso.slice(8, 10));
  const month = new Date(`${iso.slice(0, 7)}-01T00:00:00Z`);
  const days = new Date(Date.UTC(month.getUTCFullYear(), month.getUTCMonth() + 1, 0)).getUTCDate();
  return Number.isNaN(instant) || day > days ? undefined : instant;
};

/** Milliseconds since the epoch of an RFC 3339 time; undefined for any other text. */
export const readTimestamp = (text: string): number | undefined =>
  RFC3339.test(text) ? instantOf(text.toUpperCase()) : undefined;

/** `2018-04-26`, `2018-04-26 23:50` (both UTC) or RFC 3339. */
export function readDate(text: string): number | undefined {
  const [, day, time = '00:00'] = DATE.exec(text) ?? [];
  return day === undefined ? readTimestamp(text) : instantOf(`${day}T${time}:00Z`);
}

/** `-1h30m` in milliseconds. */
export const readDuration = (text: string): number | undefined =>
  DURATION.test(text) ? (text.startsWith('-') ? -1000 : 1000) * goSeconds(text) : undefined;

/** The value of `date(…)` or `now(…)`, or what is wrong with it. */
export function readTime(name: 'date' | 'now', argument: string): TimeLiteral | string {
  if (name === 'now') {
    const offset = argument === '' ? 0 : readDuration(argument);
    return offset === undefined
      ? `now("${argument}") is no duration from now; write now(), now("-1h") or now("-1h30m")`
      : { kind: 'now', offset };
  }
  const instant = readDate(argument);
  return instant === undefined
    ? `date("${argument}") is no date; write it as 2018-04-26, 2018-04-26 23:50 or 2018-04-26T23:50:00Z`
    : { kind: 'instant', instant };
}
