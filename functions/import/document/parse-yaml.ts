import { isAlias, isScalar, Lexer, LineCounter, parseDocument, visit, type YAMLMap } from 'yaml';
import { fail } from '../../../shared/schema/failure.ts';

/** Levels that are taken: as many as of JSON. */
const DEEPEST = 64;

/** Indented blocks, brackets and marks of a line in one another. The parser calls itself for each level, and runs out of stack slowly. */
function refuseDeep(text: string, what: string): void {
  const blocks: number[] = [];
  let brackets = 0;
  let marks = 0;
  let atStart = true;
  for (const token of new Lexer().lex(text)) {
    const isBlank = /^[ \t]*$/.test(token);
    const isEnd = token === '\n' || token === '\r\n';
    if (atStart && brackets === 0 && !isEnd && !token.startsWith('#')) {
      const column = isBlank ? token.length : 0;
      while ((blocks.at(-1) ?? -1) >= column) blocks.pop();
      blocks.push(column);
    }
    atStart = isEnd;
    if (isEnd) marks = 0;
    else if (token === '[' || token === '{') brackets += 1;
    else if (token === ']' || token === '}') brackets = Math.max(0, brackets - 1);
    else if (token === '-' || token === '?') marks += 1;
    if (blocks.length + brackets + marks > DEEPEST) {
      throw fail('bad_request', `${what} is more than ${DEEPEST} levels deep; nothing here needs so many`);
    }
  }
}

/** What the parser itself looks for by comparing every key with every other one. */
function refuseTwice(map: YAMLMap, what: string): void {
  const seen = new Set<unknown>();
  for (const { key } of map.items) {
    const value = isScalar(key) ? key.value : undefined;
    if (value === undefined || isAlias(key) || value === '<<') continue;
    if (seen.has(value)) {
      throw fail(
        'invalid',
        `${what} is not YAML: the key \`${String(value).slice(0, 80)}\` stands twice in one map`,
      );
    }
    seen.add(value);
  }
}

/**
 * The value of a YAML document, in time that grows with its length only, whatever it is: keys and levels by the thousand, and aliases of
 * aliases, which the parser itself bounds.
 *
 * @throws `bad_request` and `invalid`, and what the parser throws
 */
export function parseYaml(text: string, what: string): unknown {
  refuseDeep(text, what);
  const lines = new LineCounter();
  // What a mistake looks like is not drawn: there may be one at every word.
  const options = { merge: true, uniqueKeys: false, prettyErrors: false, lineCounter: lines } as const;
  const document = parseDocument(text, options);
  const [error] = document.errors;
  if (error) {
    const { line, col } = lines.linePos(error.pos[0]);
    throw fail('invalid', `${what} is not YAML: ${error.message} at line ${line}, column ${col}`);
  }
  visit(document, { Map: (_, map) => refuseTwice(map, what) });
  return document.toJS();
}
