import type { Command } from 'commander';
import { z } from 'zod';
import type { AnyResource } from '../../../shared/schema/resource.ts';
import { resourceOf } from '../../../shared/schema/resources.ts';
import type { Io } from '../io.ts';
import { identityOf } from '../lookup.ts';
import * as options from '../options.ts';
import { formatOf, render } from '../output.ts';
import type { Attributes } from '../values.ts';

const EXAMPLES = `
Examples:
  $ apoctl api describe netruleset
  $ apoctl api describe namespace -o yaml
`;

/** Attributes of what is described, as they are shown. */
const SHOWN = { plural: 'attributes', attributes: ['attribute', 'type', 'default', 'written', 'meaning'] };

export function addDescribe(api: Command, io: Io): void {
  const command = api
    .command('describe')
    .description('Say which attributes the objects of an identity have, and who writes them')
    .argument(...options.identityArgument)
    .option('-o, --output <format>', 'table|json|yaml', 'table')
    .addHelpText('after', EXAMPLES)
    .action((named: string, { output }: { output: string }) => {
      const described = attributesOf(resourceOf(identityOf(named)));
      const shape = { shown: SHOWN, columns: SHOWN.attributes, single: false };
      io.out(render(formatOf(output, 'table'), described, shape));
    });
  options.withGlobals(command);
}

type Schema = Record<string, unknown>;

/** `[][]string`, `map`, `Allow|Reject`: as the original's documents write types. */
function typeOf(schema: Schema): string {
  if (Array.isArray(schema.enum)) return schema.enum.filter(each => each !== '').join('|');
  if (typeof schema.const === 'string') return schema.const;
  const any = schema.anyOf ?? schema.oneOf;
  if (Array.isArray(any)) return [...new Set(any.map(each => typeOf(each as Schema)))].join('|');
  if (Array.isArray(schema.type)) return schema.type.join('|');
  if (schema.type === 'array') return `[]${typeOf((schema.items ?? {}) as Schema)}`;
  if (schema.format === 'date-time') return 'time';
  if (schema.type === 'object') return schema.properties ? 'object' : 'map';
  return typeof schema.type === 'string' ? schema.type : 'any';
}

/** Levels of attributes in attributes. */
const DEEPEST = 3;

interface Described {
  attribute: string;
  type: string;
  /** As JSON; `required` where there is none. */
  default: string;
  written: string;
  meaning: string;
}

/** An attribute, and those of the objects that it holds: `incomingRules[].action`. */
function linesOf(
  attribute: string,
  schema: Schema,
  required: boolean,
  written: string,
  level = 1,
): Described[] {
  const usual = schema.default === undefined ? '' : JSON.stringify(schema.default);
  const own = {
    attribute,
    type: typeOf(schema),
    default: required && written !== 'server' ? 'required' : usual,
    written,
    meaning: String(schema.description ?? ''),
  };
  const isList = schema.type === 'array';
  const inner = (isList ? (schema.items ?? {}) : schema) as Schema;
  if (level === DEEPEST || inner.properties === undefined) return [own];
  return [own, ...partsOf(inner, `${attribute}${isList ? '[]' : ''}.`, () => written, level + 1)];
}

function partsOf(
  { properties = {}, required = [] }: Schema,
  before: string,
  writtenOf: (name: string) => string,
  level: number,
): Described[] {
  const byName = ([a]: [string, Schema], [b]: [string, Schema]) =>
    a.toLowerCase() < b.toLowerCase() ? -1 : 1;
  return Object.entries(properties as Record<string, Schema>)
    .toSorted(byName)
    .flatMap(([name, schema]) =>
      linesOf(`${before}${name}`, schema, (required as string[]).includes(name), writtenOf(name), level),
    );
}

/** Every attribute in the order of its name, with who writes it: always, at `create` alone, or the `server`. */
export function attributesOf({ stored, readOnly, createOnly, secrets = [] }: AnyResource): Attributes[] {
  const schema = z.toJSONSchema(stored, { unrepresentable: 'any', io: 'input', reused: 'inline' }) as Schema;
  const writtenOf = (name: string) =>
    name in readOnly ? 'server' : name in createOnly ? 'create' : 'always';
  const described = partsOf(schema, '', writtenOf, 1).filter(({ attribute }) => !secrets.includes(attribute));
  return described.map(line => ({ ...line }));
}
