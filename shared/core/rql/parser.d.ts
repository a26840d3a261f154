import type { Expression } from '../filter/ast.ts';

/** Types of parser.js, which is made from grammar.peggy. */
interface Options {
  depth: number;
}

interface Read {
  /** What stands behind `network from`; absent: nothing was said. */
  source?: { name: string; at: number };
  /** Absent: everything is meant. */
  root?: Expression;
}

export function parse(text: string, options: Options): Read;
