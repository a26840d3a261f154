import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a service answers: a status, JSON or text, or nothing at all. */
export interface Canned {
  status?: number;
  headers?: Record<string, string>;
  body?: unknown;
  silent?: true;
}

export interface Received {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
}

export interface CannedServer {
  url: string;
  /** Answers to come, first first; the last one stays. */
  answers: Canned[];
  received: Received[];
  stop(): Promise<void>;
}

/** A service on the loopback interface that gives the answers on its queue, whatever it is asked; or what `asked` says to a request. */
export async function cannedServer(asked?: (request: Received) => Promise<Canned>): Promise<CannedServer> {
  const answers: Canned[] = [];
  const received: Received[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const { method = '', url = '', headers } = request;
    const one = { method, path: url, headers, body: Buffer.concat(chunks).toString() };
    received.push(one);
    const answer = asked ? await asked(one) : answers.length > 1 ? answers.shift() : answers[0];
    if (answer?.silent) return;
    const { status = 200, body = {} } = answer ?? {};
    const json = typeof body !== 'string';
    response.writeHead(status, {
      'content-type': json ? 'application/x-amz-json-1.0' : 'text/xml',
      ...answer?.headers,
    });
    response.end(json ? JSON.stringify(body) : body);
  });
  await new Promise<void>(listening => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    answers,
    received,
    stop: () =>
      new Promise(closed => {
        server.closeAllConnections();
        server.close(() => closed());
      }),
  };
}
