import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { handlersOf } from '../../functions/api/index.ts';
import { httpFunction } from '../../functions/http.ts';
import { identities, type Noun, resourceOf } from '../../shared/schema/resources.ts';
import { contextOf, eventOf, type RequestLine } from '../make/call.ts';
import { openPlane, type Plane } from '../make/plane.ts';
import { minimal } from './inputs.ts';

let plane: Plane;
let tenant: string;
beforeAll(async () => {
  plane = await openPlane();
  tenant = await plane.tenant();
  await plane.namespace(tenant, 'below');
});
afterAll(() => plane.stop());

const create = (identity: Noun, more: object = {}, headers: Record<string, string> = {}) =>
  plane.root(`POST /${resourceOf(identity).plural}`, tenant, {
    body: { ...minimal(tenant)[identity], ...more },
    headers,
  });

/** A value that an attacker would like to see in an attribute that only the server writes. */
const FORGED: Readonly<Record<string, unknown>> = {
  ID: '0190f3a1b2c3d4e5f6071829',
  namespace: '/elsewhere',
  createTime: '1999-01-01T00:00:00.000Z',
  updateTime: '1999-01-01T00:00:00.000Z',
  normalizedTags: ['$namespace=/elsewhere'],
};

describe.each(identities)('mass assignment of %s', identity => {
  const { plural, readOnly, createOnly } = resourceOf(identity);

  it.each(Object.keys(readOnly))(
    'refuses %s on create and on update, and keeps what is stored',
    async key => {
      const forged = FORGED[key] ?? 'forged';
      const refused = await create(identity, { [key]: forged });
      expect(refused.status, refused.text).toBe(422);
      expect(refused.errors.map(({ data }) => data?.attribute)).toEqual([key]);

      const name = `mass_${key}`;
      const over = 'name' in (minimal(tenant)[identity] as object) ? { name } : {};
      const made = await create(identity, identity === 'cloudaccount' ? { ...over, accountID: name } : over);
      expect(made.status, made.text).toBe(200);
      const one = `/${plural}/${made.object.ID}` as const;
      const { object } = await plane.root(`GET ${one}`, tenant);
      if (key !== 'updateTime') {
        const changed = await plane.root(`PATCH ${one}`, tenant, { body: { [key]: forged } });
        expect(changed.status, changed.text).toBe(422);
      }
      expect((await plane.root(`GET ${one}`, tenant)).object).toEqual(object);
      await plane.root(`DELETE ${one}`, tenant);
    },
  );

  it('never changes what only a create may say', async () => {
    const made = await create(identity);
    const one = `/${plural}/${made.object.ID}` as const;
    for (const key of Object.keys(createOnly)) {
      const own = Reflect.get(made.object, key);
      const other = Array.isArray(own) ? ['@other=x'] : typeof own === 'boolean' ? !own : 'other';
      const changed = await plane.root(`PATCH ${one}`, tenant, { body: { [key]: other } });
      expect([key, changed.status, changed.text]).toEqual([key, 422, changed.text]);
    }
    await plane.root(`DELETE ${one}`, tenant);
  });

  it.each(['__proto__', 'constructor', 'toString', 'isAdmin', 'allow', '$id'])(
    'takes no attribute that it does not have: %s',
    async key => {
      const body = Object.fromEntries([...Object.entries(minimal(tenant)[identity]), [key, { a: 1 }]]);
      const refused = await plane.root(`POST /${plural}`, tenant, { body: JSON.stringify(body) });
      expect([refused.status, refused.errors[0]?.data?.attribute]).toEqual([422, key]);
    },
  );
});

it.each([
  [
    'POST /externalnetworks',
    '{"name":"n","entries":["10.0.0.0/8"],"annotations":{"__proto__":["x"],"a":["b"]}}',
  ],
  ['POST /import', '{"data":{"label":"l","data":{"__proto__":[{"name":"x"}]}}}'],
  [
    'POST /import',
    '{"data":{"label":"l","data":{"externalnetworks":[{"name":"n","__proto__":{"entries":["10.0.0.0/8"]}}]}}}',
  ],
] as const)('%s takes no key __proto__ at any depth: %s', async (line, body) => {
  const refused = await plane.root(line, tenant, { body });
  expect([refused.status, refused.errors[0]?.data?.attribute]).toEqual([422, '__proto__']);
});

describe('what is refused is not done', () => {
  it('with an X-Fields that names nothing', async () => {
    const headers = { 'x-fields': 'ID,colour' };
    const count = async () => (await plane.root('HEAD /externalnetworks', tenant)).headers['x-count-total'];
    const before = await count();
    expect((await create('externalnetwork', {}, headers)).status).toBe(400);
    expect(await count()).toBe(before);
    const { ID } = (await create('externalnetwork')).object;
    const one = `/externalnetworks/${ID}` as const;
    expect((await plane.root(`DELETE ${one}`, tenant, { headers })).status).toBe(400);
    expect((await plane.root(`GET ${one}`, tenant)).status).toBe(200);
  });

  it.each(['constructor', 'toString', '__proto__'])(
    'with X-Fields: %s, which every object has',
    async name => {
      const refused = await plane.root('GET /externalnetworks', tenant, { headers: { 'x-fields': name } });
      expect(refused.status).toBe(400);
    },
  );
});

it.each(['constructor', '__proto__', 'toString', 'hasOwnProperty'])(
  'a query parameter named %s is one like any other that means nothing',
  async name => {
    expect((await plane.root(`GET /externalnetworks?${name}=1&${name}=2`, tenant)).status).toBe(200);
  },
);

/** Milliseconds in which a bomb must be refused or answered; far above what it takes. */
const PATIENCE = 1000;

/** Status, and whether it came in time: once is enough, since others may use the machine. */
async function timed(line: RequestLine, sent: object = {}): Promise<[number, boolean]> {
  let status = 0;
  for (let tries = 0; tries < 4; tries += 1) {
    const before = performance.now();
    ({ status } = await plane.root(line, tenant, sent));
    if (performance.now() - before < PATIENCE) return [status, true];
  }
  return [status, false];
}

describe('a bomb is bounded in time', () => {
  it.each([
    ['nested parentheses', `${'('.repeat(20_000)}name == x${')'.repeat(20_000)}`],
    ['open parentheses', '('.repeat(50_000)],
    ['many terms', `name == x${' or name == x'.repeat(20_000)}`],
    ['a long list', `name in [${'"a",'.repeat(50_000)}"b"]`],
    ['an expression that backtracks', 'name matches "^(a+)+$"'],
    ['nested alternatives', `name matches "${'(a?)'.repeat(200)}${'a'.repeat(200)}"`],
    ['repeated repetitions', 'name matches "((x{100}){100}){100}"'],
  ])('filter: %s', async (_what, filter) => {
    await create('externalnetwork', { name: `${'a'.repeat(200)}!` });
    const [status, isQuick] = await timed(`GET /externalnetworks?q=${encodeURIComponent(filter)}`);
    expect([status === 200 || status === 400, isQuick]).toEqual([true, true]);
  });

  it.each([
    ['deep lists', `${'['.repeat(100_000)}${']'.repeat(100_000)}`, 400],
    ['deep objects', `${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}`, 400],
    ['a long name', JSON.stringify({ name: 'x'.repeat(900_000), entries: ['10.0.0.0/8'] }), 422],
    ['many attributes', `{${Array.from({ length: 50_000 }, (_, at) => `"k${at}":1`).join(',')}}`, 422],
    [
      'many entries',
      JSON.stringify({ name: 'x', entries: Array.from({ length: 60_000 }, () => 'a/b') }),
      422,
    ],
    ['many values', JSON.stringify({ name: 'x', entries: Array.from({ length: 200_000 }, () => 1) }), 422],
  ])('body: %s', async (_what, body, expected) => {
    expect(await timed('POST /externalnetworks', { body })).toEqual([expected, true]);
  });
});

/** Right, and far more of it than anybody needs. */
const many = <T>(count: number, of: (at: number) => T): T[] =>
  Array.from({ length: count }, (_, at) => of(at));
const host = (at: number): string => `10.${(at >> 16) & 255}.${(at >> 8) & 255}.${at & 255}`;

describe('what is right but huge', () => {
  it.each<[string, Noun, object]>([
    ['networks', 'externalnetwork', { entries: many(20_000, host) }],
    ['left out', 'externalnetwork', { entries: ['10.0.0.0/8', ...many(20_000, at => `!${host(at)}`)] }],
    ['networks of a profile', 'enforcerprofile', { targetUDPNetworks: many(20_000, host) }],
    ['tags', 'externalnetwork', { associatedTags: many(20_000, at => `a=${at}`) }],
    ['clauses', 'networkrulesetpolicy', { subject: many(20_000, at => [`a=${at}`]) }],
    ['tags of a clause', 'networkrulesetpolicy', { subject: [many(20_000, at => `a=${at}`)] }],
    [
      'rules',
      'networkrulesetpolicy',
      { incomingRules: many(5000, at => ({ object: [[`a=${at}`]], protocolPorts: ['tcp/80'] })) },
    ],
    [
      'ports',
      'networkrulesetpolicy',
      { incomingRules: [{ object: [['a=b']], protocolPorts: many(20_000, at => `tcp/${at}`) }] },
    ],
    ['addresses', 'processingunit', { addresses: many(20_000, host) }],
    ['prefixes', 'namespace', { name: 'prefixes', tagPrefixes: many(20_000, at => `a${at}=`) }],
    [
      'annotations',
      'externalnetwork',
      { annotations: Object.fromEntries(many(10_000, at => [`k${at}`, ['v']])) },
    ],
  ])(
    'is taken or refused in time, with headers that a gateway lets through: %s',
    async (_what, identity, more) => {
      const { plural } = resourceOf(identity);
      const own = await plane.namespace(tenant, `huge-${identity}-${_what.replaceAll(' ', '-')}`);
      const body = { ...minimal(own)[identity], ...more };
      let best = Number.POSITIVE_INFINITY;
      let [status, header] = [0, 0];
      for (let tries = 0; tries < 4 && best > PATIENCE; tries += 1) {
        const before = performance.now();
        const got = await plane.root(`POST /${plural}`, own, { body });
        best = Math.min(best, performance.now() - before);
        status = got.status;
        header = Math.max(...Object.values(got.headers).map(({ length }) => length));
      }
      expect([200, 413, 422]).toContain(status);
      expect(best).toBeLessThan(PATIENCE);
      expect(header).toBeLessThan(8192);
    },
  );
});

it.each(identities)(
  'half a surrogate pair is refused in a %s: it could not be given back as it was',
  async identity => {
    for (const more of [{ description: 'a\ud800' }, { annotations: { '\udfff': [] } }, { name: '\ud83d' }]) {
      expect((await create(identity, more)).status).toBe(400);
    }
  },
);

it('half a surrogate pair is refused in msgpack too, where it is three bytes', async () => {
  const body = Buffer.from('82a46e616d65a3eda080a7656e747269657391aa31302e302e302e302f38', 'hex');
  const event = eventOf('POST /externalnetworks', {
    namespace: tenant,
    token: await plane.token(await plane.credential(tenant, ['namespace.administrator'])),
    headers: { 'content-type': 'application/msgpack' },
  });
  const sent = { ...event, body: body.toString('base64'), isBase64Encoded: true };
  const { statusCode } = await httpFunction(handlersOf.policies, () => plane.deps)(sent, contextOf());
  expect(statusCode).toBe(400);
});

describe('tags are compared byte by byte', () => {
  /** They look the same, and are none the less four tags. */
  const alike = ['app=café', 'app=cafe\u0301', 'аpp=café', 'app=ｃafé'];

  it('stores them as they were sent', async () => {
    const { object } = await create('externalnetwork', { name: 'alike', associatedTags: alike });
    const read = (await plane.root(`GET /externalnetworks/${object.ID}`, tenant)).object;
    expect(Reflect.get(read, 'associatedTags')).toEqual(alike);
  });

  it.each(alike)('selects by %s that one alone', async tag => {
    const namespace = await plane.namespace(tenant, `alike-${alike.indexOf(tag)}`);
    for (const [at, own] of alike.entries()) {
      const body = { name: `unit-${at}`, type: 'Docker', associatedTags: [own] };
      await plane.root('POST /processingunits', namespace, { body });
    }
    const got = await plane.root('POST /clausesmatches', namespace, { body: { clauses: [[tag]] } });
    const { processingUnits } = JSON.parse(got.text) as { processingUnits: { name: string }[] };
    expect(processingUnits.map(({ name }) => name)).toEqual([`unit-${alike.indexOf(tag)}`]);
  });
});

describe('a namespace is named by its path and by nothing that resembles it', () => {
  it.each(['..', '.', 'a/b', 'a//b', '/a', 'a/', 'a b', 'ä', 'ａ', 'a\0', 'a%2fb', '-/..', ''])(
    'no namespace is called %j',
    async name => {
      expect((await plane.root('POST /namespaces', tenant, { body: { name } })).status).toBe(422);
    },
  );

  it.each([
    '/below/..',
    '/below/',
    '//below',
    '/./below',
    '/below%2f',
    '/BELOW',
    '/below\u200b',
    '/below/../below',
  ])('X-Namespace: <tenant>%s leads nowhere', async path => {
    const { status } = await plane.root('GET /externalnetworks', `${tenant}${path}`);
    expect([400, 404]).toContain(status);
  });
});

describe.each(identities)('Idempotency-Key on create of %s', identity => {
  it('gives the first answer again, and 409 for another body', async () => {
    const headers = { 'idempotency-key': `once-${identity}` };
    const more =
      identity === 'namespace' ? { name: 'once' } : identity === 'cloudaccount' ? { accountID: 'once' } : {};
    const first = await create(identity, more, headers);
    expect(first.status, first.text).toBe(200);
    const again = await create(identity, more, headers);
    expect([again.status, again.object.ID]).toEqual([200, first.object.ID]);
    const other = await create(identity, { ...more, description: 'other' }, headers);
    expect(other.status, other.text).toBe(409);
  });
});
