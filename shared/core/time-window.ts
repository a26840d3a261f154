import { fail } from '../schema/failure.ts';
import { readDate, readDuration } from './filter/time.ts';

/** From a moment on and before another one, each RFC 3339 UTC with milliseconds; absent: open. */
export interface TimeWindow {
  from?: string;
  to?: string;
}

/** As they stand in a query. Source: the original's parameters of everything that is read by time. */
export interface WindowParameters {
  startabsolute?: string | undefined;
  endabsolute?: string | undefined;
  startrelative?: string | undefined;
  endrelative?: string | undefined;
}

const COMBINATIONS = [
  '',
  'endrelative',
  'startrelative',
  'endrelative startrelative',
  'endabsolute startrelative',
  'endrelative startabsolute',
  'endabsolute startabsolute',
];

/** The last millisecond that RFC 3339 can say. */
const LATEST = Date.parse('9999-12-31T23:59:59.999Z');

const wrong = (name: string, text: string, how: string) =>
  fail('invalid', `query parameter ${name} is \`${text.slice(0, 80)}\`; write ${how}`, {
    attribute: name,
    value: text,
  });

function absolute(name: string, text: string): number {
  const instant = /^\d{11,15}$/.test(text)
    ? Number(text)
    : readDate(text.replace(/^(\d{4})\/(\d\d)\//, '$1-$2-'));
  if (instant !== undefined && instant >= 0 && instant <= LATEST) return instant;
  throw wrong(name, text, 'it as 2018-04-26T23:50:00Z, 2018/04/26 23:50 (UTC) or milliseconds since 1970');
}

/** `1h` and `-1h` both mean an hour ago, whatever the zone of either end. */
function relative(name: string, text: string, now: Date): number {
  const offset = text.startsWith('+') ? undefined : readDuration(text);
  const instant = now.getTime() - Math.abs(offset ?? Number.NaN);
  if (instant >= 0) return instant;
  throw wrong(name, text, 'a duration before now, such as 1h or -1h30m');
}

/** @throws `invalid` for a value that says no time, a combination that the original refuses, and an end before the start */
export function timeWindow(said: WindowParameters, now: Date): TimeWindow {
  const names = (Object.keys(said) as (keyof WindowParameters)[]).filter(name => said[name] !== undefined);
  if (!COMBINATIONS.includes(names.toSorted().join(' '))) {
    throw fail(
      'invalid',
      `a window of time cannot be made of ${names.join(' and ')}; give one start and one end, or startRelative or endRelative alone`,
    );
  }
  const { startabsolute, endabsolute, startrelative, endrelative } = said;
  const from =
    startabsolute !== undefined
      ? absolute('startAbsolute', startabsolute)
      : startrelative === undefined
        ? undefined
        : relative('startRelative', startrelative, now);
  const to =
    endabsolute !== undefined
      ? absolute('endAbsolute', endabsolute)
      : endrelative === undefined
        ? undefined
        : relative('endRelative', endrelative, now);
  if (from !== undefined && to !== undefined && to < from) {
    throw fail(
      'invalid',
      `the window ends at ${new Date(to).toISOString()}, before it starts at ${new Date(from).toISOString()}; swap them`,
    );
  }
  return {
    ...(from === undefined ? {} : { from: new Date(from).toISOString() }),
    ...(to === undefined ? {} : { to: new Date(to).toISOString() }),
  };
}
