import { renderTemplate } from '../../shared/core/template/render.ts';
import { fail } from '../../shared/schema/failure.ts';
import { objectsIn } from './documents.ts';
import { type Io, readText } from './io.ts';
import { type Attributes, pairOf, place } from './values.ts';

/** Where a template's `.Values` come from: `--set` over `--values`. */
export interface ValuesSource {
  set?: string[];
  values?: string;
}

/** `true`, `false` and whole numbers are what they look like; everything else is a text, `012` too. */
const scalar = (text: string): unknown =>
  /^(true|false|-?(0|[1-9]\d{0,14}))$/.test(text) ? JSON.parse(text) : text;

async function valuesOf(io: Io, { set = [], values }: ValuesSource): Promise<Attributes> {
  const [first = {}, ...more] = values === undefined ? [] : objectsIn(await readText(io, values), values);
  if (more.length > 0) throw fail('invalid', `${values} holds several documents; values are one`);
  const all = structuredClone(first);
  for (const pair of set) {
    const [path, text] = pairOf(pair, '--set');
    place(all, path.split('.'), scalar(text));
  }
  return all;
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
