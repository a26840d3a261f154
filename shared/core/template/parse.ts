import type { Node } from './ast.ts';
import { mistake } from './mistake.ts';
import { type Expected, SyntaxError as Mistaken, parse } from './parser.js';

/** Characters of a template. */
export const LONGEST = 1024 * 1024;
/** Blocks in blocks and brackets in brackets. */
const DEEPEST = 64;

const nameOf = (one: Expected): string | undefined => {
  if (one.type === 'end') return 'the end';
  if (one.type === 'other') return one.description === 'white space' ? undefined : one.description;
  return one.type === 'literal' ? `\`${one.text}\`` : undefined;
};

const foundAt = (text: string, at: number): string => {
  const found = /^(?:[\w.$]{1,40}|[\s\S])/u.exec(text.slice(at, at + 40))?.[0];
  return found === undefined ? 'the end' : `\`${found}\``;
};

function reasonOf({ expected, message }: Mistaken, text: string, at: number): string {
  if (!expected) return message;
  const names = [...new Set(expected.map(nameOf).filter(name => name !== undefined))].sort();
  return `expected ${names.join(', ')}, found ${foundAt(text, at)}`;
}

/** Reads a template. Fails with `invalid`, which says where and what was expected. */
export function parseTemplate(text: string): Node[] {
  if (text.length > LONGEST) {
    throw mistake(text, LONGEST, `it is ${text.length} characters long; ${LONGEST} are read`);
  }
  try {
    return parse(text, { depth: DEEPEST });
  } catch (error) {
    if (!(error instanceof Mistaken)) throw error;
    const at = error.location.start.offset;
    throw mistake(text, at, reasonOf(error, text, at));
  }
}
