import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { handlersOf } from '../../functions/api/index.ts';
import { httpFunction } from '../../functions/http.ts';
import { contextOf, eventOf, type RequestLine } from '../make/call.ts';
import { openPlane, type Plane } from '../make/plane.ts';

let plane: Plane;
let namespace: string;
let token: string;
beforeAll(async () => {
  plane = await openPlane();
  namespace = await plane.tenant();
  token = await plane.token(await plane.credential(namespace, ['namespace.administrator']));
});
afterAll(() => plane.stop());

/** As API Gateway sends it: its routes name no operation. */
const send = (line: RequestLine, body?: object) => {
  const event = eventOf(line, { namespace, token, ...(body ? { body } : {}) });
  const routeKey = 'ANY /v/{version}/externalnetworks/{rest+}';
  const aliased = { ...event, routeKey, pathParameters: { version: '1', rest: 'x' } };
  return httpFunction(handlersOf.policies, () => plane.deps)(aliased, contextOf());
};

describe('a function behind API Gateway', () => {
  it('finds the operation and its parameters in the path', async () => {
    const body = { name: 'office', entries: ['192.0.2.0/24'] };
    const made = await send('POST /v/1/externalnetworks', body);
    const { ID } = JSON.parse(made.body ?? '');
    const got = await send(`GET /v/2/externalnetworks/${ID}`);
    expect([got.statusCode, got.body]).toEqual([200, made.body]);
    const head = await send(`HEAD /v/2/externalnetworks/${ID}`);
    expect([head.statusCode, head.body]).toEqual([204, undefined]);
    const listed = await send('GET /externalnetworks?archived=false');
    expect(JSON.parse(listed.body ?? '')).toHaveLength(1);
  });

  it.each([
    ['GET /v/1/nothing', 404],
    ['PATCH /v/1/externalnetworks', 405],
    ['GET /v/1/externalnetworks/a/b/c', 400],
    ['GET /v/1/namespaces', 405],
  ] as const)('refuses %s with %i', async (line, status) => {
    expect((await send(line)).statusCode).toBe(status);
  });
});
