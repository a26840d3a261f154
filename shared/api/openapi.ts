import { z } from 'zod';
import { FAILURES } from '../schema/failure.ts';
import { identities, resourceOf } from '../schema/resources.ts';
import { ErrorBody } from './messages.ts';
import { operations, type Route, routes } from './routes.ts';

type Json = Record<string, unknown>;

/** JSON Schema of a body. `io: 'input'` for what is sent: attributes with defaults may be left out. */
const schemaOf = (schema: z.ZodType, io: 'input' | 'output'): Json => {
  const { $schema: _, ...json } = z.toJSONSchema(schema, { io, unrepresentable: 'any' }) as Json;
  return json;
};

/** Objects of a resource are stated once, in `components`, by their identity. */
const components = (): Json =>
  Object.fromEntries(
    identities.flatMap(identity => {
      const { stored, input } = resourceOf(identity);
      return [
        [identity, schemaOf(stored, 'output')],
        [inputName(identity), schemaOf(input, 'input')],
        [changeName(identity), schemaOf(input.partial(), 'input')],
      ];
    }),
  );

const inputName = (identity: string): string => `${identity}-input`;
const changeName = (identity: string): string => `${identity}-change`;

const reference = (name: string): Json => ({ $ref: `#/components/schemas/${name}` });

const answerOf = (route: Route): Json | undefined => {
  if (!route.ok) return undefined;
  if (!route.crud) return schemaOf(route.ok, 'output');
  const one = reference(route.crud.identity);
  return route.crud.action === 'list' ? { type: 'array', items: one } : one;
};

const json = (schema: Json): Json => ({ 'application/json': { schema } });

const header = (name: string, description: string): Json => ({
  name,
  in: 'header',
  required: true,
  description,
  schema: { type: 'string' },
});

const parametersOf = (route: Route): Json[] => [
  ...[...route.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  })),
  ...Object.entries(route.query?.shape ?? {}).map(([name, schema]) => ({
    name,
    in: 'query',
    schema: schemaOf(schema as z.ZodType, 'input'),
  })),
  ...(route.allow === 'everybody' ? [] : [header('X-Namespace', 'Full path of the namespace to work in.')]),
];

const responsesOf = (route: Route): Json => {
  const answer = answerOf(route);
  const codes = [...new Set(route.fails.map(kind => FAILURES[kind].code))].sort((a, b) => a - b);
  return {
    ...(answer
      ? { 200: { description: 'Done.', content: json(answer) } }
      : { 204: { description: 'Done; no body.' } }),
    ...Object.fromEntries(
      codes.map(code => [
        code,
        { description: titleOf(code), content: json({ type: 'array', items: reference('error') }) },
      ]),
    ),
  };
};

const titleOf = (code: number): string =>
  [
    ...new Set(Object.values(FAILURES).flatMap(failure => (failure.code === code ? [failure.title] : []))),
  ].join(' or ');

const bodyOf = ({ crud }: Route, input: z.ZodType): Json => {
  if (!crud) return schemaOf(input, 'input');
  return reference(crud.action === 'patch' ? changeName(crud.identity) : inputName(crud.identity));
};

const operationOf = (operationId: string, route: Route): Json => ({
  operationId,
  summary: route.summary,
  tags: [route.group],
  parameters: parametersOf(route),
  ...(route.allow === 'everybody' ? { security: [] } : {}),
  ...(route.input ? { requestBody: { required: true, content: json(bodyOf(route, route.input)) } } : {}),
  responses: responsesOf(route),
});

/** The OpenAPI 3.1 document of the API, made from the table of operations. */
export function openApi(version: string): Json {
  const paths: Record<string, Json> = {};
  for (const operation of operations) {
    const route = routes[operation];
    paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: operationOf(operation, route) };
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Microseg', version, license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
    servers: [{ url: '/' }],
    security: [{ bearer: [] }],
    paths,
    components: {
      schemas: { ...components(), error: schemaOf(ErrorBody, 'output') },
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } },
    },
  };
}
