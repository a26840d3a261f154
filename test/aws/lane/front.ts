import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';

/** A Lambda function as it is exported: an event in, an answer or an error out. */
export type Lambda = (event: unknown, context: unknown) => unknown;

const INVOKE = /^\/2015-03-31\/functions\/([^/]+)\/invocations/;

/** What Lambda answers when a function throws. */
const failed = (error: unknown): string =>
  JSON.stringify({
    errorType: error instanceof Error ? error.name : 'Error',
    errorMessage: error instanceof Error ? error.message : String(error),
    trace: [],
  });

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function invoke(lambda: Lambda, body: Buffer, response: ServerResponse): Promise<void> {
  try {
    const answer = await lambda(body.length === 0 ? {} : JSON.parse(body.toString()), {});
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer ?? null));
  } catch (error) {
    const headers = { 'content-type': 'application/json', 'x-amz-function-error': 'Unhandled' };
    response.writeHead(200, headers).end(failed(error));
  }
}

/** Resolves when the endpoint has answered, or when nobody waits for the answer any more. */
function handOn(
  target: URL,
  request: IncomingMessage,
  body: Buffer,
  response: ServerResponse,
): Promise<void> {
  if (response.destroyed) return Promise.resolve();
  const { method, url, headers } = request;
  const { 'transfer-encoding': _, ...kept } = headers;
  const options = {
    host: target.hostname,
    port: target.port,
    method,
    path: url,
    headers: { ...kept, 'content-length': body.length },
  };
  return new Promise(done => {
    const onward = httpRequest(options, answer => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
      answer.once('close', done);
    });
    onward.once('error', () => {
      if (!response.headersSent) response.writeHead(502);
      response.end();
      done();
    });
    response.once('close', () => {
      onward.destroy();
      done();
    });
    onward.end(body);
  });
}

/** Writes that look at what is there before they change it. */
const isConditional = ({ headers, method }: IncomingMessage): boolean => {
  const action = headers['x-amz-target'];
  if (action !== undefined)
    return /^DynamoDB_\w+\.(TransactWriteItems|PutItem|UpdateItem|DeleteItem)$/.test(String(action));
  return method === 'PUT' && (headers['if-match'] !== undefined || headers['if-none-match'] !== undefined);
};

/**
 * Lambda's Invoke over HTTP with the functions of this process behind it; every other request goes on to the endpoint.
 * `find` gets a function's name or ARN. `oneAtATime`: conditional writes wait for each other, because moto answers in
 * threads between which nothing is isolated, and DynamoDB and S3 isolate them.
 */
export async function startFront(
  port: number,
  target: URL,
  find: (name: string) => Lambda | undefined,
  { oneAtATime }: { oneAtATime: boolean },
) {
  let last: Promise<void> = Promise.resolve();
  const server = createServer(async (request, response) => {
    const body = await bodyOf(request).catch(() => undefined);
    if (!body) return;
    const [, name] = INVOKE.exec(request.url ?? '') ?? [];
    const lambda = name === undefined ? undefined : find(decodeURIComponent(name));
    if (lambda) invoke(lambda, body, response);
    else if (oneAtATime && isConditional(request))
      last = last.then(() => handOn(target, request, body, response));
    else handOn(target, request, body, response);
  });
  await new Promise<void>(listening => server.listen(port, '127.0.0.1', listening));
  return {
    url: `http://127.0.0.1:${port}`,
    stop: () =>
      new Promise<void>(closed => {
        server.closeAllConnections();
        server.close(() => closed());
      }),
  };
}
