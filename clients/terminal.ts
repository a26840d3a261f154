import Table from 'cli-table3';

const escaped = (found: string): string => {
  const code = found.charCodeAt(0);
  return code < 256 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16)}`;
};

/**
 * What others say, such as whoever answers for the control plane, on one line: it moves no cursor, colours nothing and turns no
 * direction of writing on the terminal of who reads it.
 */
export const printable = (text: string): string =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  text.replace(/[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/g, escaped);

/** The same of a text with lines and tabs of its own. */
export const printableText = (text: string): string =>
  text
    .split(/([\t\n])/)
    .map((part, at) => (at % 2 === 1 ? part : printable(part)))
    .join('');

const PLAIN = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  ',
};

/** Columns side by side, without lines. `numbers`: so many columns from the left end in line. */
export function table(head: string[], rows: string[][], numbers = 0): string {
  const style = { head: [], border: [], 'padding-left': 0, 'padding-right': 0 };
  const colAligns = head.map((_, at): 'left' | 'right' => (at < numbers ? 'right' : 'left'));
  const printed = new Table({ head, chars: PLAIN, style, colAligns });
  printed.push(...rows);
  return `${printed.toString().replace(/ +$/gm, '')}\n`;
}
