import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { type Described, document, type Json } from './document.ts';
import type { Got } from './door.ts';

/** A law that an answer broke. */
export class Broken extends Error {
  readonly law: string;
  constructor(law: string, what: string) {
    super(`${law}: ${what}`);
    this.law = law;
  }
}

const ajv = new Ajv2020({ strict: false, allErrors: false, validateFormats: true, unicodeRegExp: false });
addFormats.default(ajv);
// Known to zod, not to JSON Schema.
for (const format of ['cidrv4', 'cidrv6']) ajv.addFormat(format, true);
ajv.addSchema({ ...document, $id: 'document' });

const validators = new Map<string, ValidateFunction>();

/** What is wrong with a value; undefined when the schema of the document takes it. */
export function mistake(schema: Json, value: unknown): string | undefined {
  const key = JSON.stringify(schema);
  const validate =
    validators.get(key) ?? ajv.compile(JSON.parse(key.replaceAll('"#/components', '"document#/components')));
  validators.set(key, validate);
  return validate(value) ? undefined : ajv.errorsText(validate.errors);
}

const ERROR = { $ref: '#/components/schemas/error' };
/** Marks of a stack trace, of a file of ours, or of the database. */
const LEAK = /\n\s+at |\.(ts|js|mjs):\d+|node:internal|node_modules|SQLITE_|DynamoDB/;

/** Milliseconds that an answer may take. */
export const PATIENCE = 1000;

/** What holds for every answer. */
export function obey(at: Described, got: Got, hasFields: boolean): void {
  const { status, text, body } = got;
  if (status >= 500 && !(status === 503 && at.answers.has(503)))
    throw new Broken('no 5xx', `${status} ${text}`);
  if (LEAK.test(text)) throw new Broken('nothing leaks', text.slice(0, 500));
  for (const [name, value] of Object.entries(got.headers)) {
    if (!/^[\x20-\x7e]*$/.test(value)) throw new Broken('headers are one line of ASCII', `${name}: ${value}`);
  }
  if (!at.answers.has(status)) throw new Broken('the document states every answer', `${status} ${text}`);
  if (status >= 400) {
    const wrong = mistake(ERROR, body);
    if (wrong) throw new Broken('errors match their schema', `${wrong}: ${text.slice(0, 500)}`);
    return;
  }
  const schema = at.answers.get(status);
  if (!schema || hasFields) return;
  const wrong = mistake(schema, body);
  if (wrong) throw new Broken('answers match their schema', `${wrong}: ${text.slice(0, 1500)}`);
}
