import { fail } from '../../shared/schema/failure.ts';
import { resourceOf } from '../../shared/schema/resources.ts';
import type { Call, Reply } from '../call.ts';

/** Attributes that `X-Fields` asks for, one a header line or several with commas. Undefined: all of them. */
export function fieldsOf(call: Call): readonly string[] | undefined {
  const header = call.headers['x-fields'];
  if (header === undefined || !call.route.crud) return undefined;
  const { stored } = resourceOf(call.route.crud.identity);
  const fields = header.split(',').map(field => field.trim());
  const unknown = fields.find(field => !Object.hasOwn(stored.shape, field));
  if (unknown === undefined) return fields;
  throw fail(
    'bad_request',
    `header X-Fields names \`${unknown}\`, which ${call.route.crud.identity} does not have`,
  );
}

const picked = (object: unknown, fields: readonly string[]): unknown =>
  object !== null && typeof object === 'object'
    ? Object.fromEntries(Object.entries(object).filter(([key]) => fields.includes(key)))
    : object;

/** The answer with the attributes that the caller wants. */
export function withFields(fields: readonly string[] | undefined, reply: Reply): Reply {
  if (!fields || reply.body === undefined) return reply;
  const { body } = reply;
  return {
    ...reply,
    body: Array.isArray(body) ? body.map(object => picked(object, fields)) : picked(body, fields),
  };
}
