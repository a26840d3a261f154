import type { Command } from 'commander';
import { convert } from '../../../shared/core/convert/convert.ts';
import { LegacyExport } from '../../../shared/schema/conversion.ts';
import { fail } from '../../../shared/schema/failure.ts';
import { printable, printableJson, printableYaml } from '../../terminal.ts';
import { objectsIn } from '../documents.ts';
import { type Io, readText } from '../io.ts';
import * as options from '../options.ts';
import { isAttributes } from '../values.ts';

interface Said {
  file: string;
  ancestor?: string[];
  suffix: string;
  output: string;
}

const EXAMPLES = `
It asks no API. What is lost is told on standard error, object by object; "narrower" allows less than before, "open" depends on
objects that are in none of the files. What stays in the namespace is deleted by hand: import the result, look, delete the policies.

Examples:
  $ apoctl convert -f old.yaml > new.yaml
  $ apoctl convert -f group.yaml --ancestor tenant.yaml --ancestor account.yaml | apoctl api import -n /acme/aws-dev/shop -f -
`;

export function addConvert(program: Command, io: Io): void {
  program
    .command('convert')
    .description('Make rulesets of the network policies in an export of the original; prints the new export')
    .requiredOption('-f, --file <path>', 'YAML or JSON with the export; - is standard input')
    .option(
      '--ancestor <path>',
      'export of a namespace above, repeatable: what propagates from there counts',
      options.each,
    )
    .option('--suffix <text>', 'ends the names of the rulesets that are made', '')
    .option('-o, --output <format>', 'yaml|json', 'yaml')
    .addHelpText('after', EXAMPLES)
    .action((said: Said) => convertFile(io, said));
}

/** The one export of a file, also in the request that the original's tools make of it. */
async function exportIn(io: Io, path: string): Promise<LegacyExport> {
  const name = path === '-' ? 'standard input' : path;
  const [object, ...more] = objectsIn(await readText(io, path), name);
  if (more.length > 0)
    throw fail('invalid', `${name} holds ${more.length + 1} documents; convert them one by one`);
  const { data } = object ?? {};
  const read = LegacyExport.safeParse(isAttributes(data) && isAttributes(data.data) ? data : object);
  if (read.success) return read.data;
  const wrong = read.error.issues.map(
    ({ path: at, message }) => `${at.join('.') || 'its top level'}: ${message}`,
  );
  throw fail('invalid', `${name} is no export: ${wrong.join('; ')}`);
}

async function convertFile(io: Io, { file, ancestor = [], suffix, output }: Said): Promise<void> {
  if (!['yaml', 'json'].includes(output))
    throw fail('bad_request', `-o wants yaml or json, not \`${output}\``);
  const data = await exportIn(io, file);
  const ancestors = await Promise.all(ancestor.map(path => exportIn(io, path)));
  const { export: made, findings } = convert(data, { ancestors, suffix });
  for (const { effect, object, message } of findings) {
    const { identity, name, namespace } = object;
    io.err(`${printable(`${effect}: ${identity} ${name} in ${namespace}: ${message}`)}\n`);
  }
  io.out(
    output === 'json'
      ? `${printableJson(made, 2)}\n`
      : printableYaml(made, { lineWidth: 0, aliasDuplicateObjects: false, compat: 'yaml-1.1' }),
  );
}
