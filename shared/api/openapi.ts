import type { z } from 'zod';
import type { Example } from './openapi/examples.ts';
import { GROUPS, INTRODUCTION } from './openapi/prose.ts';
import { content, errorResponses, HEADERS, responsesOf } from './openapi/responses.ts';
import {
  changeName,
  inputName,
  type Json,
  parameterSchema,
  reference,
  requestName,
  schemas,
  updateName,
} from './openapi/schemas.ts';
import { PARAMETERS, parameterNames } from './parameters.ts';
import { type CrudAction, groups, type Operation, operations, type Route, routes } from './routes.ts';

const parametersOf = (route: Route): Json[] => [
  ...parameterNames(route).map(name => ({ $ref: `#/components/parameters/${name}` })),
  ...Object.entries(route.query?.shape ?? {}).map(([name, schema]) => {
    const { description, ...json } = parameterSchema(schema as z.ZodType);
    return { name, in: 'query', ...(description ? { description } : {}), schema: json };
  }),
];

const permission = ({ allow }: Route): string =>
  allow === 'everybody' ? 'Open to everybody.' : `Needs the permission \`${allow.identity},${allow.verb}\`.`;

/** Names of what is sent about a resource. */
const SENT: Readonly<Partial<Record<CrudAction, (identity: string) => string>>> = {
  create: inputName,
  update: updateName,
  patch: changeName,
};

const bodySchema = (operation: Operation, { crud }: Route): Json =>
  reference(crud ? (SENT[crud.action]?.(crud.identity) ?? '') : requestName(operation));

const valuesOf = (examples: readonly Example[], of: 'body' | 'answer'): Json | undefined => {
  const with_ = examples.filter(example => example[of] !== undefined);
  return with_.length === 0
    ? undefined
    : Object.fromEntries(
        with_.map(example => [example.name, { summary: example.summary, value: example[of] }]),
      );
};

/** What is no body of an example has no place in OpenAPI. */
const requestsOf = (examples: readonly Example[]): Json =>
  Object.fromEntries(
    examples.map(example => {
      const { summary, path, headers, status } = example;
      return [example.name, { summary, path, headers, status }];
    }),
  );

function operationOf(operation: Operation, examples: readonly Example[]): Json {
  const route = routes[operation];
  const bodies = valuesOf(examples, 'body');
  return {
    operationId: operation,
    summary: route.summary,
    description: permission(route),
    tags: [route.group],
    ...(route.group === 'legacy' ? { deprecated: true } : {}),
    parameters: parametersOf(route),
    ...(route.allow === 'everybody' ? { security: [] } : {}),
    ...(route.input
      ? {
          requestBody: {
            required: true,
            content: content(bodySchema(operation, route), { fails: ['unsupported_media_type'] }, bodies),
          },
        }
      : {}),
    responses: responsesOf(operation, route, valuesOf(examples, 'answer')),
    ...(examples.length > 0 ? { 'x-examples': requestsOf(examples) } : {}),
  };
}

const securitySchemes = {
  bearer: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description: 'A token of `POST /issue`.',
  },
  cookie: {
    type: 'apiKey',
    in: 'cookie',
    name: 'x-aporeto-token',
    description: 'The same token as a cookie, as `POST /issue?asCookie` sets it.',
  },
};

/** The OpenAPI 3.1 document of the API, made from the table of operations. */
export function openApi(version: string, examples: readonly Example[]): Json {
  const paths: Record<string, Json> = {};
  for (const operation of operations) {
    const { path, method } = routes[operation];
    const own = examples.filter(example => example.operation === operation);
    paths[path] = { ...paths[path], [method.toLowerCase()]: operationOf(operation, own) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Microseg',
      summary: 'The open, serverless control plane for identity-based microsegmentation.',
      description: INTRODUCTION,
      version,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    security: [{ bearer: [] }, { cookie: [] }],
    tags: groups.map(name => ({ name, description: GROUPS[name] ?? '' })),
    paths,
    /** The examples in the order in which they were made. */
    'x-story': examples.map(({ operation, name }) => `${operation} ${name}`),
    components: {
      schemas: schemas(),
      parameters: PARAMETERS,
      headers: HEADERS,
      responses: errorResponses(),
      securitySchemes,
    },
  };
}
