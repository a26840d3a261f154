import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import type { DependencyMap } from '../../shared/api/map-routes.ts';
import { type Caller, openPlane, type Plane } from '../make/plane.ts';

let plane: Plane;
let tenant: string;
let shop: string;
let bank: string;
let agent: Caller;
let viewer: Caller;
let shopViewer: Caller;
/** IDs of what the flows are between. */
let id: Record<'web' | 'db' | 'vault' | 'internet' | 'partners', string>;

const HOSTILE = '<img src=x onerror=alert(1)>';
const GONE = 'f'.repeat(24);

let begin: number;
const ago = (minutes: number): string => new Date(begin - minutes * 60_000).toISOString();

const flow = (source: string, destination: string, namespace: string, more: object = {}) => ({
  action: 'Accept',
  sourceID: source,
  sourceType: source === id.internet || source === id.partners ? 'ExternalNetwork' : 'ProcessingUnit',
  destinationID: destination,
  destinationType: destination === 'somewhere' ? 'ExternalNetwork' : 'ProcessingUnit',
  destinationPort: 443,
  protocol: 6,
  policyID: 'default',
  policyNamespace: namespace,
  namespace,
  timestamp: ago(5),
  value: 1,
  ...more,
});

async function made(path: string, namespace: string, body: object): Promise<string> {
  const answer = await plane.root(`POST /${path}`, namespace, { body });
  expect(answer.status, answer.text).toBe(200);
  return String(answer.object.ID);
}
const unit = (namespace: string, name: string, tag: string): Promise<string> =>
  made('processingunits', namespace, {
    name,
    type: 'Docker',
    associatedTags: [tag],
    operationalStatus: 'Running',
  });
const network = (namespace: string, name: string, propagate: boolean): Promise<string> =>
  made('externalnetworks', namespace, {
    name,
    entries: ['192.0.2.0/24'],
    associatedTags: [`net=${name}`],
    propagate,
  });

beforeAll(async () => {
  plane = await openPlane();
  begin = plane.clock.now().getTime();
  tenant = await plane.tenant();
  [shop, bank] = [await plane.namespace(tenant, 'shop'), await plane.namespace(tenant, 'bank')];
  id = {
    web: await unit(shop, 'web-1', 'app=web'),
    db: await unit(shop, 'db-1', 'app=db'),
    vault: await unit(bank, 'vault-1', 'app=vault'),
    internet: await network(tenant, 'internet', true),
    partners: await network(bank, 'partners', false),
  };
  [agent, viewer] = [
    await plane.member(tenant, ['enforcer.runtime']),
    await plane.member(tenant, ['namespace.viewer']),
  ];
  shopViewer = await plane.member(shop, ['namespace.viewer']);
  const rule = { policyID: '1'.repeat(24), ruleName: 'https' };
  const body = [
    flow(id.internet, id.web, shop, { ...rule, value: 7 }),
    flow(id.web, id.db, shop, { reporter: 'Source', value: 3 }),
    flow(id.web, id.db, shop, { reporter: 'Destination', value: 2 }),
    flow(id.web, id.db, shop, { reporter: 'Destination', action: 'Reject', timestamp: ago(2) }),
    flow(id.web, id.vault, shop, { reporter: 'Source', remoteNamespace: bank }),
    flow(id.partners, id.vault, bank, { action: 'Reject' }),
    flow(GONE, 'somewhere', shop, { sourceName: HOSTILE, destinationPort: 53, protocol: 17 }),
    flow(id.db, 'somewhere', shop, { timestamp: ago(90), destinationPort: 25 }),
  ];
  // What was sent twice counts once.
  for (let time = 0; time < 2; time++) {
    const { status, text } = await agent('POST /flowreports', tenant, { body });
    expect(status, text).toBe(200);
  }
});
afterAll(() => plane.stop());

async function mapOf(query: string, namespace = tenant, caller = viewer): Promise<DependencyMap> {
  const { status, text, headers } = await caller(`GET /dependencymaps${query}`, namespace);
  expect(status, text).toBe(200);
  expect(headers['x-count-total']).toBe('1');
  const [map, ...others] = JSON.parse(text) as DependencyMap[];
  expect(others).toEqual([]);
  return map as DependencyMap;
}
const pairs = ({ edges }: DependencyMap): string[] =>
  Object.values(edges)
    .map(({ sourceID, destinationID }) => `${sourceID} ${destinationID}`)
    .sort();
const between = (...all: [string, string][]) => all.map(([from, to]) => `${from} ${to}`).sort();

describe('GET /dependencymaps', () => {
  it('shows who talked to whom in the last hour, with names, tags and state', async () => {
    const map = await mapOf('?recursive');
    expect(pairs(map)).toEqual(
      between(
        [id.internet, id.web],
        [id.web, id.db],
        [id.web, id.vault],
        [id.partners, id.vault],
        [GONE, 'somewhere'],
      ),
    );
    expect(map).toMatchObject({ records: 7, leftOut: { nodes: 0, edges: 0 } });
    expect(map.nodes[id.web]).toMatchObject({
      type: 'ProcessingUnit',
      name: 'web-1',
      namespace: shop,
      resolved: true,
      status: 'Running',
      enforcementStatus: 'Inactive',
      unreachable: false,
    });
    expect(map.nodes[id.web]?.tags).toContain('app=web');
    expect(map.nodes[id.internet]).toMatchObject({ name: 'internet', namespace: tenant, resolved: true });
    expect(map.nodes.somewhere).toEqual({
      ID: 'somewhere',
      type: 'ExternalNetwork',
      name: '',
      namespace: '',
      tags: [],
      resolved: false,
      groupID: '',
    });
  });

  it('counts what both ends told of once, and tells rules from the default action', async () => {
    const { edges } = await mapOf('', shop);
    expect(edges[`${id.web}-${id.db}`]).toMatchObject({
      acceptedFlows: 2,
      rejectedFlows: 1,
      acceptedByDefault: 2,
      rejectedByDefault: 1,
      firstSeen: ago(5),
      lastSeen: ago(2),
      encrypted: false,
    });
    expect(edges[`${id.internet}-${id.web}`]).toMatchObject({
      acceptedFlows: 7,
      acceptedByDefault: 0,
      accesses: [{ protocolPort: 'tcp/443', acceptedFlows: 7 }],
      policies: [{ policyID: '1'.repeat(24), ruleName: 'https', reporter: 'Destination', flows: 7 }],
    });
  });

  it('takes a window, a filter of records, and namespaces below only when asked', async () => {
    expect(pairs(await mapOf('?recursive&startRelative=2h'))).toContain(`${id.db} somewhere`);
    const window = `?recursive&startAbsolute=${ago(100)}&endAbsolute=${ago(80)}`;
    expect(pairs(await mapOf(window))).toEqual(between([id.db, 'somewhere']));
    expect(pairs(await mapOf(''))).toEqual([]);
    const rejected = await mapOf(`?recursive&q=${encodeURIComponent('action == Reject')}`);
    expect(pairs(rejected)).toEqual(between([id.web, id.db], [id.partners, id.vault]));
  });

  it('shows by tag what touches an end with all of them', async () => {
    expect(pairs(await mapOf('?recursive&tag=app=vault'))).toEqual(
      between([id.web, id.vault], [id.partners, id.vault]),
    );
    expect(pairs(await mapOf('?recursive&tag=app=vault&tag=app=web'))).toEqual([]);
    expect(pairs(await mapOf('?recursive&tag=net=internet'))).toEqual(between([id.internet, id.web]));
  });

  it('puts nodes into the groups of a view by the tags that the caller may read', async () => {
    const view = `?view=${encodeURIComponent('app as "App" in blue, net')}`;
    const { nodes, groups } = await mapOf(view, shop, shopViewer);
    const nameFor = (ID: string) => groups[nodes[ID]?.groupID ?? '']?.name;
    expect([id.web, id.db, id.internet, id.vault, GONE].map(nameFor)).toEqual([
      'App web',
      'App db',
      'internet',
      undefined,
      undefined,
    ]);
    expect(Object.keys(groups)).toHaveLength(3);
    expect((await mapOf('', shop, shopViewer)).groups).toEqual({});
  });

  test.each([
    ['?tag=none', 400, 'query parameter tag: `none` is not a tag'],
    ['?view=app%20in', 400, 'query parameter view: the color of app is missing'],
    ['?view=app&view=net', 400, 'query parameter view stands more than once'],
    ['?q=port%20%3D%3D%201', 400, 'flowreport has no attribute'],
    ['?startRelative=1h&startAbsolute=1', 422, 'window of time'],
  ])('%s is answered with %i', async (query, status, why) => {
    const answer = await viewer(`GET /dependencymaps${query}`, tenant);
    expect([answer.status, answer.text]).toEqual([status, expect.stringContaining(why)]);
  });

  it('is refused to who may not see it, and in the root with all below', async () => {
    expect((await agent('GET /dependencymaps', tenant)).status).toBe(403);
    expect((await shopViewer('GET /dependencymaps', tenant)).status).toBe(403);
    expect((await plane.root('GET /dependencymaps?recursive', '/')).status).toBe(400);
  });
});

describe('what a map tells of an end', () => {
  it('that is gone is what flow records hold, as text', async () => {
    const { nodes } = await mapOf('', shop);
    expect(nodes[GONE]).toMatchObject({ name: HOSTILE, namespace: shop, tags: [], resolved: false });
  });

  it('in a namespace that the caller may not read is what flow records hold', async () => {
    const { nodes } = await mapOf('', shop, shopViewer);
    expect(nodes[id.vault]).toEqual({
      ID: id.vault,
      type: 'ProcessingUnit',
      name: '',
      namespace: bank,
      tags: [],
      resolved: false,
      groupID: '',
    });
    expect(nodes[id.internet]).toMatchObject({ name: 'internet', resolved: true });
    expect(await mapOf('?tag=app=vault', shop, shopViewer)).toMatchObject({ nodes: {}, edges: {} });
  });

  it('elsewhere is more where the caller may read it there', async () => {
    expect((await mapOf('', shop, viewer)).nodes[id.vault]).toMatchObject({
      name: 'vault-1',
      resolved: true,
    });
  });

  it('is no more than records hold where the caller may see maps, and not the objects', async () => {
    const credential = await plane.credential(shop, ['namespace.importer']);
    const body = {
      name: 'maps alone',
      subject: [['@auth:realm=certificate', `@auth:subject=${credential.ID}`]],
      authorizedIdentities: ['dependencymap,get'],
      authorizedNamespace: shop,
    };
    await made('apiauthorizationpolicies', shop, body);
    const stranger = await plane.as(credential);
    const { nodes, edges } = await mapOf('', shop, stranger);
    expect(Object.keys(edges).length).toBe(4);
    expect(Object.values(nodes).filter(({ resolved, tags }) => resolved || tags.length > 0)).toEqual([]);
  });

  it('is never an object of a neighbour, whatever an agent reports', async () => {
    const own = await plane.member(shop, ['enforcer.runtime']);
    const forged = [
      flow(id.vault, id.web, shop, { reporter: 'Source' }),
      flow(id.partners, id.web, shop, { remoteNamespace: bank }),
    ];
    expect((await own('POST /flowreports', shop, { body: forged })).status).toBe(200);
    const { nodes } = await mapOf('', shop, shopViewer);
    for (const ID of [id.vault, id.partners]) {
      expect(nodes[ID]).toMatchObject({ name: '', tags: [], resolved: false });
    }
  });
});

describe('a map of more than fits', () => {
  it('leaves out what was not rejected and has the fewest flows, and says so', async () => {
    const crowd = await plane.namespace(tenant, 'crowd');
    const ends = Array.from({ length: 2100 }, (_, at) => `e${at.toString(16).padStart(23, '0')}`);
    const body = ends.map((ID, at) =>
      flow(ID, 'somewhere', crowd, { value: 2 + at, action: at === 0 ? 'Reject' : 'Accept' }),
    );
    expect((await agent('POST /flowreports', tenant, { body })).status).toBe(200);
    const { text, headers } = await viewer('GET /dependencymaps', crowd);
    const [map] = JSON.parse(text) as [DependencyMap];
    expect(Object.keys(map.nodes)).toHaveLength(2000);
    expect(map.leftOut).toEqual({ nodes: 101, edges: 101 });
    expect(decodeURIComponent(headers['x-messages'] ?? '')).toContain('101 edges and 101 nodes are left out');
    expect(map.nodes[ends[0] ?? '']).toBeDefined();
    expect(map.nodes[ends[1] ?? '']).toBeUndefined();
    expect(map.nodes[ends[2099] ?? '']).toBeDefined();
  });
});
