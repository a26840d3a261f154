import { textOf, type Value } from './value.ts';

const WIDEST = 100;

const padded = (text: string, flags: string, width: number): string =>
  flags.includes('-')
    ? text.padEnd(width)
    : flags.includes('0')
      ? text.padStart(width, '0')
      : text.padStart(width);

const whole = (value: Value): string | undefined => (Number.isInteger(value) ? String(value) : undefined);

/** The text of one verb; undefined for a value that does not suit it. */
function verb(letter: string, precision: number | undefined, value: Value): string | undefined {
  switch (letter) {
    case 's':
    case 'v':
      return textOf(value).slice(0, precision);
    case 'q':
      return JSON.stringify(textOf(value));
    case 'd':
      return whole(value);
    case 'x':
      return typeof value === 'string'
        ? Buffer.from(value).toString('hex')
        : Number.isInteger(value)
          ? Number(value).toString(16)
          : undefined;
    case 't':
      return typeof value === 'boolean' ? String(value) : undefined;
    case 'f':
      return typeof value === 'number' ? value.toFixed(Math.min(precision ?? 6, 100)) : undefined;
    default:
      return undefined;
  }
}

/** As Go's Sprintf for %s %v %q %d %x %t %f and %%; what does not suit is shown as Go shows it: `%!d(string=x)`. */
export function printf(format: string, values: readonly Value[]): string {
  let next = 0;
  return format.replace(
    /%([-0]*)(\d{0,4})(?:\.(\d{1,3}))?([a-z%])/gi,
    (_, flags: string, width: string, precision: string | undefined, letter: string) => {
      if (letter === '%') return '%';
      if (next >= values.length) return `%!${letter}(MISSING)`;
      const value = values[next];
      next += 1;
      const text = verb(letter, precision === undefined ? undefined : Number(precision), value);
      if (text === undefined) return `%!${letter}(${textOf(value)})`;
      return padded(text, flags, Math.min(Number(width || 0), WIDEST));
    },
  );
}
