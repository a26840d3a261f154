import type { Command } from 'commander';
import type { AnswerOf } from '../../../shared/api/client.ts';
import { whyAbsent } from '../../../shared/core/absent.ts';
import { fail } from '../../../shared/schema/failure.ts';
import { printableJson, printableYaml } from '../../terminal.ts';
import { readObjects } from '../documents.ts';
import type { Io } from '../io.ts';
import { identityOf } from '../lookup.ts';
import * as options from '../options.ts';
import { formatOf } from '../output.ts';
import { sessionOf } from '../session.ts';
import { type Attributes, isAttributes } from '../values.ts';

interface ExportOptions {
  label?: string;
  filter?: string[];
  recursive?: boolean;
  base?: string;
  output?: string;
}

type Exported = AnswerOf<'export'>;

const EXAMPLES = `
What is printed, \`apoctl api import\` takes. Defaults and what only the API writes are left out.

Examples:
  $ apoctl api export netrulesets extnets -n /acme --label policies > policies.yaml
  $ apoctl api export namespaces netrulesets -n /acme -r -o json
  $ apoctl api export extnets -n /acme -f 'associatedTags contains env=prod' --base policies.yaml
`;

export function addExport(api: Command, io: Io): void {
  const command = api
    .command('export')
    .description('Print the objects of a namespace as a file for import')
    .argument('<identities...>', 'singular, plural or alias of each resource')
    .option('--label <label>', 'label of the file')
    .option(...options.filter)
    .option('-r, --recursive', 'also those of all namespaces below')
    .option('--base <path>', 'export to put these objects behind; what is in both stands twice')
    .option('-o, --output <format>', 'json|yaml (default yaml)')
    .addHelpText('after', EXAMPLES)
    .action((named: string[], said: ExportOptions, self: Command) =>
      exportObjects(io, named, said, options.flagsOf(self)),
    );
  options.withGlobals(command);
}

const listsOf = (data: Attributes): [string, unknown[]][] =>
  Object.entries(data).map(([name, objects]) => [name, Array.isArray(objects) ? objects : []]);

const namesOf = (identities: unknown): unknown[] => (Array.isArray(identities) ? identities : []);

/** The objects behind those of another export, kind by kind. */
function behind(base: Attributes, added: Exported, path: string): Attributes {
  if (!isAttributes(base.data)) throw fail('invalid', `${path} is not an export: it has no object \`data\``);
  const data = new Map(listsOf(base.data));
  for (const [name, objects] of listsOf(added.data)) data.set(name, [...(data.get(name) ?? []), ...objects]);
  return {
    ...base,
    APIVersion: added.APIVersion,
    ...(added.label === '' ? {} : { label: added.label }),
    identities: [...new Set([...namesOf(base.identities), ...added.identities])].sort(),
    data: Object.fromEntries(data),
  };
}

async function exportObjects(
  io: Io,
  named: string[],
  said: ExportOptions,
  flags: options.Flags,
): Promise<void> {
  // What the original has and this API has not, the API itself leaves out, and says so.
  const identities = named.map(name => (whyAbsent(name) === undefined ? identityOf(name) : name));
  const [base, ...more] = said.base === undefined ? [] : await readObjects(io, said.base);
  if (more.length > 0) throw fail('invalid', `${said.base} holds several documents; --base is one export`);
  const { client, namespace, output, warn } = await sessionOf(io, flags);
  const format = formatOf(said.output ?? output, 'yaml');
  const query = {
    ...(said.filter ? { q: said.filter } : {}),
    ...(said.recursive ? { recursive: true } : {}),
  };
  const body = { identities, label: said.label ?? '' };
  const { body: exported, messages } = await client.call('export', { namespace, query, body });
  warn(messages);
  const whole = base ? behind(base, exported, said.base ?? '') : exported;
  io.out(format === 'json' ? `${printableJson(whole, 2)}\n` : printableYaml(whole));
}
