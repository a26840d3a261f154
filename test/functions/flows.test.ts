import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { FlowReport } from '../../shared/schema/flowreport.ts';
import type { Answer } from '../make/call.ts';
import { type Caller, openPlane, type Plane } from '../make/plane.ts';

let plane: Plane;
let tenant: string;
let agent: Caller;
beforeAll(async () => {
  plane = await openPlane();
});
afterAll(() => plane.stop());

const flow = (namespace: string, more: object = {}) => ({
  action: 'Reject',
  sourceID: '1'.repeat(24),
  sourceType: 'ProcessingUnit',
  sourceIP: '10.0.0.1',
  destinationID: 'somewhere',
  destinationType: 'ExternalNetwork',
  destinationIP: '2001:db8::1',
  destinationPort: 22,
  protocol: 6,
  policyID: 'default',
  policyNamespace: namespace,
  dropReason: 'policy',
  namespace,
  value: 3,
  ...more,
});
const post = (body: unknown, namespace = tenant): Promise<Answer> =>
  agent('POST /flowreports', namespace, { body });
const read = async (query = '', namespace = tenant): Promise<FlowReport[]> => {
  const { status, text } = await plane.root(`GET /flowreports${query}`, namespace);
  expect(status, text).toBe(200);
  return z.array(FlowReport).parse(JSON.parse(text));
};

describe('flow reports', () => {
  beforeAll(async () => {
    tenant = await plane.tenant();
    agent = await plane.member(tenant, ['enforcer.runtime']);
  });

  it('are taken one by one or many at once, and read back newest first', async () => {
    const space = await plane.namespace(tenant, 'many');
    expect((await post(flow(space, { timestamp: plane.clock.now().toISOString() }))).text).toBe(
      '{"accepted":1}',
    );
    const batch = [2, 3].map(ago =>
      flow(space, { value: ago, timestamp: new Date(plane.clock.now().getTime() - ago).toISOString() }),
    );
    expect((await post(batch)).text).toBe('{"accepted":2}');
    const found = await read('?startRelative=1h', space);
    expect(found.map(({ value }) => value)).toEqual([3, 2, 3]);
    expect(found[0]).toMatchObject({
      dropReason: 'policy',
      observedAction: 'NotApplicable',
      encrypted: false,
    });
  });

  it('that are sent again, in whichever batch and with whichever key, count once', async () => {
    const space = await plane.namespace(tenant, 'again');
    const timestamp = plane.clock.now().toISOString();
    const first = flow(space, { timestamp });
    const second = flow(space, { timestamp, destinationPort: 23 });
    const headers = { 'idempotency-key': 'batch-1' };
    expect((await agent('POST /flowreports', tenant, { body: [first, second], headers })).status).toBe(200);
    expect((await agent('POST /flowreports', tenant, { body: [first, second], headers })).status).toBe(200);
    expect((await post([second])).status).toBe(200);
    expect(await read('', space)).toHaveLength(2);
  });

  it('of one sender never take the place of those of another, nor of another namespace, whatever ID they name', async () => {
    const space = await plane.namespace(tenant, 'mine');
    const below = await plane.namespace(space, 'below');
    const other = await plane.member(tenant, ['enforcer.runtime']);
    const ID = 'f'.repeat(24);
    const timestamp = plane.clock.now().toISOString();
    await post(flow(space, { ID, timestamp, destinationName: 'what was seen' }));
    const [first] = await read('', space);
    for (const shown of [ID, first?.ID]) {
      const body = flow(space, { ID: shown, timestamp, action: 'Accept', destinationName: 'nothing' });
      expect((await other('POST /flowreports', space, { body })).status).toBe(200);
      expect((await post(flow(below, { ID: shown, timestamp }))).status).toBe(200);
    }
    await post(flow(space, { ID, timestamp, destinationName: 'what was seen' }));
    const names = (await read('?recursive', space)).map(({ destinationName }) => destinationName ?? '');
    expect(names.toSorted()).toEqual(['', '', 'nothing', 'nothing', 'what was seen']);
  });

  it('of a window, page by page, and of the namespaces below', async () => {
    const space = await plane.namespace(tenant, 'window');
    const below = await plane.namespace(space, 'below');
    const at = (namespace: string, time: string) => flow(namespace, { timestamp: time });
    const batch = [
      at(space, '2026-02-27T10:00:00.000Z'),
      at(below, '2026-02-28T10:00:00.000Z'),
      at(space, '2026-03-01T10:00:00.000Z'),
    ];
    expect((await post(batch)).status).toBe(200);
    expect(
      await read('?recursive&startAbsolute=2026-02-28&endAbsolute=2026-03-01T10:00:00Z', space),
    ).toMatchObject([{ namespace: below }]);
    const page = await plane.root('GET /flowreports?recursive&limit=2', space);
    expect(JSON.parse(page.text)).toHaveLength(2);
    const rest = await read(`?recursive&limit=2&after=${page.headers['x-next']}`, space);
    expect(rest.map(({ timestamp }) => timestamp)).toEqual(['2026-02-27T10:00:00.000Z']);
  });

  it.each([
    ['a port of no machine', { destinationPort: 70_000 }, '[1].destinationPort'],
    ['no action', { action: undefined }, '[1].action'],
    ['the word Allow', { action: 'Allow' }, '[1].action'],
    ['a value of 0', { value: 0 }, '[1].value'],
    ['an address that is none', { sourceIP: '300.1.1.1' }, '[1].sourceIP'],
    ['a foreign namespace', { namespace: '/foreign' }, '[1].namespace'],
    ['a time long ago', { timestamp: '2020-01-01T00:00:00.000Z' }, '[1].timestamp'],
    ['a time far ahead', { timestamp: '2027-01-01T00:00:00.000Z' }, '[1].timestamp'],
  ])('with %s are refused whole, by place and attribute', async (_what, wrong, attribute) => {
    const space = await plane.namespace(tenant, `wrong-${Math.abs(plane.clock.now().getTime())}`);
    const refused = await post([flow(space), { ...flow(space), ...wrong }]);
    expect([refused.status, refused.errors[0]?.data]).toEqual([422, expect.objectContaining({ attribute })]);
    expect(await read('', space)).toEqual([]);
  });

  it('may fill a body that is longer than others, and no longer one', async () => {
    const space = await plane.namespace(tenant, 'long');
    const batch = Array.from({ length: 5000 }, (_, at) =>
      flow(space, { destinationPort: at, ruleName: 'x'.repeat(200) }),
    );
    expect(JSON.stringify(batch).length).toBeGreaterThan(2 * 1024 * 1024);
    expect((await post(batch)).text).toBe('{"accepted":5000}');
    const long = `[${' '.repeat(4 * 1024 * 1024)}]`;
    expect((await agent('POST /flowreports', tenant, { body: long })).status).toBe(413);
  });

  it('are for agents to send and for viewers to read, and for nobody else', async () => {
    const viewer = await plane.member(tenant, ['namespace.viewer']);
    expect((await viewer('POST /flowreports', tenant, { body: flow(tenant) })).status).toBe(403);
    expect((await viewer('GET /flowreports', tenant)).status).toBe(200);
    expect((await agent('GET /flowreports', tenant)).status).toBe(403);
    const other = await plane.tenant();
    expect((await agent('POST /flowreports', other, { body: flow(other) })).status).toBe(403);
  });

  it('of a dry run are kept nowhere', async () => {
    const space = await plane.namespace(tenant, 'dry');
    expect((await agent('POST /flowreports?dryRun', tenant, { body: flow(space) })).status).toBe(200);
    expect(await read('', space)).toEqual([]);
  });
});
