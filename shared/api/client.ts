import { base64url, type CryptoKey, decodeJwt, importPKCS8, SignJWT } from 'jose';
import { z } from 'zod';
import type { Credential } from '../schema/appcredential.ts';
import { fail } from '../schema/failure.ts';
import type { FlowReport } from '../schema/flowreport.ts';
import type { Identity, ObjectOf } from '../schema/resources.ts';
import type { PreflightAnswer, PresetAnswer, RegistrationAnswer } from './enforcer-messages.ts';
import type { FlowReceipt } from './flow-routes.ts';
import type { CreatedImport, ShownImport } from './import-routes.ts';
import {
  type Activity,
  type DecisionAnswer,
  type EnforcerCredentials,
  ErrorBody,
  type ExportAnswer,
  type ImportReport,
  type Issue,
  type Jwks,
  type MetaConfig,
} from './messages.ts';
import { type CrudAction, type CrudOperation, type Operation, routes } from './routes.ts';
import type {
  DirectiveAnswer,
  ShownHost,
  ShownUpgrade,
  UpgradePlan,
  UpgradeStatus,
} from './upgrade-routes.ts';

// The one door to the table of operations for clients, which may import no other file of this folder.
export { type Listing, listingNamed, listings } from './listings.ts';
export type { DecisionAnswer, DecisionRequest } from './messages.ts';
export type { CrudAction, Operation } from './routes.ts';
export { crudOperation } from './routes.ts';
export type { ShownHost, ShownUpgrade, UpgradePlan, UpgradeStatus } from './upgrade-routes.ts';

/** Answers of the operations that are more than one resource's CRUD. */
interface SpecialAnswers extends Record<Exclude<Operation, CrudOperation>, unknown> {
  issueToken: Issue;
  getJwks: z.infer<typeof Jwks>;
  getMetaConfig: z.infer<typeof MetaConfig>;
  createEnforcerCredentials: EnforcerCredentials;
  registerEnforcer: RegistrationAnswer;
  createPreflight: PreflightAnswer;
  createEnforcerUpgrade: UpgradePlan;
  listEnforcerUpgrades: ShownUpgrade[];
  getEnforcerUpgrade: UpgradeStatus;
  listUpgradeHosts: ShownHost[];
  pauseEnforcerUpgrade: ShownUpgrade;
  resumeEnforcerUpgrade: ShownUpgrade;
  abortEnforcerUpgrade: ShownUpgrade;
  reportDirective: DirectiveAnswer;
  applyPreset: PresetAnswer;
  decideFlow: DecisionAnswer;
  export: ExportAnswer;
  import: ImportReport;
  createImport: CreatedImport;
  listImports: ShownImport[];
  getImport: ShownImport;
  startImport: ShownImport;
  cancelImport: ShownImport;
  listActivities: Activity[];
  createFlowReports: FlowReceipt;
  listFlowReports: FlowReport[];
}

type Noun<O extends CrudOperation> = O extends `${CrudAction}${infer N}`
  ? Extract<Uncapitalize<N>, Identity>
  : never;

/** What an operation's answer holds; undefined where there is no body. */
export type AnswerOf<O extends Operation> = O extends CrudOperation
  ? O extends `list${string}`
    ? ObjectOf<Noun<O>>[]
    : O extends `count${string}`
      ? undefined
      : ObjectOf<Noun<O>>
  : O extends keyof SpecialAnswers
    ? SpecialAnswers[O]
    : never;

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

export interface Client {
  /**
   * The answer as it was sent, not checked against the schema: for programs that only pass it on.
   * Throws ApiError when the API refuses and the failure `unavailable` when it cannot be reached.
   */
  send(operation: Operation, request?: Request): Promise<Answer<unknown>>;
  /**
   * The answer, parsed. Attributes that this version does not know are kept, so that a newer API can be called.
   * Throws as `send` does, and the failure `unavailable` for an answer of another shape.
   */
  call<O extends Operation>(operation: O, request?: Request): Promise<Answer<AnswerOf<O>>>;
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

/** A client of the API, made from the table of operations. Keeps nothing but what `token` keeps. */
export function createClient({ api, token, fetch: ask = fetch }: ClientOptions): Client {
  const base = api.replace(/\/+$/, '');

  async function send(operation: Operation, request: Request = {}): Promise<Answer<unknown>> {
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
      messages: messages ? messages.split(';').map(message => message.trim()) : [],
    };
  }

  async function call<O extends Operation>(operation: O, request?: Request): Promise<Answer<AnswerOf<O>>> {
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

export interface TokenOptions {
  /** URL that the token is for; the credential's own when absent. Also the assertion's audience. */
  api?: string;
  fetch?: typeof fetch;
  /** Milliseconds since the epoch. */
  now: () => number;
  randomBytes: (size: number) => Uint8Array;
  /** Go duration that is asked for; absent: the longest that the credential and the server allow. */
  validity?: string;
}

/** Seconds that an assertion may be used; the API takes at most 300. */
const ASSERTION_LIFETIME = 60;
/** Seconds before its end at which a token is replaced. A request and a clock that is off must fit in. */
const RENEW_BEFORE = 30;

/** PKCS #8 PEM, base64 of which is the credential's `certificateKey`. */
async function privateKeyOf({ ID, certificateKey }: Credential): Promise<CryptoKey> {
  try {
    return await importPKCS8(atob(certificateKey), 'ES256');
  } catch {
    throw fail(
      'unauthorized',
      `the certificateKey of credential ${ID} is not base64 of a P-256 key in PKCS #8 PEM`,
    );
  }
}

/** An RFC 7523 assertion, section 3: who asks (iss, sub), whom (aud), once (jti), for a minute. */
async function assertion(
  credential: Credential,
  audience: string,
  { now, randomBytes }: TokenOptions,
): Promise<string> {
  const seconds = Math.floor(now() / 1000);
  return new SignJWT({ namespace: credential.namespace })
    .setProtectedHeader({ alg: 'ES256', typ: 'JWT' })
    .setIssuer(credential.ID)
    .setSubject(credential.ID)
    .setAudience(audience)
    .setJti(base64url.encode(randomBytes(16)))
    .setIssuedAt(seconds)
    .setExpirationTime(seconds + ASSERTION_LIFETIME)
    .sign(await privateKeyOf(credential));
}

async function issue(credential: Credential, options: TokenOptions): Promise<string> {
  const api = (options.api ?? credential.APIURL).replace(/\/+$/, '');
  const client = createClient({ api, ...(options.fetch ? { fetch: options.fetch } : {}) });
  const { body } = await client.call('issueToken', {
    body: {
      realm: 'AppCredential',
      metadata: { token: await assertion(credential, api, options) },
      ...(options.validity === undefined ? {} : { validity: options.validity }),
    },
  });
  if (!body.token) throw fail('unavailable', `${api} answered without a token`);
  return body.token;
}

/** Seconds since the epoch; 0 when the token does not say, so that it is used once. */
const expiryOf = (token: string): number => {
  try {
    return decodeJwt(token).exp ?? 0;
  } catch {
    return 0;
  }
};

/**
 * Trades a credential for tokens, as `createClient` takes them: one is asked for at the first call and kept until
 * shortly before its end; calls at the same time share one request. A failure is not kept.
 */
export function credentialToken(credential: Credential, options: TokenOptions): () => Promise<string> {
  let held: { token: Promise<string>; until: number } | undefined;
  return async () => {
    if (held && held.until > options.now()) return held.token;
    const asked = { token: issue(credential, options), until: Number.POSITIVE_INFINITY };
    held = asked;
    try {
      asked.until = (expiryOf(await asked.token) - RENEW_BEFORE) * 1000;
    } catch (error) {
      if (held === asked) held = undefined;
      throw error;
    }
    return asked.token;
  };
}
