import type { Node } from './ast.ts';

/** Types of parser.js, which is made from grammar.peggy. */
interface Options {
  depth: number;
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

export function parse(text: string, options: Options): Node[];

export { ParseError as SyntaxError };
