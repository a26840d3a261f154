import { fail } from '../../shared/schema/failure.ts';
import type { AnyResource } from '../../shared/schema/resource.ts';
import { printable, printableJson, printableYaml, table } from '../terminal.ts';
import type { Attributes } from './values.ts';

/** `none`: only the IDs, one a line. `default`: the command's own. */
export const FORMATS = ['json', 'yaml', 'table', 'none', 'default'] as const;
export type Format = (typeof FORMATS)[number];

const isFormat = (name: string): name is Format => FORMATS.some(format => format === name);

/** `usual` is what the command prints when nobody says. */
export function formatOf(
  said: string | undefined,
  usual: Exclude<Format, 'default'>,
): Exclude<Format, 'default'> {
  if (said === undefined || said === 'default') return usual;
  if (isFormat(said) && said !== 'default') return said;
  throw fail('bad_request', `-o wants one of ${FORMATS.join(', ')}, not \`${said}\``);
}

/** What is shown: its name in the plural, and the names of its attributes. */
export interface Shown {
  plural: string;
  attributes: readonly string[];
}

export const shownResource = ({ plural, stored }: AnyResource): Shown => ({
  plural,
  attributes: Object.keys(stored.shape),
});

/** `-c a -c b,c` in the attributes' own spelling. */
export function columnsOf({ plural, attributes: known }: Shown, said: readonly string[]): string[] {
  const names = said.flatMap(list => list.split(',')).filter(name => name !== '');
  return names.map(name => {
    const column = known.find(candidate => candidate.toLowerCase() === name.toLowerCase());
    if (column) return column;
    throw fail(
      'bad_request',
      `${plural} have no attribute \`${name}\`; they have ${known.toSorted().join(', ')}`,
    );
  });
}

const cell = (value: unknown): string =>
  value === undefined ? '' : printable(typeof value === 'string' ? value : JSON.stringify(value));

export interface Shape {
  shown: Shown;
  /** Attributes to show, in this order; empty: all, and in a list's table the usual few. */
  columns: readonly string[];
  /** One object is meant, not a list that happens to hold one. */
  single: boolean;
}

const USUAL = ['ID', 'name', 'namespace', 'updateTime'];
/** Of what has no name: when it was, and what. */
const NAMELESS = ['date', 'timestamp', 'namespace', 'action', 'sourceName', 'destinationName', 'message'];

const usualColumns = ({ attributes }: Shown): string[] =>
  (attributes.includes('name') ? USUAL : NAMELESS).filter(name => attributes.includes(name));

const picked = (object: Attributes, columns: readonly string[]): Attributes =>
  columns.length === 0 ? object : Object.fromEntries(columns.map(name => [name, object[name]]));

/** Objects as text, with a newline at the end; empty when there is nothing to show. */
export function render(
  format: Exclude<Format, 'default'>,
  objects: readonly Attributes[],
  shape: Shape,
): string {
  const { columns, single } = shape;
  const chosen = objects.map(object => picked(object, columns));
  const [first = {}] = chosen;
  switch (format) {
    case 'none':
      return objects.map(({ ID }) => `${cell(ID)}\n`).join('');
    case 'json':
      return `${printableJson(single ? first : chosen, 2)}\n`;
    case 'yaml':
      // Quoted so that readers of YAML 1.1, such as the original's, see the same strings.
      return printableYaml(single ? first : chosen, {
        lineWidth: 0,
        aliasDuplicateObjects: false,
        compat: 'yaml-1.1',
      });
    case 'table': {
      if (single)
        return table(
          ['attribute', 'value'],
          Object.entries(first).map(([name, value]) => [name, cell(value)]),
        );
      const head = columns.length > 0 ? [...columns] : usualColumns(shape.shown);
      return table(
        head,
        objects.map(object => head.map(name => cell(object[name]))),
      );
    }
  }
}
