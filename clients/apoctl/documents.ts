import { parseAllDocuments } from 'yaml';
import { fail } from '../../shared/schema/failure.ts';
import type { AnyResource } from '../../shared/schema/resource.ts';
import { type Io, readText } from './io.ts';
import { type Attributes, attributesOf, isAttributes } from './values.ts';

/** Where a command's attributes come from; later ones win: file, then JSON, then single attributes. */
export interface Source {
  file?: string;
  data?: string;
  key?: string[];
}

const nameOf = (path: string): string => (path === '-' ? 'standard input' : path);

function parsed(text: string, name: string): unknown[] {
  try {
    // JSON that YAML would not take, such as with tabs.
    return [JSON.parse(text)];
  } catch {
    const documents = parseAllDocuments(text, { merge: true });
    return [...documents].flatMap(document => {
      const [error] = document.errors;
      if (error) throw fail('invalid', `${name} is neither YAML nor JSON: ${error.message.split('\n')[0]}`);
      const value: unknown = document.toJS();
      return value === null || value === undefined ? [] : [value];
    });
  }
}

/** Every object of a YAML or JSON file: of each document the object, or the objects of its list. */
export const readObjects = async (io: Io, path: string): Promise<Attributes[]> =>
  objectsIn(await readText(io, path), nameOf(path));

/** As readObjects, of a text; `name` says where it is from. */
export function objectsIn(text: string, name: string): Attributes[] {
  const values = parsed(text, name).flat();
  if (values.length === 0) throw fail('invalid', `${name} holds no object`);
  return values.map((value, index) => {
    if (isAttributes(value)) return value;
    throw fail(
      'invalid',
      `${name} must hold objects, but number ${index + 1} is \`${JSON.stringify(value)}\``,
    );
  });
}

function dataOf(text: string): Attributes {
  try {
    const value: unknown = JSON.parse(text);
    if (isAttributes(value)) return value;
  } catch {
    // Said below.
  }
  throw fail('bad_request', `-d wants a JSON object such as '{"name": "x"}', not \`${text}\``);
}

/** What to send: an object for each in the file, with `-d` and `-k` over each; without a file one object of these. */
export async function objectsOf(
  io: Io,
  resource: AnyResource,
  { file, data, key }: Source,
): Promise<Attributes[]> {
  if (file === undefined && data === undefined && key === undefined) {
    throw fail(
      'bad_request',
      `say the attributes of the ${resource.identity}: -f file, -d JSON or -k name value`,
    );
  }
  const over = { ...(data === undefined ? {} : dataOf(data)), ...attributesOf(resource, key ?? []) };
  const objects = file === undefined ? [{}] : await readObjects(io, file);
  return objects.map(object => {
    if (isAttributes(object.data) && ('APIVersion' in object || 'identities' in object)) {
      throw fail('bad_request', `${nameOf(file ?? '-')} is an export: use \`apoctl api import -f\``);
    }
    return { ...object, ...over };
  });
}
