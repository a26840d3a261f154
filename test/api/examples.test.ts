import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Credential } from '../../shared/schema/appcredential.ts';
import { described, document, type Json } from '../fuzz/document.ts';
import { mistake } from '../fuzz/laws.ts';
import type { RequestLine } from '../make/call.ts';
import { Names } from '../make/examples.ts';
import { assertion, openPlane, type Plane } from '../make/plane.ts';

interface Shown {
  operation: string;
  name: string;
  method: string;
  request: { path: string; headers: Record<string, string>; status: number };
  body?: Json;
  answer?: unknown;
}

type Examples = Record<string, { value: Json }> | undefined;
const examplesIn = (content: unknown): Examples =>
  (content as { 'application/json'?: { examples?: Examples } } | undefined)?.['application/json']?.examples;

/** The story as the document tells it. */
const shown: Shown[] = (document['x-story'] as string[]).map(line => {
  const [operation = '', name = ''] = line.split(' ');
  const at = described.find(one => one.operation === operation);
  const stated = (document.paths as Record<string, Record<string, Json>>)[at?.path ?? '']?.[
    at?.method.toLowerCase() ?? ''
  ];
  const request = (stated?.['x-examples'] as Record<string, Shown['request']> | undefined)?.[name];
  if (!at || !stated || !request) throw new Error(`${line} is nowhere in the document`);
  const body = examplesIn((stated.requestBody as Json | undefined)?.content)?.[name]?.value;
  const answer = examplesIn((stated.responses as Record<string, Json>)[request.status]?.content)?.[name]
    ?.value;
  return {
    operation,
    name,
    method: at.method,
    request,
    ...(body ? { body } : {}),
    ...(answer ? { answer } : {}),
  };
});

let plane: Plane;
beforeAll(async () => {
  plane = await openPlane();
});
afterAll(() => plane.stop());

/** The token that the story gets. */
let issued = '';
/** What the document calls something → what it is called here. */
const real = new Map<string, string>();
/** The private key of the credential that the story makes. */
let made: Credential | undefined;
const names = new Names();
const TIME = /^\d{4}-\d\d-\d\dT/;

/** Objects as they were last answered, by the document's ID: it does not tell one time from another. */
const latest = new Map<string, Json>();

/** Learns from two values of the same shape what stands for what. */
function learn(example: unknown, own: unknown): void {
  if (typeof example === 'string' && typeof own === 'string' && example !== own) real.set(example, own);
  if (example === null || typeof example !== 'object' || own === null || typeof own !== 'object') return;
  if ('ID' in example) latest.set(String(example.ID), own as Json);
  for (const [key, value] of Object.entries(example)) learn(value, Reflect.get(own, key));
}

const ours = (text: string): string => {
  const exact = real.get(text);
  return exact ?? text.replace(/[0-9a-f]{24}/g, id => real.get(id) ?? id);
};

const withOurs = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value), (_key, part: unknown) => (typeof part === 'string' ? ours(part) : part));

async function proof({ operation, body }: Shown): Promise<unknown> {
  if (operation === 'verifyToken') return { token: issued };
  const read = latest.get(String(body?.ID)) ?? {};
  const times = Object.entries(body ?? {}).filter(([key, value]) => key in read && TIME.test(String(value)));
  if (operation !== 'issueToken' || !made)
    return Object.assign(withOurs(body) as Json, Object.fromEntries(times.map(([key]) => [key, read[key]])));
  return { ...body, metadata: { token: await assertion(made, plane.clock.now()) } };
}

describe('an example of the document', () => {
  it.each(shown)('is answered as shown: $operation $request.path', async example => {
    const { operation, name, method, request, answer } = example;
    const line = `${method} ${ours(request.path)}` as RequestLine;
    const { 'x-namespace': namespace, ...headers } = request.headers;
    const sent = { headers, ...(example.body ? { body: await proof(example) } : {}) };
    const got =
      namespace === undefined ? await plane.call(line, sent) : await plane.root(line, namespace, sent);
    expect(got.status, got.text).toBe(request.status);
    if (answer === undefined) return expect(got.text).toBe('');
    const own: unknown = JSON.parse(got.text);
    learn(answer, own);
    if (operation === 'createAppcredential')
      made = Credential.parse(Reflect.get(own as object, 'credentials'));
    if (operation === 'issueToken') issued = String(Reflect.get(own as object, 'token'));
    expect(names.stable(own, `${operation} ${name}`)).toEqual(answer);
  });

  it.each(shown)(
    'has the shape that the document states: $operation $name',
    ({ operation, request, body, answer }) => {
      const at = described.find(one => one.operation === operation);
      if (body && at?.body) expect(mistake(at.body, body)).toBeUndefined();
      const schema = at?.answers.get(request.status);
      if (answer !== undefined && schema && request.headers['x-fields'] === undefined)
        expect(mistake(schema, answer)).toBeUndefined();
    },
  );
});
