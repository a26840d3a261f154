import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import type { Reports, SearchAnswer } from '../../shared/api/flow-query-routes.ts';
import { type Caller, openPlane, type Plane } from '../make/plane.ts';

let plane: Plane;
let tenant: string;
let below: string;
let viewer: Caller;

const MINUTE = 60_000;
const ago = (minutes: number): string =>
  new Date(plane.clock.now().getTime() - minutes * MINUTE).toISOString();
const flow = (namespace: string, more: object) => ({
  action: 'Accept',
  sourceID: 'a',
  sourceType: 'ProcessingUnit',
  sourceIP: '10.0.0.1',
  destinationID: 'b',
  destinationType: 'ProcessingUnit',
  destinationIP: '10.0.1.1',
  protocol: 6,
  policyID: 'default',
  policyNamespace: namespace,
  namespace,
  value: 1,
  ...more,
});

beforeAll(async () => {
  plane = await openPlane();
  tenant = await plane.tenant();
  below = await plane.namespace(tenant, 'below');
  viewer = await plane.member(tenant, ['namespace.viewer']);
  const agent = await plane.member(tenant, ['enforcer.runtime']);
  const body = [
    ...Array.from({ length: 30 }, (_, at) =>
      flow(tenant, { destinationPort: at % 3 === 0 ? 22 : 443, timestamp: ago(at), ruleName: `${at}` }),
    ),
    flow(below, { destinationPort: 22, timestamp: ago(5), ruleName: 'below' }),
    flow(tenant, { destinationPort: 22, timestamp: ago(90), ruleName: 'old' }),
  ];
  expect((await agent('POST /flowreports', tenant, { body })).status).toBe(200);
});
afterAll(() => plane.stop());

const search = async (query: string, more: object = {}, parameters = '') => {
  const answer = await viewer(`POST /cnssearches${parameters}`, tenant, { body: { query, ...more } });
  expect(answer.status, answer.text).toBe(200);
  return JSON.parse(answer.text) as SearchAnswer;
};
const names = ({ flowReports }: Reports) => flowReports.map(({ ruleName }) => ruleName);
const RQL = 'network from microseg.flow_record where destinationPort = 22';
const RECENT = Array.from({ length: 10 }, (_, at) => `${at * 3}`);

describe('POST /cnssearches', () => {
  it('finds records of the last hour, newest first', async () => {
    const { data, ...rest } = await search(RQL);
    expect(rest).toEqual({ query: RQL, limit: 100 });
    expect(names(data.items)).toEqual(RECENT);
    expect([data.totalRows, data.nextPageToken]).toEqual([10, undefined]);
  });

  it('gives them page by page, each once', async () => {
    const found: (string | undefined)[] = [];
    let pageToken: string | undefined;
    do {
      const { data } = await search(RQL, { limit: 4, ...(pageToken === undefined ? {} : { pageToken }) });
      found.push(...names(data.items));
      pageToken = data.nextPageToken;
    } while (pageToken !== undefined);
    expect(found).toEqual(RECENT);
  });

  it('finds those of the namespaces below where it is asked to', async () => {
    expect(names((await search(RQL, {}, '?recursive')).data.items)).toContain('below');
  });

  it('takes a window of time in each of its ways', async () => {
    const now = plane.clock.now().getTime();
    const windows: [object, string][] = [
      [{ timeRange: { type: 'relative', value: { amount: 2, unit: 'hour' } } }, ''],
      [{ timeRange: { type: 'absolute', value: { startTime: now - 120 * MINUTE, endTime: now + 1 } } }, ''],
      [{ startAbsolute: now - 120 * MINUTE }, ''],
      [{}, '?startRelative=2h'],
    ];
    for (const [more, parameters] of windows) {
      expect(names((await search(RQL, more, parameters)).data.items)).toEqual([...RECENT, 'old']);
    }
    const before = { startAbsolute: now - 120 * MINUTE, endAbsolute: now - 60 * MINUTE };
    expect(names((await search(RQL, before)).data.items)).toEqual(['old']);
  });

  test.each([
    [{ query: 'port = 22' }, 400, 'flowreport has no attribute `port`'],
    [{ query: '' }, 422, 'query'],
    [{}, 422, "'query' is required"],
    [{ query: RQL, limit: 1001 }, 422, 'limit'],
    [{ query: RQL, timeRange: { type: 'to_now', value: 'epoch' } }, 422, 'timeRange'],
    [
      { query: RQL, startAbsolute: 1, timeRange: { type: 'relative', value: { amount: 1, unit: 'day' } } },
      400,
      'exclude each other',
    ],
    [{ query: RQL, pageToken: 'x' }, 400, 'cursor'],
  ])('%j is answered with %i', async (body, status, why) => {
    const answer = await viewer('POST /cnssearches', tenant, { body });
    expect([answer.status, answer.text]).toEqual([status, expect.stringContaining(why)]);
  });

  it('refuses who may not ask, and whoever takes the token of another tenant gets nothing of it', async () => {
    const agent = await plane.member(tenant, ['enforcer.runtime']);
    expect((await agent('POST /cnssearches', tenant, { body: { query: RQL } })).status).toBe(403);
    const { data } = await search(RQL, { limit: 1 });
    const other = await plane.tenant();
    const stranger = await plane.member(other, ['namespace.viewer']);
    const body = { query: RQL, pageToken: data.nextPageToken };
    expect((await stranger('POST /cnssearches', tenant, { body })).status).toBe(403);
    const { text } = await stranger('POST /cnssearches?recursive', other, { body });
    expect(text).not.toContain('ruleName');
  });
});

describe('POST /reportsqueries', () => {
  const ask = (query: string, body?: object) =>
    viewer(`POST /reportsqueries${query}`, tenant, body === undefined ? {} : { body });

  it("answers the original's own example", async () => {
    const { status, text } = await ask('?recursive=true&order=-timestamp&startRelative=1h', {});
    expect(status, text).toBe(200);
    const { flowReports } = JSON.parse(text) as Reports;
    expect(flowReports).toHaveLength(31);
    const times = flowReports.map(({ timestamp }) => timestamp);
    expect(times).toEqual(times.toSorted().reverse());
  });

  it('takes filters as every list does, and gives pages', async () => {
    const first = await ask(`?q=${encodeURIComponent('destinationPort == 22')}&limit=4`, { report: 'Flows' });
    expect(names(JSON.parse(first.text))).toEqual(RECENT.slice(0, 4));
    const next = first.headers['x-next'];
    const second = await ask(`?q=${encodeURIComponent('destinationPort == 22')}&limit=40&after=${next}`, {});
    expect(names(JSON.parse(second.text))).toEqual(RECENT.slice(4));
  });

  test.each([
    ['', { report: 'Packets' }, 422, 'agents report flows alone here'],
    ['?order=timestamp', {}, 400, 'order can be -timestamp alone'],
    [`?q=${encodeURIComponent('port == 22')}`, {}, 400, 'flowreport has no attribute'],
    ['?startRelative=1h&startAbsolute=1', {}, 422, 'window of time'],
  ])('%s with %j is answered with %i', async (query, body, status, why) => {
    const answer = await ask(query, body);
    expect([answer.status, answer.text]).toEqual([status, expect.stringContaining(why)]);
  });
});
