import { gunzipSync } from 'node:zlib';
import { decode, encode } from '@msgpack/msgpack';
import type { APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { handlersOf } from '../../functions/api/index.ts';
import { httpFunction } from '../../functions/http.ts';
import { fromMsgpack, toMsgpack } from '../../functions/pipeline/msgpack.ts';
import { contextOf, eventOf, type RequestLine } from '../make/call.ts';
import { openPlane, type Plane } from '../make/plane.ts';

const MSGPACK = 'application/msgpack';

let plane: Plane;
let tenant: string;
let token: string;
beforeAll(async () => {
  plane = await openPlane();
  tenant = await plane.tenant();
  token = await plane.token(await plane.credential(tenant, ['namespace.administrator']));
});
afterAll(() => plane.stop());

const bytesOf = ({ body = '', isBase64Encoded = false }: APIGatewayProxyStructuredResultV2): Buffer =>
  Buffer.from(body, isBase64Encoded ? 'base64' : 'utf8');

/** Sends bytes as they are. */
async function send(line: RequestLine, headers: Record<string, string>, body?: Uint8Array) {
  const event = eventOf(line, { namespace: tenant, token, headers });
  const result = await httpFunction(handlersOf.policies, () => plane.deps)(
    { ...event, ...(body ? { body: Buffer.from(body).toString('base64'), isBase64Encoded: true } : {}) },
    contextOf(),
  );
  return { status: result.statusCode, headers: result.headers ?? {}, bytes: bytesOf(result) };
}

const network = (name: string, more: object = {}) => ({ name, entries: ['192.0.2.0/24'], ...more });

const withoutProto = fc
  .jsonValue({ maxDepth: 20 })
  .filter(value => !JSON.stringify(value).includes('__proto__'));

describe('msgpack', () => {
  it('goes in and out like JSON', async () => {
    const sent = encode(network('both ways'));
    const made = await send('POST /externalnetworks', { 'content-type': MSGPACK, accept: MSGPACK }, sent);
    expect([made.status, made.headers['content-type']]).toEqual([200, MSGPACK]);
    const listed = await send('GET /externalnetworks?q=name=="both%20ways"', { accept: 'application/json' });
    expect(JSON.parse(listed.bytes.toString())).toEqual(JSON.parse(JSON.stringify([decode(made.bytes)])));
  });

  it('has points in time as timestamps, which clients of the original read, and no other text', async () => {
    const text = '2026-11-25T10:00:00.000Z';
    const sent = encode(network('times', { description: text, annotations: { createTime: [text] } }));
    const made = await send('POST /externalnetworks', { 'content-type': MSGPACK, accept: MSGPACK }, sent);
    expect(decode(made.bytes)).toMatchObject({
      createTime: expect.any(Date),
      updateTime: expect.any(Date),
      description: text,
      annotations: { createTime: [text] },
    });
    const listed = await send('GET /externalnetworks?q=name==times', { accept: MSGPACK });
    expect(decode(listed.bytes)).toMatchObject([{ createTime: expect.any(Date), description: text }]);
  });

  it('carries refusals too', async () => {
    const refused = await send(
      'POST /externalnetworks',
      { 'content-type': MSGPACK, accept: MSGPACK },
      encode({}),
    );
    expect([refused.status, refused.headers['content-type']]).toEqual([422, MSGPACK]);
    expect(decode(refused.bytes)).toMatchObject([{ code: 422, title: 'Validation Error' }, {}]);
  });

  it('says whatever JSON says, but `__proto__`', () =>
    fc.assert(
      fc.property(withoutProto, value => {
        const plain: unknown = JSON.parse(JSON.stringify(value));
        expect(fromMsgpack(toMsgpack(plain), 64)).toEqual(plain);
      }),
      { numRuns: 300 },
    ));

  it('makes texts of timestamps', () => {
    const date = new Date('2026-03-01T12:00:00.123Z');
    expect(fromMsgpack(Buffer.from(encode({ date })), 64)).toEqual({ date: date.toISOString() });
  });

  it('of random bytes is read or refused with 400, and never takes the room that they claim', () =>
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), bytes => {
        try {
          fromMsgpack(Buffer.from(bytes), 64);
        } catch (error) {
          expect(error).toMatchObject({ kind: 'bad_request' });
        }
      }),
      { numRuns: 3000 },
    ));

  it.each([
    ['nothing', [], 'ends too early'],
    ['a list of four billions', [0xdd, 0xff, 0xff, 0xff, 0xff], 'ends too early'],
    ['a map of four billions', [0xdf, 0xff, 0xff, 0xff, 0xff], 'ends too early'],
    ['lists that claim the same bytes twice', [0x93, 0x93, 1, 2, 3, 4], 'ends too early'],
    ['a text that is cut off', [0xa5, 0x61], 'ends too early'],
    ['a number that is cut off', [0xcf, 0], 'ends too early'],
    ['bytes behind the end', [0xc0, 0xc0], 'Extra 1'],
    ['a byte that means nothing', [0xc1], '0xc1'],
    ['a list for a name', [0x81, 0x90, 0xc0], 'key'],
    ['`__proto__` for a name', encode(JSON.parse('{"__proto__": 1}')), '__proto__'],
    ['70 lists in each other', [...Array(70).fill(0x91), 0xc0], 'more than 64 levels'],
    ['a hundred thousand lists in each other', [...Array(100_000).fill(0x91), 0xc0], 'more than 64 levels'],
  ])('refuses %s', (_, bytes, words) => {
    expect(() => fromMsgpack(Buffer.from(bytes as number[]), 64)).toThrow(words);
  });

  it('takes 64 levels', () => {
    const bytes = Buffer.from([...Array(64).fill(0x91), 0xc0]);
    expect(JSON.stringify(fromMsgpack(bytes, 64))).toBe(`${'['.repeat(64)}null${']'.repeat(64)}`);
  });
});

describe('a body', () => {
  const bytes = (name: string) => Buffer.from(JSON.stringify(network(name)));

  it.each([
    ['without a Content-Type', {}],
    ['with an empty one', { 'content-type': '' }],
    ['with a range', { 'content-type': 'application/*' }],
    ['with a character set', { 'content-type': 'Application/JSON; charset=utf-8' }],
    ['of a page, with its type', { 'content-type': 'application/json', origin: 'https://evil.example' }],
  ] as [string, Record<string, string>][])('%s is JSON', async (how, headers) => {
    expect((await send('POST /externalnetworks', headers, bytes(how))).status).toBe(200);
  });

  it.each([
    ['of a form', { 'content-type': 'application/x-www-form-urlencoded' }],
    ['of a form with files', { 'content-type': 'multipart/form-data; boundary=x' }],
    ['of a form of text', { 'content-type': 'text/plain', origin: 'https://evil.example' }],
    ['of a page that leaves the type out', { origin: 'https://evil.example' }],
    ['of a page without an origin', { 'content-type': '', origin: 'null' }],
    ['of a script for the web', { 'content-type': 'text/json' }],
  ] as [string, Record<string, string>][])('%s is refused with 415', async (how, headers) => {
    const refused = await send('POST /externalnetworks', headers, bytes(how));
    expect(refused.status).toBe(415);
    expect(refused.bytes.toString()).toContain('send application/json or application/msgpack');
  });

  it('without a Content-Type that is no JSON is refused, and never guessed to be msgpack', async () => {
    const refused = await send('POST /externalnetworks', {}, encode(network('guess')));
    expect(refused.status).toBe(400);
    const none = await send('POST /externalnetworks', {}, Buffer.alloc(0));
    expect(none.status).toBe(400);
  });
});

describe('the answer', () => {
  it.each([
    ['', 'application/json'],
    ['*/*', 'application/json'],
    ['application/*', 'application/json'],
    ['APPLICATION/JSON; charset=utf-8', 'application/json'],
    ['text/html, */*;q=0.1', 'application/json'],
    ['application/json;q=0.5, application/msgpack', MSGPACK],
    ['application/msgpack;q=0.5, application/json', 'application/json'],
    ['application/msgpack;q=0, */*', 'application/json'],
  ])('to Accept `%s` is %s', async (accept, type) => {
    const { status, headers } = await send('GET /externalnetworks', { accept });
    expect([status, headers['content-type']]).toEqual([200, type]);
  });

  it.each(['text/html', 'application/yaml', 'application/msgpack;q=0', 'json', ','])(
    'to Accept `%s` is 415 in JSON',
    async accept => {
      const { status, headers, bytes } = await send('GET /externalnetworks', { accept });
      expect([status, headers['content-type']]).toEqual([415, 'application/json']);
      expect(bytes.toString()).toContain('application/msgpack');
    },
  );

  it('to a standard client of keys is JSON, whatever it accepts', async () => {
    const event = eventOf('GET /.well-known/jwks.json', { headers: { accept: 'application/jwk-set+json' } });
    const result = await httpFunction(handlersOf.tokens, () => plane.deps)(event, contextOf());
    expect(result.statusCode).toBe(200);
  });

  it('is zipped when it is long and the caller takes it', async () => {
    await send(
      'POST /externalnetworks',
      { 'content-type': 'application/json' },
      Buffer.from(JSON.stringify(network('long', { annotations: { a: ['x'.repeat(5000)] } }))),
    );
    const plain = await send('GET /externalnetworks', {});
    for (const type of ['application/json', MSGPACK]) {
      const zipped = await send('GET /externalnetworks', {
        accept: type,
        'accept-encoding': 'br, gzip;q=0.8',
      });
      expect(zipped.headers).toMatchObject({ 'content-encoding': 'gzip', 'content-type': type });
      const bytes = gunzipSync(zipped.bytes);
      const text = type === MSGPACK ? JSON.stringify(decode(bytes)) : bytes.toString();
      expect(JSON.parse(text)).toEqual(JSON.parse(plain.bytes.toString()));
      expect(zipped.bytes.length).toBeLessThan(plain.bytes.length / 2);
    }
    for (const none of ['br', 'gzip;q=0', 'identity', '']) {
      const answered = await send('GET /externalnetworks', { 'accept-encoding': none });
      expect(answered.headers).not.toHaveProperty('content-encoding');
    }
    const short = await send('GET /externalnetworks?q=name==none', { 'accept-encoding': 'gzip' });
    expect(short.headers).not.toHaveProperty('content-encoding');
  });
});
