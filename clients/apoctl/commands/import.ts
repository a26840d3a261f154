import type { Command } from 'commander';
import { z } from 'zod';
import type { AnswerOf } from '../../../shared/api/client.ts';
import { fail } from '../../../shared/schema/failure.ts';
import { printable, printableJson, printableYaml } from '../../terminal.ts';
import { objectsIn } from '../documents.ts';
import { follow, importLarge, isLarge, mustHaveSucceeded, type Run } from '../import-large.ts';
import { type Io, readText } from '../io.ts';
import * as options from '../options.ts';
import { formatOf } from '../output.ts';
import { type Session, sessionOf } from '../session.ts';
import { settle } from '../settings.ts';
import { rendered } from '../template.ts';
import { type Attributes, isAttributes } from '../values.ts';

interface ImportOptions {
  file?: string;
  url?: string;
  label?: string;
  mode?: string;
  delete?: boolean;
  deleteMissing?: boolean;
  render?: boolean;
  large?: boolean;
  /** `--no-wait` */
  wait: boolean;
  dryRun?: boolean;
  follow?: string;
  cancel?: string;
  set?: string[];
  values?: string;
  output?: string;
}

const EXAMPLES = `
The file is an export: \`data\` maps resource names to lists of objects. Several YAML documents are several imports.
It may be a Go template with the usual Sprig functions over \`.Values\`, \`.Aporeto.Namespace\`, \`.Aporeto.API\` and
\`.Aporeto.OrganizationalMetadata\`.

What is too much for one request is uploaded, and a workflow imports it: it looks at every object before it applies the first one.
The command waits and shows how far it is. Interrupted, it leaves the import alone and says how to look at it.

Examples:
  $ apoctl api import -n /acme -f policies.yaml --label policies
  $ apoctl api import -n /acme -f - < policies.yaml
  $ apoctl api import -n /acme -f policies.gotmpl --set app.name=web --values prod.yaml --render
  $ apoctl api import -n /acme --label policies --delete
`;

export function addImport(api: Command, io: Io): void {
  const command = api
    .command('import')
    .description('Create, update or remove the objects of an export; prints how many')
    .option('-f, --file <path>', 'YAML or JSON with the export, or a template of it; - is standard input')
    .option('--url <url>', 'fetch the file from here instead')
    .option('--label <label>', "recognizes these objects in the next import; over the file's own label")
    .option('--mode <mode>', 'Import, ReplacePartial, which means the same, or Remove')
    .option('--delete', 'remove what was imported with the label; as --mode Remove')
    .option('--delete-missing', 'remove what was imported with the label and is no longer in the file')
    .option(
      '--set <name=value>',
      'a value of the template, repeatable; a.b=value for b in a, list[0]=value',
      options.each,
    )
    .option('--values <path>', 'YAML or JSON with the values of the template; --set is over it')
    .option('--render', 'only print the file with its template rendered')
    .option('--dry-run', 'say what would become of it, and change nothing')
    .option('--large', 'have it done by the workflow, however small it is')
    .option('--no-wait', 'with the workflow: only start it, and say how to look at it')
    .option('--follow <id>', 'wait for an import that was started, and show how far it is')
    .option('--cancel <id>', 'end an import that was started; what was applied stays')
    .option('-o, --output <format>', 'json|yaml: the report as an object')
    .addHelpText('after', EXAMPLES)
    .action((said: ImportOptions, self: Command) => importFile(io, said, options.flagsOf(self)));
  options.withGlobals(command);
}

const nameOf = ({ file = '', url = file }: ImportOptions): string => (url === '-' ? 'standard input' : url);

async function fetched(io: Io, url: string): Promise<string> {
  try {
    const answer = await io.fetch(url);
    if (answer.ok) return await answer.text();
    throw fail('not_found', `cannot fetch ${url}: it answers ${answer.status}`);
  } catch (error) {
    throw error instanceof TypeError ? fail('not_found', `cannot fetch ${url}: ${error.message}`) : error;
  }
}

async function textOf(io: Io, { file, url, label, delete: removes }: ImportOptions): Promise<string> {
  if (file !== undefined && url !== undefined) throw fail('bad_request', 'say -f or --url, not both');
  if (url !== undefined) return fetched(io, url);
  if (file !== undefined) return readText(io, file);
  if (removes && label !== undefined) return '{"data": {}}';
  throw fail('bad_request', 'say what to import: -f file, or --url');
}

/** An export as it stands in a file, or in the request that the original's tools make of it. */
function exportIn(object: Attributes, name: string): Attributes {
  const { data } = object;
  if (isAttributes(data) && isAttributes(data.data)) return data;
  if (isAttributes(data)) return object;
  throw fail('invalid', `${name} is not an export: it has no object \`data\``);
}

/** The label is what to say to import the same objects again. */
const summary = ({ label, created, updated, unchanged, removed }: Report): string =>
  `created ${created}, updated ${updated}, unchanged ${unchanged}${removed > 0 ? `, removed ${removed}` : ''} (label ${printable(label)})\n`;

const Organization = z.array(z.object({ metadata: z.array(z.string()) }));

async function organizationOf(io: Io, flags: options.Flags): Promise<readonly string[]> {
  const { client, namespace } = await sessionOf(io, flags);
  const { body } = await client.call('getOrganizationalMetadata', { namespace });
  return Organization.parse(body).flatMap(({ metadata }) => metadata);
}

const ModeName = z.enum(['Import', 'ReplacePartial', 'Remove']);

function modeOf({ delete: removes, mode }: ImportOptions): z.infer<typeof ModeName> | undefined {
  if (removes) return 'Remove';
  if (mode === undefined) return undefined;
  const known = ModeName.safeParse(mode);
  if (known.success) return known.data;
  throw fail('bad_request', `--mode wants ${ModeName.options.join(', ')}, not \`${mode}\``);
}

type Report = Pick<
  AnswerOf<'import'>,
  'label' | 'created' | 'updated' | 'unchanged' | 'removed' | 'findings'
>;

function tell(io: Io, session: Session, format: string, report: Report, whole: object): void {
  session.warn(report.findings.map(({ at, name, message }) => `${at} ${name}: ${message}`));
  if (format === 'json') io.out(`${printableJson(whole, 2)}\n`);
  else if (format === 'yaml') io.out(printableYaml(whole));
  else io.out(summary(report));
}

/** What came of an import by the workflow; one that was not waited for is only shown where that was asked for. */
function tellRun(io: Io, session: Session, format: string, run: Run): void {
  if (run.endTime === undefined && format === 'none') {
    io.out(`${run.ID}\n`);
    return;
  }
  session.warn(run.warnings);
  if (run.moreFindings > 0) session.warn([`${run.moreFindings} more findings are not shown`]);
  if (run.endTime !== undefined) mustHaveSucceeded(run);
  tell(io, session, format, run, run);
}

/** Looks at or ends an import that was started before. */
async function lookAfter(
  io: Io,
  session: Session,
  format: string,
  { follow: id, cancel }: ImportOptions,
): Promise<void> {
  const { client, namespace } = session;
  if (cancel !== undefined) {
    await client.call('cancelImport', { namespace, params: { id: cancel } });
    const run = await follow(io, session, cancel);
    io.out(`${run.status}: ${printable(run.reason)}\n`);
    return;
  }
  tellRun(io, session, format, await follow(io, session, id ?? ''));
}

async function importFile(io: Io, said: ImportOptions, flags: options.Flags): Promise<void> {
  if (said.follow !== undefined || said.cancel !== undefined) {
    const session = await sessionOf(io, flags);
    return lookAfter(io, session, formatOf(said.output ?? session.output, 'none'), said);
  }
  const mode = modeOf(said);
  const { api, namespace: home } = await settle(io, flags);
  const where = { api, namespace: home ?? '', organization: () => organizationOf(io, flags) };
  const text = await rendered(io, await textOf(io, said), said, where);
  if (said.render) {
    io.out(text);
    return;
  }
  const exports = objectsIn(text, nameOf(said)).map(object => {
    const found = exportIn(object, nameOf(said));
    return said.label === undefined ? found : { ...found, label: said.label };
  });
  const session = await sessionOf(io, flags);
  const format = formatOf(said.output ?? session.output, 'none');
  for (const data of exports) await importOne(io, session, format, data, mode, said);
}

const objectsOf = ({ data }: Attributes): number =>
  isAttributes(data)
    ? Object.values(data).reduce<number>((sum, list) => sum + (Array.isArray(list) ? list.length : 0), 0)
    : 0;

async function importOne(
  io: Io,
  session: Session,
  format: string,
  data: Attributes,
  mode: ReturnType<typeof modeOf>,
  { large = false, wait, deleteMissing = false, dryRun = false }: ImportOptions,
): Promise<void> {
  const document = JSON.stringify(data);
  if (large || isLarge(document, objectsOf(data))) {
    if (dryRun) {
      throw fail(
        'bad_request',
        'it is too much for one request, and --dry-run is for one; the workflow looks at every object before it applies the first one',
      );
    }
    const run = await importLarge(io, session, mode === 'Remove' ? undefined : document, {
      ...(typeof data.label === 'string' ? { label: data.label } : {}),
      ...(mode === undefined ? {} : { mode }),
      deleteMissing,
      noWait: !wait,
    });
    return tellRun(io, session, format, run);
  }
  const { client, namespace } = session;
  const body = {
    data,
    ...(mode === undefined ? {} : { mode }),
    ...(deleteMissing ? { deleteMissing: true } : {}),
  };
  const query = dryRun ? { dryRun: true } : {};
  const { body: report, messages } = await client.call('import', { namespace, query, body });
  session.warn(messages);
  tell(io, session, format, report, report);
}
