import { z } from 'zod';
import { fail } from '../schema/failure.ts';
import type { AnswerOf } from './answers.ts';
import { ErrorBody } from './error-body.ts';
import type { Route } from './route.ts';
import type { Operation } from './routes.ts';

export type QueryValue = string | number | boolean | readonly (string | number)[] | undefined;

export interface Request {
  /** Full path, for `X-Namespace`. */
  namespace?: string;
  /** Values of the `{name}`s in the route's path. */
  params?: Readonly<Record<string, string>>;
  /** `false` and undefined are left out: for the API a flag with any value is true, even `false`. */
  query?: Readonly<Record<string, QueryValue>>;
  body?: unknown;
  /** Of a POST: the same key and body again give the first answer and no second effect. */
  idempotencyKey?: string;
  /** Ends the request; absent: it ends when the API can no longer answer. */
  signal?: AbortSignal;
}

export interface Answer<B> {
  status: number;
  body: B;
  /** Objects in all, not only on this page: `X-Count-Total`. */
  total?: number;
  /** Cursor of the next page: `X-Next`. */
  next?: string;
  /** Warnings for people: `X-Messages`. */
  messages: string[];
}

/** The API refused. `errors` is its body: at least one entry, made from the status where the body was none. */
export class ApiError extends Error {
  readonly status: number;
  readonly errors: readonly ErrorBody[];
  constructor(status: number, errors: readonly ErrorBody[]) {
    super(errors.map(({ title, description }) => `${title}: ${description}`).join('; '));
    this.name = 'ApiError';
    this.status = status;
    this.errors = errors;
  }
}

export interface ClientOptions {
  /** URL of the API, with or without a trailing slash. */
  api: string;
  /** Gives the bearer token of each request; absent for operations that are open to everybody. */
  token?: () => Promise<string>;
  fetch?: typeof fetch;
}

/** Of all operations, or of those that a part of the table has. */
export interface Client<Of extends Operation = Operation> {
  /**
   * The answer as it was sent, not checked against the schema: for programs that only pass it on.
   * Throws ApiError when the API refuses and the failure `unavailable` when it cannot be reached.
   */
  send(operation: Of, request?: Request): Promise<Answer<unknown>>;
  /**
   * The answer, parsed. Attributes that this version does not know are kept, so that a newer API can be called.
   * Throws as `send` does, and the failure `unavailable` for an answer of another shape.
   */
  call<O extends Of>(operation: O, request?: Request): Promise<Answer<AnswerOf<O>>>;
}

/** Milliseconds; the API itself answers within 29 s or not at all. */
const PATIENCE = 40_000;

const pathOf = (template: string, params: Readonly<Record<string, string>> = {}): string =>
  template.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = params[name];
    // `.` and `..` would be resolved away, and name another operation.
    if (!value || /^\.\.?$/.test(value)) {
      throw fail('bad_request', `the path ${template} needs a value for ${name}, not \`${value ?? ''}\``);
    }
    return encodeURIComponent(value);
  });

function queryOf(query: Readonly<Record<string, QueryValue>> = {}): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined || value === false) continue;
    for (const one of Array.isArray(value) ? value : [value]) search.append(name, String(one));
  }
  return search.size === 0 ? '' : `?${search}`;
}

/** The sockets' own words are under `cause`: `connect ECONNREFUSED 127.0.0.1:8080`. */
const reasonOf = (error: unknown): string => {
  const inner =
    error instanceof AggregateError ? error.errors[0] : error instanceof Error ? error.cause : undefined;
  if (inner !== undefined) return reasonOf(inner);
  return error instanceof Error ? error.message : String(error);
};

const Errors = z.array(ErrorBody).min(1);

function refusal(response: Response, text: string, request: string): ApiError {
  try {
    return new ApiError(response.status, Errors.parse(JSON.parse(text)));
  } catch {
    const { status, statusText } = response;
    const description = text.slice(0, 200).trim() || `${request} was refused without a reason`;
    const title = statusText || `Status ${status}`;
    return new ApiError(status, [{ code: status, title, description, subject: '', trace: '' }]);
  }
}

const newerAllowed = (schema: z.ZodType): z.ZodType => {
  if (schema instanceof z.ZodObject) return schema.loose();
  if (schema instanceof z.ZodArray && schema.element instanceof z.ZodObject)
    return z.array(schema.element.loose());
  return schema;
};

/** A client of the API, made from the table of operations or a part of it. Keeps nothing but what `token` keeps. */
export function clientOf<Of extends Operation>(
  routes: Readonly<Record<Of, Route>>,
  { api, token, fetch: ask = fetch }: ClientOptions,
): Client<Of> {
  const base = api.replace(/\/+$/, '');

  async function send(operation: Of, request: Request = {}): Promise<Answer<unknown>> {
    const { method, path } = routes[operation];
    const url = `${base}${pathOf(path, request.params)}${queryOf(request.query)}`;
    const headers: Record<string, string> = { accept: 'application/json' };
    if (token) headers.authorization = `Bearer ${await token()}`;
    if (request.namespace !== undefined) headers['x-namespace'] = request.namespace;
    if (request.body !== undefined) headers['content-type'] = 'application/json';
    if (request.idempotencyKey !== undefined) headers['idempotency-key'] = request.idempotencyKey;
    let response: Response;
    let text: string;
    try {
      response = await ask(url, {
        method,
        headers,
        // A redirect would carry the token and the body to another place.
        redirect: 'error',
        ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
        signal: request.signal ?? AbortSignal.timeout(PATIENCE),
      });
      text = await response.text();
    } catch (error) {
      throw fail('unavailable', `no answer from ${base}: ${reasonOf(error)}`);
    }
    if (!response.ok) throw refusal(response, text, `${method} ${path}`);
    const total = response.headers.get('x-count-total');
    const next = response.headers.get('x-next');
    const messages = response.headers.get('x-messages');
    return {
      status: response.status,
      body: text === '' ? undefined : parsedJson(text, base),
      ...(total === null ? {} : { total: Number(total) }),
      ...(next ? { next } : {}),
      messages: messages ? messages.split(';').map(message => readable(message.trim())) : [],
    };
  }

  async function call<O extends Of>(operation: O, request?: Request): Promise<Answer<AnswerOf<O>>> {
    const answer = await send(operation, request);
    const schema = routes[operation].ok;
    if (!schema || answer.body === undefined) return { ...answer, body: undefined as AnswerOf<O> };
    const result = newerAllowed(schema).safeParse(answer.body);
    if (!result.success) {
      throw fail(
        'unavailable',
        `the answer of ${base} to ${operation} has another shape: ${z.prettifyError(result.error)}`,
      );
    }
    return { ...answer, body: result.data as AnswerOf<O> };
  }

  return { send, call };
}

function parsedJson(text: string, base: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw fail(
      'unavailable',
      `${base} answers without JSON, so it is not this API: ${text.slice(0, 80).trim()}`,
    );
  }
}

/** A warning as it was meant: the header has `;`, `%` and what is not ASCII percent-encoded. */
function readable(message: string): string {
  try {
    return decodeURIComponent(message);
  } catch {
    return message;
  }
}
