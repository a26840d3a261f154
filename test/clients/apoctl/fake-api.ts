import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportPKCS8, generateKeyPair, jwtVerify, SignJWT } from 'jose';
import { routes } from '../../../shared/api/routes.ts';
import type { Credential } from '../../../shared/schema/appcredential.ts';
import { resources } from '../../../shared/schema/resources.ts';

export interface Recorded {
  method: string;
  path: string;
  query: URLSearchParams;
  headers: IncomingMessage['headers'];
  body: unknown;
}

type Stored = Record<string, unknown> & { ID: string; name: string; namespace: string };

/** What the next request gets instead of an answer. */
export interface Fault {
  status: number;
  body: string;
}

export interface FakeApi {
  url: string;
  requests: Recorded[];
  objects: Map<string, Stored[]>;
  /** Taken from the front, one a request. */
  faults: Fault[];
  /** Header X-Messages of every answer. */
  warnings: string[];
  /** What every import finds. */
  findings: { at: string; name: string; message: string }[];
  credential: Credential;
  /** Puts an object there as if it had been created. */
  put(plural: string, namespace: string, attributes: Record<string, unknown>): Stored;
  stop(): Promise<void>;
}

const idOf = (count: number): string => count.toString(16).padStart(24, '0');

const refused = (code: number, title: string, description: string, data?: object) => ({
  status: code,
  body: [{ code, title, description, subject: 'microseg', trace: 't', ...(data ? { data } : {}) }],
});

interface Reply {
  status: number;
  body?: unknown;
  headers?: Record<string, string>;
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString('utf8');
  return text === '' ? undefined : JSON.parse(text);
}

const attribute = (object: object, name: string): string => String(Reflect.get(object, name) ?? '');

function pageOf(all: Stored[], query: URLSearchParams): Reply {
  const limit = query.get('limit');
  if (limit !== null || query.has('after')) {
    if (query.has('order')) return refused(400, 'Bad Request', 'a cursor has no order');
    const start = Number(query.get('after') ?? 0);
    const end = start + Number(limit ?? 100);
    const headers: Record<string, string> = end < all.length ? { 'x-next': String(end) } : {};
    return { status: 200, body: all.slice(start, end), headers };
  }
  const ordered = [...all].sort((a, b) => {
    for (const order of query.getAll('order')) {
      const name = order.replace(/^-/, '');
      const sign = order.startsWith('-') ? -1 : 1;
      if (attribute(a, name) !== attribute(b, name))
        return attribute(a, name) < attribute(b, name) ? -sign : sign;
    }
    return 0;
  });
  const size = Number(query.get('pagesize') ?? 0) || all.length;
  const start = (Number(query.get('page') ?? 1) - 1) * size;
  return {
    status: 200,
    body: ordered.slice(start, start + size),
    headers: { 'x-count-total': String(all.length) },
  };
}

/** The conventions of the real API, over a list in memory. Verifies assertions and tokens; knows no rights. */
export async function fakeApi(): Promise<FakeApi> {
  const keys = await generateKeyPair('ES256', { extractable: true });
  const secret = new TextEncoder().encode('only for tests, and long enough for it');
  let made = 0;
  const api: FakeApi = {
    url: '',
    requests: [],
    findings: [],
    objects: new Map(Object.values(resources).map(({ plural }) => [plural, []])),
    faults: [],
    warnings: [],
    credential: {
      APIURL: '',
      ID: idOf(0xc4ed),
      name: 'tester',
      namespace: '/acme',
      certificate: '',
      certificateKey: Buffer.from(await exportPKCS8(keys.privateKey)).toString('base64'),
      certificateAuthority: '',
    },
    put(plural, namespace, attributes) {
      const stored = { name: '', ...attributes, ID: idOf(++made), namespace };
      api.objects.get(plural)?.push(stored);
      return stored;
    },
    stop: () => new Promise(resolve => server.close(() => resolve())),
  };

  const issue = async (body: unknown): Promise<Reply> => {
    const { metadata, validity = '1h' } = body as { metadata: { token: string }; validity?: string };
    try {
      const { payload } = await jwtVerify(metadata.token, keys.publicKey, {
        algorithms: ['ES256'],
        audience: api.url,
        issuer: api.credential.ID,
        subject: api.credential.ID,
        maxTokenAge: 300,
        requiredClaims: ['exp', 'iat', 'jti', 'namespace'],
      });
      if (payload.namespace !== api.credential.namespace) throw new Error('namespace');
    } catch {
      return refused(401, 'Unauthorized', 'the assertion was refused');
    }
    const token = await new SignJWT({})
      .setProtectedHeader({ alg: 'HS256' })
      .setJti(String(++made))
      .setExpirationTime(validity === '1h' ? '1h' : '10s')
      .sign(secret);
    return { status: 200, body: { realm: 'AppCredential', validity, token } };
  };

  const crud = (request: Recorded, plural: string, id: string | undefined): Reply => {
    const namespace = String(request.headers['x-namespace']);
    const all = api.objects.get(plural);
    if (!all) return refused(404, 'Not Found', `no resource ${plural}`);
    const within = request.query.has('recursive')
      ? all.filter(object => `${object.namespace}/`.startsWith(`${namespace}/`))
      : all.filter(object => object.namespace === namespace);
    if (request.method === 'HEAD')
      return { status: 204, headers: { 'x-count-total': String(within.length) } };
    if (request.method === 'POST') {
      const sent = request.body as Record<string, unknown>;
      if (sent.name === undefined)
        return refused(422, 'Validation Error', "Attribute 'name' is required", { attribute: 'name' });
      const name = plural === 'namespaces' ? `${namespace}/${sent.name}` : sent.name;
      return { status: 200, body: api.put(plural, namespace, { ...sent, name }) };
    }
    if (id === undefined) return pageOf(within, request.query);
    const found = within.find(object => object.ID === id);
    if (!found) return refused(404, 'Not Found', `no object ${id} in ${namespace}`);
    if (request.method === 'PATCH') Object.assign(found, request.body);
    if (request.method === 'DELETE') all.splice(all.indexOf(found), 1);
    return { status: 200, body: found };
  };

  const replyTo = async (request: Recorded): Promise<Reply> => {
    const [, plural = '', id] = request.path.split('/');
    if (request.path === routes.issueToken.path) return issue(request.body);
    const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1] ?? '';
    if (token !== 'given') {
      try {
        await jwtVerify(token, secret);
      } catch {
        return refused(401, 'Unauthorized', 'no usable token');
      }
    }
    if (request.path === routes.export.path) {
      const { label, identities } = request.body as { label: string; identities: string[] };
      const data = { externalnetworks: [{ name: 'exported' }] };
      return { status: 200, body: { APIVersion: 1, label, identities, data } };
    }
    if (request.path === routes.import.path) {
      const { data } = request.body as { data: { label?: string; data: Record<string, unknown[]> } };
      const created = Object.values(data.data).flat().length;
      return {
        status: 200,
        body: {
          label: data.label ?? 'made-up',
          created,
          updated: 0,
          unchanged: 0,
          removed: 0,
          findings: api.findings,
        },
      };
    }
    return crud(request, plural, id);
  };

  const server: Server = createServer(async (incoming, outgoing) => {
    const url = new URL(incoming.url ?? '/', api.url);
    const recorded: Recorded = {
      method: incoming.method ?? '',
      path: url.pathname,
      query: url.searchParams,
      headers: incoming.headers,
      body: await bodyOf(incoming),
    };
    api.requests.push(recorded);
    const fault = api.faults.shift();
    const reply: Reply = fault ? { status: fault.status } : await replyTo(recorded);
    const messages: Record<string, string> =
      api.warnings.length > 0 ? { 'x-messages': api.warnings.join(';') } : {};
    outgoing.writeHead(reply.status, { 'content-type': 'application/json', ...reply.headers, ...messages });
    outgoing.end(fault ? fault.body : reply.body === undefined ? '' : JSON.stringify(reply.body));
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  api.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  api.credential.APIURL = api.url;
  return api;
}
