import { parseTemplate } from '../../shared/core/template/parse.ts';
import { renderTemplate } from '../../shared/core/template/render.ts';
import { fail } from '../../shared/schema/failure.ts';
import type { PushEvent } from '../../shared/schema/push.ts';
import { printable, printableJson, printableText, printableYaml } from '../terminal.ts';

/** How events are printed, one by one as they come. */
export const EVENT_FORMATS = ['json', 'yaml', 'table', 'none', 'template'] as const;
type EventFormat = (typeof EVENT_FORMATS)[number];

const isFormat = (name: string): name is EventFormat => EVENT_FORMATS.some(format => format === name);

function formatOf(output: string | undefined, template: string | undefined): EventFormat {
  if (template !== undefined && (output === undefined || output === 'default' || output === 'template'))
    return 'template';
  if (template !== undefined) throw fail('bad_request', `--template means -o template, not -o ${output}`);
  if (output === 'template') throw fail('bad_request', '-o template wants the template: --template <text>');
  if (output === undefined || output === 'default') return 'json';
  if (isFormat(output)) return output;
  throw fail('bad_request', `-o wants one of ${EVENT_FORMATS.join(', ')}, not \`${output}\``);
}

/** Columns of a table that has no end: wide enough for most of what is in them. */
function row({ timestamp, type, identity, entity }: PushEvent): string {
  const { namespace = '', name = '', ID = '' } = Object(entity);
  const cells = [
    timestamp,
    type.padEnd(6),
    identity.padEnd(20),
    `${ID}`.padEnd(24),
    `${namespace}`,
    `${name}`,
  ];
  return `${cells.map(printable).join('  ').trimEnd()}\n`;
}

/** Text of an event, with a newline at its end. */
export function eventPrinter(said: {
  output: string | undefined;
  template: string | undefined;
}): (event: PushEvent) => string {
  const template = said.template ?? '';
  switch (formatOf(said.output, said.template)) {
    case 'json':
      return event => `${printableJson(event)}\n`;
    case 'yaml':
      return event =>
        `---\n${printableYaml(event, { lineWidth: 0, aliasDuplicateObjects: false, compat: 'yaml-1.1' })}`;
    case 'table':
      return row;
    case 'none':
      return ({ entity }) => `${printable(String(Object(entity).ID))}\n`;
    case 'template':
      // Before the first event comes.
      parseTemplate(template);
      return event => `${printableText(renderTemplate(template, event))}\n`;
  }
}
