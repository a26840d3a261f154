import type { Expression } from '../filter/ast.ts';
import { DEEPEST, LONGEST, syntaxMistake } from '../filter/parse.ts';
import { queryMistake } from './mistake.ts';
import { parse } from './parser.js';

/** What reports are of, by the name that a query says. */
const SOURCES = ['microseg.flow_record'];

/** A query as it was written. */
export interface Query {
  text: string;
  /** Absent: every record is meant. */
  root?: Expression;
}

/** Reads `network from microseg.flow_record where …`, or its conditions alone. Fails with `bad_request`, which says where and why. */
export function readQuery(text: string): Query {
  if (text.length > LONGEST) {
    throw queryMistake(text, LONGEST, `it is ${text.length} characters long; ${LONGEST} are read`);
  }
  try {
    const { source, root } = parse(text, { depth: DEEPEST });
    if (source && !SOURCES.includes(source.name.toLowerCase())) {
      const told = `there are no reports of \`${source.name.slice(0, 80)}\`; there are those of ${SOURCES.join(', ')}`;
      throw queryMistake(text, source.at, told);
    }
    return { text, ...(root ? { root } : {}) };
  } catch (error) {
    const wrong = syntaxMistake(error, text);
    throw wrong ? queryMistake(text, wrong.at, wrong.reason) : error;
  }
}
