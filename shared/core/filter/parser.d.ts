import type { Expression, TimeLiteral } from './ast.ts';

/** Types of parser.js, which is made from grammar.peggy. */
interface Options {
  depth: number;
  /** The value, or a sentence that says what is wrong with it. */
  time: (name: 'date' | 'now', argument: string) => TimeLiteral | string;
}

export type Expected =
  | { type: 'literal'; text: string }
  | { type: 'class' | 'any' | 'end' }
  | { type: 'other'; description: string };

/** Thrown by `parse`. `expected` is null where the grammar itself said what is wrong. */
declare class ParseError extends Error {
  expected: Expected[] | null;
  location: { start: { offset: number } };
}

export function parse(text: string, options: Options): Expression;

export { ParseError as SyntaxError };
