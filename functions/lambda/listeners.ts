import type { APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { z } from 'zod';
import { Failure } from '../../shared/schema/failure.ts';
import { compose } from '../compose.ts';
import { enter, said } from '../listen.ts';
import { problem } from '../pipeline/problem.ts';

const Texts = z.record(z.string(), z.string().optional()).nullish();

/** An event of a WebSocket API, as far as it is read here. Headers and query come with the first one only. */
const SocketEvent = z.object({
  requestContext: z.object({
    eventType: z.enum(['CONNECT', 'MESSAGE', 'DISCONNECT']),
    connectionId: z.string().min(1),
    requestId: z.string(),
    identity: z.object({ sourceIp: z.string() }),
  }),
  headers: Texts,
  queryStringParameters: Texts,
  body: z.string().nullish(),
});
type SocketEvent = z.infer<typeof SocketEvent>;

const DONE = { statusCode: 200 };

/** API Gateway hands headers on as they were spelled. */
const headersOf =
  ({ headers }: SocketEvent) =>
  (wanted: string): string | undefined =>
    Object.entries(headers ?? {}).find(([name]) => name.toLowerCase() === wanted)?.[1];

/** API Gateway opens the connection if this answers 200, and only then. */
async function connect(event: SocketEvent): Promise<APIGatewayProxyStructuredResultV2> {
  const { connectionId: id, requestId, identity } = event.requestContext;
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(event.queryStringParameters ?? {})) query.set(name, value ?? '');
  try {
    await enter({ id, query, header: headersOf(event), address: identity.sourceIp }, compose());
    return DONE;
  } catch (error) {
    if (!(error instanceof Failure))
      compose().log.error('a listener was not let in', { error: String(error) });
    const { code, body } = problem(error, requestId);
    return { statusCode: code, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
  }
}

/** All that API Gateway says of listeners: they come, they say what they want to hear of, they are gone. */
export async function listener(event: unknown): Promise<APIGatewayProxyStructuredResultV2> {
  const parsed = SocketEvent.parse(event);
  const { eventType, connectionId } = parsed.requestContext;
  if (eventType === 'CONNECT') return connect(parsed);
  if (eventType === 'MESSAGE') await said(connectionId, parsed.body ?? '', compose());
  else await compose().connections.remove(connectionId);
  return DONE;
}
