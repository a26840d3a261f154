import { renderTemplate } from '../../shared/core/template/render.ts';
import { fail } from '../../shared/schema/failure.ts';
import { objectsIn } from './documents.ts';
import { type Io, readText } from './io.ts';
import { type Attributes, isAttributes, pairOf } from './values.ts';

/** Where a template's `.Values` come from: `--set` over `--values`. */
export interface ValuesSource {
  set?: string[];
  values?: string;
}

/** `true`, `false` and whole numbers are what they look like; everything else is a text, `012` too. */
const scalar = (text: string): unknown =>
  /^(true|false|-?(0|[1-9]\d{0,14}))$/.test(text) ? JSON.parse(text) : text;

/** An index beyond this is a slip; Helm has the same bound. */
const LONGEST_LIST = 65_536;

/** `a.b[0].c` → `a`, `b`, 0, `c`. */
function stepsOf(path: string): (string | number)[] {
  const refuse = (why: string) =>
    fail(
      'bad_request',
      `--set \`${path}=…\`: ${why}; write a.b=value, or list[0].name=value for an entry of a list`,
    );
  return path.split('.').flatMap(part => {
    const [, name = '', indices = ''] = /^([^[\]]+)((?:\[\d{1,9}\])*)$/.exec(part) ?? [];
    if (name === '') throw refuse(`\`${part}\` is neither a name nor a name with an index`);
    if (name === '__proto__') throw refuse('there is no value `__proto__`');
    const numbers = [...indices.matchAll(/\d+/g)].map(([digits]) => Number(digits));
    const large = numbers.find(number => number > LONGEST_LIST);
    if (large !== undefined) throw refuse(`index ${large} is larger than ${LONGEST_LIST}`);
    return [name, ...numbers];
  });
}

/** `before` with a value where the steps lead to. Places of a list that nobody sets are null. */
function withValue(before: unknown, [step, ...rest]: readonly (string | number)[], value: unknown): unknown {
  if (step === undefined) return value;
  if (typeof step === 'string') {
    const object = isAttributes(before) ? before : {};
    return {
      ...object,
      [step]: withValue(Object.hasOwn(object, step) ? object[step] : undefined, rest, value),
    };
  }
  const list = Array.isArray(before) ? [...before] : [];
  while (list.length < step) list.push(null);
  list[step] = withValue(list[step], rest, value);
  return list;
}

async function valuesOf(io: Io, { set = [], values }: ValuesSource): Promise<Attributes> {
  const [first = {}, ...more] = values === undefined ? [] : objectsIn(await readText(io, values), values);
  if (more.length > 0) throw fail('invalid', `${values} holds several documents; values are one`);
  return set.reduce<Attributes>((all, pair) => {
    const [path, text] = pairOf(pair, '--set');
    const next = withValue(all, stepsOf(path), scalar(text));
    return isAttributes(next) ? next : all;
  }, first);
}

/** Where a file is rendered for. */
export interface Where {
  namespace: string;
  api: string;
  /** Organizational metadata of the namespace; asked for when a template names it, since it takes a request. */
  organization: () => Promise<readonly string[]>;
}

/** The text of a file after its template was rendered. A file without `{{` is taken as it is. */
export async function rendered(
  io: Io,
  text: string,
  source: ValuesSource,
  { namespace: Namespace, api: API, organization }: Where,
): Promise<string> {
  const Values = await valuesOf(io, source);
  if (!text.includes('{{')) return text;
  const named = text.includes('.OrganizationalMetadata');
  const asked = named ? { OrganizationalMetadata: await organization() } : {};
  return renderTemplate(text, { Values, Aporeto: { Namespace, API, ...asked } });
}
