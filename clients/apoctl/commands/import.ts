import type { Command } from 'commander';
import { stringify } from 'yaml';
import type { AnswerOf } from '../../../shared/api/client.ts';
import { fail } from '../../../shared/schema/failure.ts';
import { readObjects } from '../documents.ts';
import { type Io, printable } from '../io.ts';
import * as options from '../options.ts';
import { formatOf } from '../output.ts';
import { sessionOf } from '../session.ts';
import { type Attributes, isAttributes } from '../values.ts';

interface ImportOptions {
  file: string;
  label?: string;
  mode?: string;
  output?: string;
}

const EXAMPLES = `
The file is an export: \`data\` maps resource names to lists of objects. Several YAML documents are several imports.

Examples:
  $ apoctl api import -n /acme -f policies.yaml --label policies
  $ apoctl api import -n /acme -f - < policies.yaml
`;

export function addImport(api: Command, io: Io): void {
  const command = api
    .command('import')
    .description('Create or update the objects of an export; prints how many')
    .requiredOption('-f, --file <path>', 'YAML or JSON with the export; - is standard input')
    .option('--label <label>', "recognizes these objects in the next import; over the file's own label")
    .option('--mode <mode>', 'Import or ReplacePartial, which mean the same')
    .option('-o, --output <format>', 'json|yaml: the report as an object')
    .addHelpText('after', EXAMPLES)
    .action((said: ImportOptions, self: Command) => importFile(io, said, options.flagsOf(self)));
  options.withGlobals(command);
}

/** An export as it stands in a file, or in the request that the original's tools make of it. */
function exportIn(object: Attributes, file: string): Attributes {
  const { data } = object;
  if (isAttributes(data) && isAttributes(data.data)) return data;
  if (isAttributes(data)) return object;
  throw fail(
    'invalid',
    `${file === '-' ? 'standard input' : file} is not an export: it has no object \`data\``,
  );
}

/** Text that a template engine should have replaced would otherwise be imported as it stands. */
function refuseTemplates(object: Attributes, file: string): void {
  const [template] = /\{\{-?\s*[^}]*\.(Values|Aporeto)\b[^}]*\}\}/.exec(JSON.stringify(object)) ?? [];
  if (template) {
    throw fail(
      'invalid',
      `${file} holds the template \`${template}\`, and templates are not supported yet: render it first`,
    );
  }
}

/** The label is what to say to import the same objects again. */
const summary = ({ label, created, updated, unchanged }: AnswerOf<'import'>): string =>
  `created ${created}, updated ${updated}, unchanged ${unchanged} (label ${printable(label)})\n`;

async function importFile(io: Io, said: ImportOptions, flags: options.Flags): Promise<void> {
  const exports = (await readObjects(io, said.file)).map(object => {
    refuseTemplates(object, said.file);
    const found = exportIn(object, said.file);
    return said.label === undefined ? found : { ...found, label: said.label };
  });
  const session = await sessionOf(io, flags);
  const format = formatOf(said.output ?? session.output, 'none');
  const { client, namespace } = session;
  for (const data of exports) {
    const body = { data, ...(said.mode === undefined ? {} : { mode: said.mode }) };
    const { body: report, messages } = await client.call('import', { namespace, body });
    session.warn(messages);
    if (format === 'json') io.out(`${JSON.stringify(report, null, 2)}\n`);
    else if (format === 'yaml') io.out(stringify(report));
    else io.out(summary(report));
  }
}
