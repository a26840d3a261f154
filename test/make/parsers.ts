import { readFile } from 'node:fs/promises';
import peggy from 'peggy';

const HEADER = `// Made from grammar.peggy by \`npm run make\`.
// biome-ignore-all format: generated
// biome-ignore-all lint: generated
// biome-ignore-all assist: generated
`;

/** The parser of a grammar as an ES module. Every rule is tried where it stands, without memory: see the grammar. */
export async function parserOf(grammar: string): Promise<string> {
  const source = peggy.generate(await readFile(grammar, 'utf8'), {
    output: 'source',
    format: 'es',
    grammarSource: grammar,
  });
  return HEADER + source;
}
