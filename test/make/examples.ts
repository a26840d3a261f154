import { createHash } from 'node:crypto';
import type { Example } from '../../shared/api/openapi/examples.ts';
import { type Operation, routes } from '../../shared/api/routes.ts';
import { Credential } from '../../shared/schema/appcredential.ts';
import { fail } from '../../shared/schema/failure.ts';
import type { Answer, RequestLine } from './call.ts';
import { assertion, openPlane, type Plane } from './plane.ts';
import { type Step, story } from './story.ts';

type Json = Record<string, unknown>;

/** What differs from run to run, with what stands for it in the document. */
const VOLATILE: readonly (readonly [RegExp, string])[] = [
  [/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, '2026-03-01T12:00:00.000Z'],
  [/eyJ[\w-]+\.[\w-]+\.[\w-]+/g, 'eyJhbGciOiJFUzI1NiJ9.e30.c2lnbmF0dXJl'],
  [/-----BEGIN ([A-Z ]+)-----[^-]+-----END [A-Z ]+-----/g, '-----BEGIN $1-----\nMII…\n-----END $1-----'],
  [/request-\d+/g, '0190f3a1b2c3d4e5f6071829'],
  [/"(certificate|certificateKey|certificateAuthority)":"LS0t[^"]*"/g, '"$1":"LS0tLS1CRUdJTi…"'],
  [/"(x|y|secretAccessKey|sessionToken|accessKeyID|kid|digest)":"[^"]+"/g, '"$1":"…"'],
  [/"(exp|iat)":\d+/g, '"$1":1772366400'],
];

const idFor = (key: string): string => `0190${createHash('sha256').update(key).digest('hex').slice(0, 20)}`;

/**
 * Gives everything a name that stays the same: IDs by the step that first shows them, so that a step more or less
 * changes no other example.
 */
export class Names {
  readonly #ids = new Map<string, string>();

  stable<T>(value: T, step: string): T {
    let shown = 0;
    let text = JSON.stringify(value);
    if (text === undefined) return value;
    text = text.replace(/(?<![0-9a-f])[0-9a-f]{24}(?![0-9a-f])/g, id => {
      const known = this.#ids.get(id) ?? idFor(`${step} ${++shown}`);
      this.#ids.set(id, known);
      return known;
    });
    for (const [pattern, by] of VOLATILE) text = text.replace(pattern, by.replaceAll('\n', '\\n'));
    return JSON.parse(text);
  }
}

const nobody = async (): Promise<never> => {
  throw fail('unavailable', 'there is no network here');
};

/** Puts what earlier steps were answered where a step names it. */
function filled<T>(value: T, kept: ReadonlyMap<string, Json>): T {
  const text = JSON.stringify(value, (_key, part: unknown) => {
    if (part === null || typeof part !== 'object' || !('...' in part)) return part;
    const { '...': name, ...over } = part;
    return { ...kept.get(String(name)), ...over };
  });
  const named = text?.replace(/\{\{([\w-]+)(?:\.(\w+))?\}\}/g, (_, name: string, attribute = 'ID') =>
    String(kept.get(name)?.[attribute] ?? ''),
  );
  return named === undefined ? value : JSON.parse(named);
}

const proofOf = async (kept: ReadonlyMap<string, Json>, plane: Plane): Promise<Json> => {
  const credential = Credential.parse(kept.get('appcredential')?.credentials);
  return { ID: await assertion(credential, plane.clock.now()) };
};

/** Sends a request of the story, with whatever else its query should say, as whoever the story sends it as. */
export type Ask = (more?: string) => Promise<Answer>;

/** What is done before a step of the story is played, and may look at what it is answered. */
export type Before = (step: Step, ask: Ask) => Promise<((answer: Answer) => void) | undefined>;

/** Sends one step; its answer is kept under its name. */
async function taken(
  step: Step,
  name: string,
  plane: Plane,
  kept: Map<string, Json>,
  before: Before,
): Promise<[Example, unknown]> {
  const { method, path } = routes[step.operation];
  if (step.operation === 'issueToken') kept.set('assertion', await proofOf(kept, plane));
  const { id = '', body } = filled({ id: step.id, body: step.body }, kept);
  const line = `${path.replace('{id}', id)}${step.query ? `?${step.query}` : ''}`;
  const sent = {
    ...(body === undefined ? {} : { body }),
    ...(step.headers ? { headers: step.headers } : {}),
  };
  const ask: Ask = (more = '') => {
    const request = `${method} ${line}${more && (step.query ? '&' : '?')}${more}` as RequestLine;
    return step.namespace === ''
      ? plane.call(request, { ...sent, address: '192.0.2.10' })
      : plane.root(request, step.namespace, sent);
  };
  const after = await before(step, ask);
  const got = await ask();
  after?.(got);
  if (got.status >= 300) throw new Error(`example ${method} ${line} answers ${got.status} ${got.text}`);
  const answer: unknown = got.text === '' ? undefined : JSON.parse(got.text);
  if (step.as) kept.set(step.as, answer as Json);
  const headers = {
    ...(step.namespace === '' ? {} : { 'x-namespace': step.namespace }),
    ...step.headers,
  };
  const example = {
    operation: step.operation,
    name,
    summary: step.summary,
    path: line,
    headers,
    status: got.status,
  };
  return [{ ...example, ...(body === undefined ? {} : { body }) }, answer];
}

/** Plays the story on a plane and writes down what was asked and answered. */
export async function played(plane: Plane, before: Before = async () => undefined): Promise<Example[]> {
  const kept = new Map<string, Json>();
  const names = new Names();
  const nth = new Map<Operation, number>();
  const examples: Example[] = [];
  for (const step of story) {
    const count = (nth.get(step.operation) ?? 0) + 1;
    nth.set(step.operation, count);
    const name = `example-${count}`;
    const [example, answer] = await taken(step, name, plane, kept, before);
    const key = `${step.operation} ${name}`;
    examples.push({
      ...names.stable(example, key),
      ...(answer === undefined ? {} : { answer: names.stable(answer, key) }),
    });
  }
  return examples;
}

export async function recordExamples(): Promise<Example[]> {
  const plane = await openPlane(deps => ({ ...deps, web: { send: nobody } }));
  try {
    return await played(plane);
  } finally {
    await plane.stop();
  }
}
