import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Caller, openPlane, type Plane } from '../make/plane.ts';

let plane: Plane;
let admin: Caller;
let tenant: string;
let shop: string;
const made: Record<string, { ID: string; [key: string]: unknown }> = {};

async function create(name: string, path: `/${string}`, namespace: string, body: object): Promise<void> {
  const { status, object, text } = await admin(`POST ${path}`, namespace, { body });
  expect(status, text).toBe(200);
  made[name] = object as { ID: string };
}

const unit = (associatedTags: string[], more: object = {}) => ({
  name: associatedTags.join(),
  type: 'Docker',
  associatedTags,
  ...more,
});

beforeAll(async () => {
  plane = await openPlane();
  tenant = await plane.tenant();
  admin = await plane.member(tenant, ['namespace.administrator']);
  shop = await plane.namespace(tenant, 'shop');
  await create('web', '/processingunits', shop, unit(['app=web'], { addresses: ['10.0.0.1'] }));
  await create('db', '/processingunits', shop, unit(['app=db', 'zone=x'], { addresses: ['10.0.0.2'] }));
  await create('other', '/processingunits', tenant, unit(['app=db']));
  await create('internet', '/externalnetworks', tenant, {
    name: 'internet',
    entries: ['0.0.0.0/0'],
    associatedTags: ['externalnetwork:name=internet'],
    propagate: true,
  });
  await create('rules', '/networkrulesetpolicies', shop, {
    name: 'web',
    subject: [['app=web']],
    incomingRules: [{ object: [['externalnetwork:name=internet']], protocolPorts: ['tcp/443', 'tcp/80'] }],
    outgoingRules: [{ object: [['app=db']], protocolPorts: ['tcp/5432'], name: 'sql' }],
  });
  await create('above', '/networkrulesetpolicies', tenant, {
    name: 'no telnet',
    propagate: true,
    subject: [['$identity=processingunit']],
    incomingRules: [
      { action: 'Reject', object: [['externalnetwork:name=internet']], protocolPorts: ['tcp/23'] },
    ],
  });
  await create('dbRules', '/networkrulesetpolicies', shop, {
    name: 'db',
    subject: [['app=db']],
    incomingRules: [{ object: [['app=web']], protocolPorts: ['tcp/5000:6000'] }],
  });
});
afterAll(() => plane.stop());

/** What a POST that only asks is answered. */
async function ask<T>(path: `/${string}`, namespace: string, body: object): Promise<T> {
  const { status, text } = await admin(`POST ${path}`, namespace, { body });
  expect(status, text).toBe(200);
  return JSON.parse(text);
}

const names = (text: string): string[] => JSON.parse(text).map((one: { name: string }) => one.name);

describe('a rendered policy', () => {
  it('holds every rule that counts for a unit, with what it names and where it comes from', async () => {
    const rendered = await ask<{ ruleSetPolicies: object[] }>('/renderedpolicies', shop, {
      processingUnit: { ID: made.web?.ID },
    });
    expect(rendered).toMatchObject({
      processingUnitID: made.web?.ID,
      defaultPUIncomingTrafficAction: 'Reject',
      defaultActions: { incoming: { action: 'Reject', namespace: '/' } },
      matchingTags: ['$identity=processingunit', 'app=web'],
    });
    expect(rendered.ruleSetPolicies).toMatchObject([
      {
        name: 'no telnet',
        policyNamespace: tenant,
        propagated: true,
        action: 'Reject',
        direction: 'incoming',
      },
      {
        name: 'web',
        policyNamespace: shop,
        propagated: false,
        protocolPorts: ['tcp/443', 'tcp/80'],
        externalNetworks: [{ name: 'internet', namespace: tenant, entries: ['0.0.0.0/0'] }],
      },
      {
        name: 'web',
        direction: 'outgoing',
        ruleName: 'sql',
        tagClauses: [['app=db']],
        relation: ['subject'],
      },
    ]);
  });

  it('is the same by the unit, by its tags and as its sub-resource', async () => {
    const rules = async (answered: Promise<{ text: string }>) => {
      const body = JSON.parse((await answered).text);
      return (Array.isArray(body) ? body[0] : body).ruleSetPolicies;
    };
    const byUnit = await rules(
      admin('POST /renderedpolicies', shop, { body: { processingUnit: { ID: made.web?.ID } } }),
    );
    const byTags = admin('POST /renderedpolicies', shop, { body: { processingUnitTags: ['app=web'] } });
    expect(await rules(byTags)).toEqual(byUnit);
    const below = admin(`GET /processingunits/${made.web?.ID}/renderedpolicies`, shop);
    expect(await rules(below)).toEqual(byUnit);
  });

  it('asks for a unit, and keeps to the namespace', async () => {
    const { status, errors } = await admin('POST /renderedpolicies', shop, { body: {} });
    expect([status, errors[0]?.data?.attribute]).toEqual([422, 'processingUnitTags']);
    const outside = { processingUnit: { namespace: tenant, associatedTags: ['app=web'] } };
    expect((await admin('POST /renderedpolicies', shop, { body: outside })).status).toBe(422);
    const unknown = { processingUnit: { ID: '0190f3a1b2c3d4e5f6071829' } };
    expect((await admin('POST /renderedpolicies', shop, { body: unknown })).status).toBe(404);
  });
});

describe('the tags of a unit that might be', () => {
  const asked: [path: `/${string}`, attribute: string, body: (tags: string[]) => object][] = [
    ['/renderedpolicies', 'processingUnitTags[1]', tags => ({ processingUnitTags: tags })],
    [
      '/renderedpolicies',
      'processingUnit.associatedTags[1]',
      tags => ({ processingUnit: { associatedTags: tags } }),
    ],
    ['/policygraphs', 'PUIdentity[1]', tags => ({ PUIdentity: tags })],
    [
      '/decisions',
      'source.tags[1]',
      tags => ({ source: { tags }, destination: { address: '192.0.2.1' }, protocolPort: 'tcp/80' }),
    ],
  ];

  it.each(asked)('%s, %s: may say where it lives, and no other place', async (path, attribute, body) => {
    const all = ['app=web', `$namespace=${shop}`, '$identity=processingunit'];
    expect((await admin(`POST ${path}`, shop, { body: body(all) })).status).toBe(200);
    for (const foreign of [`$namespace=${tenant}`, `$namespace=${shop}/*`, '$identity=enforcer']) {
      const { status, errors } = await admin(`POST ${path}`, shop, { body: body(['app=web', foreign]) });
      expect([status, errors[0]?.data?.attribute]).toEqual([422, attribute]);
      expect(errors[0]?.description).toContain(`$namespace=${shop}`);
    }
  });
});

describe('views of policy', () => {
  it('show processing units to nobody who may not get them', async () => {
    const rulesOnly = await plane.member(shop, ['ruleset.administrator']);
    expect((await rulesOnly('GET /processingunits', shop)).status).toBe(403);
    const views: [`/${string}`, object][] = [
      ['/policygraphs', { PUIdentity: ['app=web'] }],
      ['/clausesmatches', { clauses: [['$identity=processingunit'], ['$identity=externalnetwork']] }],
    ];
    for (const [path, body] of views) {
      const { status, text, headers } = await rulesOnly(`POST ${path}`, shop, { body });
      expect([status, headers['x-messages']]).toEqual([
        200,
        expect.stringContaining('without any processingunit, because you may not get processingunit'),
      ]);
      expect(text).not.toContain(made.db?.ID);
      expect((await admin(`POST ${path}`, shop, { body })).text).toContain(made.db?.ID);
    }
    const byID = await rulesOnly('POST /renderedpolicies', shop, {
      body: { processingUnit: { ID: made.web?.ID } },
    });
    expect(byID.status).toBe(403);
    const own = await rulesOnly(`GET /processingunits/${made.web?.ID}/renderedpolicies`, shop);
    expect(own.status).toBe(403);
    const byTags = { processingUnitTags: ['app=web'] };
    expect((await rulesOnly('POST /renderedpolicies', shop, { body: byTags })).status).toBe(200);
  });
});

interface Graph {
  dependencyMap: {
    nodes: object;
    edges: Record<string, { sourceID: string; destinationID: string; protocolPorts: string[] }>;
  };
}

describe('a policy graph', () => {
  it('has an edge for what all ends allow, and its ports', async () => {
    const { nodes, edges } = (await ask<Graph>('/policygraphs', shop, { PUIdentity: ['app=web'] }))
      .dependencyMap;
    expect(Object.keys(nodes)).toContain(made.db?.ID);
    const short = Object.values(edges).map(one => [one.sourceID, one.destinationID, one.protocolPorts]);
    expect(short).toEqual([
      ['PUIdentity', made.db?.ID, ['tcp/5432']],
      [made.internet?.ID, 'PUIdentity', ['tcp/80', 'tcp/443']],
    ]);
  });

  it('looks at the peers that were asked for', async () => {
    const body = { PUIdentity: ['app=web'], selectors: [['zone=y']] };
    const { nodes } = (await ask<Graph>('/policygraphs', shop, body)).dependencyMap;
    expect(new Set(Object.keys(nodes))).toEqual(new Set(['PUIdentity', made.internet?.ID]));
  });
});

describe('matched objects', () => {
  it('of a ruleset are whom it names, or whom it is for', async () => {
    const path = `/networkrulesetpolicies/${made.rules?.ID}` as const;
    const listed = async (rest: string) => names((await admin(`GET ${path}${rest as '/'}`, shop)).text);
    expect(await listed('/processingunits')).toEqual(['app=db,zone=x']);
    expect(await listed('/processingunits?mode=subject')).toEqual(['app=web']);
    expect(await listed('/externalnetworks')).toEqual(['internet']);
    expect(await listed('/externalnetworks?mode=subject')).toEqual([]);
    const wrong = await admin(`GET ${path}/processingunits?mode=both`, shop);
    expect([wrong.status, wrong.errors[0]?.description]).toEqual([
      400,
      'query parameter mode is `both`; write subject or object',
    ]);
  });

  it('of a ruleset that propagates are below it too', async () => {
    const path = `/networkrulesetpolicies/${made.above?.ID}` as const;
    const { text, headers } = await admin(`GET ${path}/processingunits?mode=subject&pagesize=2`, tenant);
    expect(names(text)).toHaveLength(2);
    expect(headers['x-count-total']).toBe('3');
  });

  it('do not leave out that a namespace enforces tag prefixes', async () => {
    const strict = await plane.namespace(tenant, 'strict');
    const all: { ID: string; name: string }[] = JSON.parse((await admin('GET /namespaces', tenant)).text);
    const found = all.find(({ name }) => name === strict);
    const patched = await admin(`PATCH /namespaces/${found?.ID}`, tenant, {
      body: { tagPrefixEnforcement: 'Enforce' },
    });
    expect(patched.status, patched.text).toBe(200);
    await create('hidden', '/processingunits', strict, unit(['zone=x']));
    const { processingUnits } = await ask<{ processingUnits: { namespace: string }[] }>(
      '/clausesmatches',
      tenant,
      { clauses: [['zone=x']] },
    );
    expect(processingUnits.map(({ namespace }) => namespace)).toEqual([shop]);
  });

  it('of a profile mapping are its enforcers and its profiles, and an enforcer knows why it has which', async () => {
    const enforcer = { name: 'e', FQDN: 'e.example.com', machineID: 'm' };
    await create('enforcer', '/enforcers', shop, enforcer);
    await create('profile', '/enforcerprofiles', tenant, {
      name: 'far',
      propagate: true,
      associatedTags: ['profile=far'],
    });
    await create('near', '/enforcerprofiles', shop, { name: 'near', associatedTags: ['profile=near'] });
    const mapping = (name: string, propagate: boolean) => ({
      name,
      propagate,
      subject: [['$identity=enforcer']],
      object: [[`profile=${name}`]],
    });
    await create('farMapping', '/enforcerprofilemappingpolicies', tenant, mapping('far', true));
    await create('nearMapping', '/enforcerprofilemappingpolicies', shop, mapping('near', false));
    const path = `/enforcerprofilemappingpolicies/${made.nearMapping?.ID}` as const;
    expect(names((await admin(`GET ${path}/enforcers`, shop)).text)).toEqual(['e']);
    expect(names((await admin(`GET ${path}/enforcerprofiles`, shop)).text)).toEqual(['near']);
    const chosen = await admin(`GET /enforcers/${made.enforcer?.ID}/enforcerprofiles`, shop);
    expect(names(chosen.text)).toEqual(['near']);
    expect(chosen.headers['x-messages']).toContain('nearest namespace, before profile `far`');
  });
});

describe('policies of every kind', () => {
  it('are one list of what the caller may see', async () => {
    const all = JSON.parse((await admin('GET /policies?propagated', shop)).text);
    expect(all.map(({ name, type }: { name: string; type: string }) => `${type} ${name}`)).toEqual([
      'NetworkRuleSet db',
      'EnforcerProfile far',
      'EnforcerProfile near',
      'NetworkRuleSet no telnet',
      'NetworkRuleSet web',
    ]);
    const namesOf = async (query: string) => {
      const { text } = await admin(`GET /policies?propagated&${query}`, shop);
      return JSON.parse(text).map(({ name }: { name: string }) => name);
    };
    expect(await namesOf(`q=${encodeURIComponent('type == EnforcerProfile and name == near')}`)).toEqual([
      'near',
    ]);
    expect(await namesOf('order=-name&pagesize=2')).toEqual(['web', 'no telnet']);
    for (const query of ['q=colour==red', 'order=colour', 'limit=2', 'q=name=='])
      expect((await admin(`GET /policies?${query}`, shop)).status, query).toBe(400);
    const limited = await plane.member(shop, ['netsecops']);
    const few = JSON.parse((await limited('GET /policies', shop)).text);
    expect(new Set(few.map(({ type }: { type: string }) => type))).toEqual(new Set(['NetworkRuleSet']));
  });

  it('are got and deleted by ID, as by their own operation', async () => {
    const body = { name: 'gone', subject: [['app=x']], protected: true };
    await create('gone', '/networkrulesetpolicies', shop, body);
    const path = `/policies/${made.gone?.ID}` as const;
    expect((await admin(`GET ${path}`, shop)).object).toMatchObject({ type: 'NetworkRuleSet', name: 'gone' });
    expect((await admin(`DELETE ${path}`, shop)).status).toBe(409);
    expect((await admin(`DELETE ${path}?override`, shop)).status).toBe(200);
    expect((await admin(`GET ${path}`, shop)).status).toBe(404);
  });

  it('are found by the tags that they select or name', async () => {
    const found = async (body: object) => {
      const { policies } = await ask<{ policies: { name: string }[] }>('/policyrenderers', shop, body);
      return policies.map(({ name }) => name);
    };
    const type = 'NetworkRuleSet';
    expect(await found({ type, tags: ['app=db'] })).toEqual(['db']);
    expect(await found({ type, tags: ['app=db'], processMode: 'Object' })).toEqual(['web']);
  });
});
