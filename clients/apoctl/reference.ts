import type { Argument, Command, Option } from 'commander';
import { identities, resourceOf } from '../../shared/schema/resources.ts';
import { FORMER } from './commands/former.ts';
import type { Io } from './io.ts';
import { isGlobal } from './options.ts';
import { programOf } from './program.ts';

/** Asked for nothing: the reference only reads the tree of commands. `out` collects its help texts. */
const nowhere = (out: (text: string) => void): Io => ({
  env: {},
  home: '~',
  columns: 100,
  rows: 50,
  isScreen: false,
  errIsScreen: false,
  interrupted: () => AbortSignal.abort(),
  sleep: async () => undefined,
  stdin: async () => '',
  out,
  err: () => undefined,
  fetch,
  now: () => 0,
  randomBytes: size => new Uint8Array(size),
});

const escaped = (text: string): string => text.replaceAll('|', '\\|').replaceAll('<', '&lt;');

const table = (head: string[], rows: string[][]): string =>
  rows.length === 0
    ? ''
    : [head, head.map(() => '---'), ...rows].map(row => `| ${row.join(' | ')} |\n`).join('');

const optionRow = ({ flags, description }: Option): string[] => [
  `\`${flags.replaceAll('|', '\\|')}\``,
  escaped(description),
];

const argumentRow = (argument: Argument): string[] => [
  `\`${argument.name()}\``,
  escaped(argument.description),
];

/** What stands below a command's own help: examples and remarks. */
type Remarks = (command: Command) => string;

function pathOf(command: Command): string {
  return command.parent ? `${pathOf(command.parent)} ${command.name()}` : command.name();
}

/** Without those that only say what they are called now. */
const shown = (command: Command): readonly Command[] =>
  command.commands.filter(one => !(one.name() in (FORMER[command.parent ? command.name() : ''] ?? {})));

function section(command: Command, level: number, remarksOf: Remarks): string {
  const path = pathOf(command);
  const parts = [
    `${'#'.repeat(level)} ${path}`,
    `${command.description()}.`,
    `\`${path} ${command.usage()}\``,
    table(['argument', 'is'], command.registeredArguments.map(argumentRow)),
    table(['option', 'is'], command.options.filter(option => !isGlobal(option)).map(optionRow)),
  ];
  const remarks = command.commands.length === 0 ? remarksOf(command) : '';
  if (remarks) parts.push(`\`\`\`text\n${remarks}\n\`\`\``);
  const inner = shown(command).map(one => section(one, level + 1, remarksOf));
  return [...parts, ...inner]
    .filter(part => part !== '')
    .join('\n\n')
    .replaceAll('\n\n\n', '\n\n');
}

/** docs/cli.md: every command with its arguments, options and examples, from the tree of commands itself. */
export function cliReference(): string {
  let written = '';
  const program = programOf(
    nowhere(text => {
      written += text;
    }),
  );
  const remarksOf: Remarks = command => {
    written = '';
    command.outputHelp();
    return written.replace(command.helpInformation(), '').trim();
  };
  const globals = program.options.filter(isGlobal).map(optionRow);
  const nouns = identities.map(identity => {
    const { plural, aliases, summary } = resourceOf(identity);
    return [`\`${identity}\``, [plural, ...aliases].map(name => `\`${name}\``).join(', '), escaped(summary)];
  });
  return [
    '# apoctl',
    'Made from the tree of commands by `npm run make`; change clients/apoctl instead of this page.',
    '`npx apoctl` in the checkout runs it.',
    `\`\`\`text\n${remarksOf(program)}\n\`\`\``,
    '## Options of every command',
    table(['option', 'is'], globals),
    '## Identities',
    'Every name is taken in any case.',
    table(['identity', 'also', 'is'], nouns),
    ...shown(program).map(command => section(command, 2, remarksOf)),
    '',
  ]
    .map(part => part.trimEnd())
    .join('\n\n')
    .replace(/\n+$/, '\n');
}
