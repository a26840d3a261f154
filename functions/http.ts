import middy from '@middy/core';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2, Context } from 'aws-lambda';
import type { Operation, Route } from '../shared/api/routes.ts';
import { asMeant } from '../shared/core/as-meant.ts';
import type { Answered } from '../shared/ports/object-store.ts';
import { fail } from '../shared/schema/failure.ts';
import { explained } from './being-deleted.ts';
import type { Call, Handler, Reply } from './call.ts';
import { reopenAbandoned } from './closing.ts';
import type { Deps } from './deps.ts';
import { authenticate, claimTags } from './pipeline/authenticate.ts';
import { authorize } from './pipeline/authorize.ts';
import { bodyOf, isDryRun, namespaceOf, operationOf, queryOf } from './pipeline/decode.ts';
import { fieldsOf, withFields } from './pipeline/fields.ts';
import { claimOf, earlierAnswer, onceForKey } from './pipeline/idempotency.ts';
import { JSON_MEDIA, type Media, wantedAs, written } from './pipeline/media.ts';
import { parsed, problem } from './pipeline/problem.ts';
import { enterRefusal } from './pipeline/refused.ts';
import { NOTHING_CHANGED, rehearsing } from './pipeline/rehearse.ts';

/** Header values are Latin-1: what is not printable ASCII is percent-encoded, and `;` and `%`, since `;` separates messages. */
const headerText = (text: string): string =>
  text.toWellFormed().replace(/[^\x20-\x24\x26-\x3a\x3c-\x7e]/gu, encodeURIComponent);

/** Characters of warnings; API Gateway lets 10,240 bytes of headers through, all names and values together. */
const MOST_WARNED = 4096;

/** The warnings that fit, and how many there are beside them. */
function warnings(messages: readonly string[]): string {
  const texts = messages.map(headerText);
  let length = 0;
  const first = texts.findIndex(text => {
    length += text.length + 1;
    return length > MOST_WARNED;
  });
  return first < 0 ? texts.join(';') : [...texts.slice(0, first), `${texts.length - first} more`].join(';');
}

const encode = (
  reply: Reply,
  event: APIGatewayProxyEventV2,
  media: Media,
  { ok }: Route,
): APIGatewayProxyStructuredResultV2 => {
  // What is answered to HEAD is what is said about the body.
  const isBare = reply.body === undefined || event.requestContext.http.method === 'HEAD';
  const { headers = {}, ...rest } = isBare ? {} : written(reply.body, media, event, ok);
  return {
    statusCode: isBare ? 204 : 200,
    headers: {
      ...headers,
      'x-request-id': event.requestContext.requestId,
      'cache-control': 'no-store',
      ...(reply.total === undefined ? {} : { 'x-count-total': String(reply.total) }),
      ...(reply.next === undefined ? {} : { 'x-next': reply.next }),
      ...(reply.messages?.length ? { 'x-messages': warnings(reply.messages) } : {}),
    },
    ...rest,
    ...(reply.cookies?.length ? { cookies: [...reply.cookies] } : {}),
  };
};

/** The Lambda context, and on it what the steps have found out so far. */
type CallContext = Context & {
  call: Call;
  media?: Media;
  /** Attributes that the answer should have; found out before anything is written. */
  fields?: readonly string[] | undefined;
  earlier?: Answered | undefined;
};
/** A Lambda function behind API Gateway, payload 2.0. */
export type HttpFunction = (
  event: APIGatewayProxyEventV2,
  context: Context,
) => Promise<APIGatewayProxyStructuredResultV2>;

type Step = middy.MiddlewareObj<
  APIGatewayProxyEventV2,
  APIGatewayProxyStructuredResultV2,
  Error,
  CallContext
>;

const identify: Step = {
  before: ({ event, context }) => {
    const { operation, route, params } = operationOf(event);
    context.media = wantedAs(event, route);
    const query = queryOf(event);
    context.call = {
      operation,
      route,
      requestID: event.requestContext.requestId,
      namespace: namespaceOf(event, route),
      params,
      query,
      headers: event.headers,
      body: undefined,
      caller: { claims: [], address: event.requestContext.http.sourceIp },
      dryRun: isDryRun(route, query),
      granted: [],
      held: [],
      standing: undefined,
      restrictions: {},
      lineage: [],
      below: [],
      target: undefined,
    };
  },
};

const authorized = (deps: () => Deps): Step => ({
  before: async ({ event, context }) => {
    const { call } = context;
    if (call.route.allow === 'everybody') return;
    const claims = await authenticate(event, deps());
    call.caller = { ...call.caller, claims: claimTags(claims) };
    call.token = claims;
    const [found, earlier] = await Promise.all([
      authorize(call.route.allow, claims, call, deps()),
      earlierAnswer(call, deps()),
    ]);
    Object.assign(call, found);
    context.earlier = earlier;
  },
});

/** CRUD parses by itself, because a full update may carry what its create may not: functions/crud.ts. */
const validated: Step = {
  before: ({ event, context }) => {
    const { call } = context;
    context.fields = fieldsOf(call);
    const sent = bodyOf(event, call.route);
    const claim = claimOf(call, sent);
    if (claim) call.claim = claim;
    const { input, crud } = call.route;
    call.body = input && !crud ? parsed(input, asMeant(input, sent)) : sent;
  },
};

const failed = (deps: () => Deps): Step => ({
  onError: async request => {
    const { event, context, error } = request;
    const requestID = event.requestContext.requestId;
    const { code, body } = problem(error, requestID);
    if (code === 500) {
      const { operation, namespace } = context.call ?? {};
      deps().log.error('request failed', { requestID, operation, namespace, error: error?.stack });
    }
    await enterRefusal(context.call, error, deps());
    const { headers, ...rest } = written(body, context.media ?? JSON_MEDIA, event);
    request.response = {
      statusCode: code,
      ...rest,
      headers: { ...headers, 'x-request-id': requestID, 'cache-control': 'no-store' },
    };
  },
});

async function answered(
  handler: Handler,
  call: Call,
  deps: Deps,
  earlier: Answered | undefined,
): Promise<Reply> {
  const { allow } = call.route;
  const world = call.dryRun ? rehearsing(deps) : deps;
  if (allow !== 'everybody' && allow.verb === 'post') await reopenAbandoned(call.lineage.at(-1), world);
  try {
    if (!call.dryRun) return await onceForKey(handler, call, deps, earlier);
    const reply = await handler(call, world);
    return { ...reply, messages: [...(reply.messages ?? []), NOTHING_CHANGED] };
  } catch (error) {
    const creates = call.route.fails.includes('locked') && allow !== 'everybody' && allow.verb === 'post';
    throw creates ? await explained(error, call.namespace, deps) : error;
  }
}

/**
 * The one pipeline of the API: request ID → authenticate → authorize → validate → handler → encode or fail.
 * Takes payload 2.0 events of API Gateway, from API Gateway or from local/.
 */
export function httpFunction(handlers: Partial<Record<Operation, Handler>>, deps: () => Deps): HttpFunction {
  const pipeline = middy<APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2, Error, CallContext>()
    .use(failed(deps))
    .use(identify)
    .use(authorized(deps))
    .use(validated)
    .handler(async (event, { call, media = JSON_MEDIA, fields, earlier }) => {
      const handler = handlers[call.operation];
      if (!handler) throw fail('not_allowed', `${call.operation} is not served by this function`);
      const reply = withFields(fields, await answered(handler, call, deps(), earlier));
      return encode(reply, event, media, call.route);
    });
  return (event, context) => pipeline(event, context as CallContext);
}
