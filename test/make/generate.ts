import { readFile, writeFile } from 'node:fs/promises';
import stringify from 'json-stringify-pretty-compact';
import { cliReference } from '../../clients/apoctl/reference.ts';
import { VERSION } from '../../functions/version.ts';
import { openApi } from '../../shared/api/openapi.ts';
import { recordExamples } from './examples.ts';
import { parserOf } from './parsers.ts';
import { resourceTable } from './resource-table.ts';

/** Documents that are made from the code, by path. `npm run make` writes them; a test compares them. */
export const documents: Readonly<Record<string, () => string | Promise<string>>> = {
  'docs/openapi.json': async () =>
    `${stringify(openApi(VERSION, await recordExamples()), { maxLength: 110 })}\n`,
  'docs/cli.md': () => cliReference(),
  'docs/resources.md': () => resourceTable(),
  'shared/core/filter/parser.js': () => parserOf('shared/core/filter/grammar.peggy'),
  'shared/core/rql/parser.js': () => parserOf('shared/core/rql/grammar.peggy'),
  'shared/core/template/parser.js': () => parserOf('shared/core/template/grammar.peggy'),
};

/** Paths of those that differ from what is checked in. */
export async function outdated(): Promise<string[]> {
  const differing = await Promise.all(
    Object.entries(documents).map(async ([path, make]) => {
      const there = await readFile(path, 'utf8').catch(() => '');
      return there === (await make()) ? [] : [path];
    }),
  );
  return differing.flat();
}

if (import.meta.main) {
  for (const [path, make] of Object.entries(documents)) {
    await writeFile(path, await make());
    process.stdout.write(`wrote ${path}\n`);
  }
}
