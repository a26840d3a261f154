import { readFileSync } from 'node:fs';

export type Json = Record<string, unknown>;

/** The document as it is checked in: what the fuzz run knows of the API. */
export const document: Json = JSON.parse(readFileSync('docs/openapi.json', 'utf8'));

/** What a `$ref` leads to, and the name under which it is stated. */
export function resolved<T extends Json = Json>(value: unknown): T & { name?: string } {
  const { $ref, ...beside } = value as { $ref?: string };
  if ($ref === undefined) return value as T;
  const parts = $ref.slice(2).split('/');
  const found = parts.reduce<unknown>((at, part) => (at as Json)[part], document);
  return { ...(found as T), ...beside, name: parts.at(-1) ?? '' };
}

export interface Parameter {
  name: string;
  in: 'query' | 'header' | 'path';
  schema: Json;
}

export interface Described {
  operation: string;
  method: string;
  path: string;
  /** First segment of the path: the resource, for those that are about one. */
  resource: string;
  parameters: readonly Parameter[];
  /** Of the body that is sent. */
  body?: Json;
  /** Bodies that it may be sent with, as the document shows them. */
  examples: readonly unknown[];
  /** Status → schema of the body; undefined where there is none. */
  answers: ReadonlyMap<number, Json | undefined>;
}

const values = (value: unknown): Json[] => Object.values((value ?? {}) as Record<string, Json>);

/** Bodies are the same in every media type. */
const media = (content: unknown): Json => values(content)[0] ?? {};

function describedOf(path: string, method: string, operation: Json): Described {
  const content = (operation.requestBody as Json | undefined)?.content;
  const responses = Object.entries(operation.responses as Record<string, Json>);
  return {
    operation: String(operation.operationId),
    method: method.toUpperCase(),
    path,
    resource: path.split('/')[1] ?? '',
    parameters: values(operation.parameters).map(parameter => resolved(parameter) as unknown as Parameter),
    ...(content ? { body: media(content).schema as Json } : {}),
    examples: values(media(content).examples).map(({ value }) => value),
    answers: new Map(
      responses
        .filter(([status]) => status !== 'default')
        .map(([status, response]) => [
          Number(status),
          media(resolved(response).content).schema as Json | undefined,
        ]),
    ),
  };
}

export const described: readonly Described[] = Object.entries(
  document.paths as Record<string, Record<string, Json>>,
).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => describedOf(path, method, operation)),
);
