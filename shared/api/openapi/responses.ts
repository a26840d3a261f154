import { FAILURES, type FailureKind } from '../../schema/failure.ts';
import type { Route } from '../routes.ts';
import { MEANINGS } from './prose.ts';
import { answerName, type Json, reference } from './schemas.ts';

const MEDIA = ['application/json', 'application/msgpack'];

/** A body in every media type that there is. Where 415 is no failure, the operation answers JSON to everybody. */
export const content = (schema: Json, { fails }: Pick<Route, 'fails'>, examples?: Json): Json =>
  Object.fromEntries(
    (fails.includes('unsupported_media_type') ? MEDIA : MEDIA.slice(0, 1)).map((media, index) => [
      media,
      { schema, ...(examples && index === 0 ? { examples } : {}) },
    ]),
  );

const text = (description: string): Json => ({ description, schema: { type: 'string' } });

/** Headers of answers. */
export const HEADERS = {
  'X-Request-Id': text('Name of the request, in the log of activities and in the `trace` of errors.'),
  'X-Messages': text(
    'Warnings for people, separated by `;`. What is not printable ASCII is percent-encoded.',
  ),
  'X-Count-Total': {
    description: 'Objects in all, not only on this page. Absent for pages by cursor.',
    schema: { type: 'integer', minimum: 0 },
  },
  'X-Next': text('Cursor of the next page, for `after`; absent on the last one, and for pages by number.'),
} as const satisfies Record<string, Json>;

const headers = (...names: (keyof typeof HEADERS)[]): Json => ({
  headers: Object.fromEntries(names.map(name => [name, { $ref: `#/components/headers/${name}` }])),
});

const kindsOf = (code: number): FailureKind[] =>
  (Object.keys(FAILURES) as FailureKind[]).filter(kind => FAILURES[kind].code === code);

const exampleOf = (code: number, title: string, description: string): Json => ({
  [title.replaceAll(' ', '')]: {
    value: [{ code, title, description, subject: 'microseg', trace: '0190f3a1b2c3d4e5f6071829' }],
  },
});

/** Media types do not depend on the operation here: an error comes as the answer would have. */
const errors = (examples: Json): Json =>
  content(reference('error'), { fails: ['unsupported_media_type'] }, examples);

const errorOf = (code: number): Json => ({
  description: kindsOf(code)
    .map(kind => `**${FAILURES[kind].title}**: ${MEANINGS[kind]}`)
    .join('\n\n'),
  ...headers('X-Request-Id'),
  content: errors(
    Object.assign({}, ...kindsOf(code).map(kind => exampleOf(code, FAILURES[kind].title, MEANINGS[kind]))),
  ),
});

const codesOf = (kinds: readonly FailureKind[]): number[] =>
  [...new Set(kinds.map(kind => FAILURES[kind].code))].sort((a, b) => a - b);

/** Every way to be refused, stated once. */
export const errorResponses = (): Json => ({
  ...Object.fromEntries(
    codesOf(Object.keys(FAILURES) as FailureKind[]).map(code => [`error-${code}`, errorOf(code)]),
  ),
  error: {
    description: 'Anything else, such as **Internal Server Error**: it says nothing but its `trace`.',
    ...headers('X-Request-Id'),
    content: errors(exampleOf(500, 'Internal Server Error', 'something went wrong here')),
  },
});

function answerOf(operation: string, { ok, crud }: Route): Json | undefined {
  if (!ok) return undefined;
  if (!crud) return reference(answerName(operation));
  const one = reference(crud.identity);
  return crud.action === 'list' ? { type: 'array', items: one } : one;
}

const isList = ({ takes = [], crud }: Route): boolean => crud?.action === 'list' || takes.includes('limit');

/** What an operation may answer; `examples` are of the answer when all went well. */
export function responsesOf(operation: string, route: Route, examples?: Json): Json {
  const schema = answerOf(operation, route);
  const said = headers(
    'X-Request-Id',
    'X-Messages',
    ...(isList(route) || route.method === 'HEAD' ? (['X-Count-Total'] as const) : []),
    ...(isList(route) ? (['X-Next'] as const) : []),
  );
  return {
    ...(schema
      ? { 200: { description: 'Done.', ...said, content: content(schema, route, examples) } }
      : { 204: { description: 'Done; there is no body.', ...said } }),
    ...Object.fromEntries(
      codesOf(route.fails).map(code => [code, { $ref: `#/components/responses/error-${code}` }]),
    ),
    default: { $ref: '#/components/responses/error' },
  };
}
