import { createServer, type IncomingMessage } from 'node:http';

/** What clients of the gateway see: `PUT` opens one's connection, `DELETE` cuts it, `GET` shows what came over it. */
const CLIENT = /^\/clients\/([^/]+)$/;
const CONNECTION = /^\/events\/@connections\/([^/]+)$/;
/** API Gateway's limit of a message. */
const MOST = 128 * 1024;

interface Client {
  isOpen: boolean;
  received: string[];
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

/**
 * API Gateway's management of connections, which in moto takes messages for whatever ID: here one that is not open is
 * 410 Gone, and one that is gets what is posted to it.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-how-to-call-websocket-api-connections.html
 */
export async function startGateway(port: number) {
  const clients = new Map<string, Client>();

  const manage = (method: string | undefined, id: string, body: string): [number, string?] => {
    const client = clients.get(id);
    if (!client?.isOpen) return [410, 'GoneException'];
    if (method === 'POST' && Buffer.byteLength(body) > MOST) return [413, 'PayloadTooLargeException'];
    if (method === 'POST') client.received.push(body);
    if (method === 'DELETE') client.isOpen = false;
    return [method === 'DELETE' ? 204 : 200];
  };
  const serve = (method: string | undefined, id: string): [number, unknown?] => {
    if (method === 'GET') return [200, clients.get(id) ?? { isOpen: false, received: [] }];
    if (method === 'PUT') clients.set(id, { isOpen: true, received: [] });
    else Object.assign(clients.get(id) ?? {}, { isOpen: false });
    return [204];
  };

  const server = createServer(async (request, response) => {
    const { method, url = '' } = request;
    const body = await textOf(request).catch(() => '');
    const [, connection] = CONNECTION.exec(url) ?? [];
    const [, client] = CLIENT.exec(url) ?? [];
    if (connection !== undefined) {
      const [status, error] = manage(method, decodeURIComponent(connection), body);
      response.writeHead(status, error === undefined ? {} : { 'x-amzn-errortype': error }).end();
    } else if (client !== undefined) {
      const [status, shown] = serve(method, decodeURIComponent(client));
      response.writeHead(status, { 'content-type': 'application/json' }).end(shown && JSON.stringify(shown));
    } else response.writeHead(404).end();
  });
  await new Promise<void>(listening => server.listen(port, '127.0.0.1', listening));
  return {
    url: `ws://127.0.0.1:${port}/events`,
    stop: () =>
      new Promise<void>(closed => {
        server.closeAllConnections();
        server.close(() => closed());
      }),
  };
}

/** A client's end of a connection through that gateway. */
export function clientOf(eventsURL: string, id: string) {
  const url = `${new URL(eventsURL).origin.replace(/^ws/, 'http')}/clients/${encodeURIComponent(id)}`;
  const state = async (): Promise<Client> => (await fetch(url)).json() as Promise<Client>;
  return {
    open: async () => void (await fetch(url, { method: 'PUT' })),
    received: async () => (await state()).received,
    // Base64 in text frames: there are no binary ones.
    bytes: async () => (await state()).received.map(text => Buffer.from(text, 'base64')),
    isOpen: async () => (await state()).isOpen,
    vanish: async () => void (await fetch(url, { method: 'DELETE' })),
  };
}
