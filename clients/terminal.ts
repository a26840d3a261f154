import Table from 'cli-table3';
import { type CreateNodeOptions, Document, type DocumentOptions, type ToStringOptions, visit } from 'yaml';

/**
 * What a terminal acts on instead of showing it, and what nobody sees: controls, marks that turn the direction of writing, ends of
 * lines, and characters without width, by which two texts look the same that are not.
 */
const UNSEEN =
  '\\x7f-\\x9f\\xad\\u061c\\u200b\\u200e\\u200f\\u2028-\\u202e\\u2060-\\u2064\\u2066-\\u2069\\ufeff';
const IN_LINES = new RegExp(`[\\x00-\\x1f${UNSEEN}]`, 'g');
/** Those which JSON and YAML leave as they are. */
const IN_DOCUMENTS = new RegExp(`[${UNSEEN}]`, 'g');

const escaped = (found: string): string => {
  const code = found.charCodeAt(0);
  return code < 256 ? `\\x${code.toString(16).padStart(2, '0')}` : escapedInDocument(found);
};
const escapedInDocument = (found: string): string =>
  `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`;

/**
 * What others say, such as whoever answers for the control plane, on one line: it moves no cursor, colours nothing, turns no
 * direction of writing and hides nothing on the terminal of who reads it.
 */
export const printable = (text: string): string => text.replace(IN_LINES, escaped);

/** JSON of the same value for a terminal. */
export const printableJson = (value: unknown, indent = 0): string =>
  JSON.stringify(value, null, indent).replace(IN_DOCUMENTS, escapedInDocument);

/** A block of lines that begins with spaces does not always read as the same text again. */
const BEGINS_WITH_SPACE = /^\s[\s\S]*\n/;

const mustBeQuoted = (text: string): boolean =>
  text.search(IN_DOCUMENTS) >= 0 || BEGINS_WITH_SPACE.test(text);

/** YAML of the same value for a terminal: what has to be escaped stands in quotes, which alone know escapes. */
export function printableYaml(
  value: unknown,
  options: DocumentOptions & CreateNodeOptions & ToStringOptions & { compat?: 'yaml-1.1' } = {},
): string {
  const document = new Document(value, options);
  visit(document, {
    Scalar: (_key, node) => {
      if (typeof node.value === 'string' && mustBeQuoted(node.value)) node.type = 'QUOTE_DOUBLE';
    },
  });
  return document.toString(options).replace(IN_DOCUMENTS, escapedInDocument);
}

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
