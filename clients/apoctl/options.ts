import { type Command, Option } from 'commander';
import { fail } from '../../shared/schema/failure.ts';
import { identities } from '../../shared/schema/resources.ts';
import { FORMATS } from './output.ts';
import { DEFAULT_API, type Flags } from './settings.ts';

export type { Flags } from './settings.ts';

const GLOBAL = 'Global options:';

const globals: [string, string][] = [
  ['-A, --api <url>', `URL of the API (env APOCTL_API; default ${DEFAULT_API})`],
  ['-n, --namespace <path>', "namespace to work in (env APOCTL_NAMESPACE; default the credential's)"],
  ['-t, --token <token>', 'token to use (env APOCTL_TOKEN)'],
  ['--creds <file>', 'app credential that gets a token (env APOCTL_CREDS; default ~/.apoctl/default.creds)'],
  ['--config <file>', 'profile: YAML with these options (env APOCTL_CONFIG; default ~/.apoctl/default.yaml)'],
  ['--config-name <name>', 'profile and credential of this name in ~/.apoctl (env APOCTL_CONFIG_NAME)'],
];

export const isGlobal = (option: Option): boolean => option.helpGroupHeading === GLOBAL;

/** They may stand before or after the name of the command. */
export function withGlobals(command: Command): Command {
  for (const [names, text] of globals) command.addOption(new Option(names, text).helpGroup(GLOBAL));
  return command;
}

/** Values of the global options, wherever on the line they stood; the last place wins. */
export function flagsOf(command: Command): Flags {
  const own: Flags = command.opts();
  return command.parent ? { ...flagsOf(command.parent), ...own } : own;
}

/** Collects a repeated option. */
export const each = (value: string, before: string[] = []): string[] => [...before, value];

export function wholeNumber(text: string, flag: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw fail('bad_request', `${flag} wants a whole number, not \`${text}\``);
}

type Argument = [string, string];
type Repeated = [string, string, typeof each];

export const identityArgument: Argument = [
  '<identity>',
  `singular, plural or alias of ${identities.join(', ')}`,
];
export const objectArgument: Argument = ['<id or name>', 'the ID, or the name where only one object has it'];

export const output = (usual: string): Argument => [
  '-o, --output <format>',
  `${FORMATS.join('|')}; none: IDs only (env APOCTL_OUTPUT; default ${usual})`,
];

export const column: Repeated = [
  '-c, --column <attribute>',
  'attribute to show, repeatable or with commas',
  each,
];

export const param: Repeated = [
  '-p, --param <name=value>',
  'query parameter, repeatable; for a flag any value means true',
  each,
];

/** Of what is listed or counted, where `-f` means no file. */
export const filter: Repeated = [
  '-f, --filter <expression>',
  "only objects that pass, such as 'name == web'; repeatable: any of them",
  each,
];

/** `-f`, `-d` and `-k`: the attributes of what is written. */
export const withAttributes = (command: Command): Command =>
  command
    .option('-f, --file <path>', 'YAML or JSON with the object; - is standard input')
    .option('-d, --data <json>', 'attributes as a JSON object; over those of the file')
    .option('-k, --key <name value>', 'one attribute, repeatable, also as name=value; over -d', each);
