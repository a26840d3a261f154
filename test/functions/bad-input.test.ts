import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LIMITS } from '../../shared/schema/config.ts';
import { identities, type Noun, resourceOf } from '../../shared/schema/resources.ts';
import type { RequestLine } from '../make/call.ts';
import { openPlane, type Plane } from '../make/plane.ts';
import { minimal } from './inputs.ts';

let plane: Plane;
let tenant: string;
beforeAll(async () => {
  plane = await openPlane();
  tenant = await plane.tenant();
});
afterAll(() => plane.stop());

const clause = [['app=web']];
const rule = { action: 'Allow', object: [['app=db']], protocolPorts: ['tcp/5432'] };
const claims = [['@auth:realm=certificate', '@auth:subject=x']];

/** What is sent over the minimal input; the attribute that the answer names; words that its description has. */
type Row = readonly [Noun, object, attribute: string, ...words: string[]];

const cases = (rows: readonly Row[]) =>
  rows.map(([identity, over, attribute, ...words]) => {
    const text = JSON.stringify(over);
    return { identity, over, attribute, words, sent: text.length > 80 ? `${text.slice(0, 79)}…` : text };
  });

const listening = (...services: readonly (readonly [number, ...string[]])[]) => ({
  networkServices: services.map(([protocol, ...targetPorts]) => ({ protocol, targetPorts })),
});
const ports = (at: number): string => `networkServices[${at}].targetPorts[0]`;

const onCreate: readonly Row[] = [
  // Unknown, missing, of the wrong type.
  ['externalnetwork', { colour: 'red' }, 'colour', '"red"', 'check its spelling or leave it out'],
  ['networkrulesetpolicy', { expirationTime: '' }, 'expirationTime', 'is unknown here'],
  ['networkrulesetpolicy', { incomingRules: [{ ...rule, log: 1 }] }, 'incomingRules[0].log', 'unknown'],
  ['externalnetwork', { constructor: null }, 'constructor', 'is unknown here'],
  ['externalnetwork', JSON.parse('{"__proto__": {"a": 1}}'), '__proto__', 'is unknown here'],
  ['externalnetwork', { name: undefined }, 'name', 'is required'],
  ['enforcer', { FQDN: undefined }, 'FQDN', 'is required'],
  ['processingunit', { type: undefined }, 'type', 'must be one of', 'Docker'],
  ['networkrulesetpolicy', { subject: undefined }, 'subject', 'is required'],
  ['externalnetwork', { name: 7 }, 'name', '7', 'it must be a text'],
  ['externalnetwork', { propagate: 'yes' }, 'propagate', '"yes"', 'it must be true or false'],
  ['externalnetwork', { entries: '192.0.2.0/24' }, 'entries', '192.0.2.0/24', 'it must be a list'],
  ['networkrulesetpolicy', { subject: ['app=web'] }, 'subject[0]', 'app=web', 'it must be a list'],
  ['externalnetwork', { annotations: { a: 'b' } }, 'annotations.a', '"b"'],
  ['namespace', { type: 'Host' }, 'type', '"Host"', '"Kubernetes"'],
  // Names.
  ['externalnetwork', { name: '' }, 'name', 'must not be empty'],
  ['externalnetwork', { name: 'x'.repeat(257) }, 'name', 'xxx', '256'],
  ['externalnetwork', { description: 'x'.repeat(1025) }, 'description', '1024'],
  ['namespace', { name: 'a b' }, 'name', '"a b"', 'letters, digits, - and _ only'],
  ['namespace', { name: 'a/b' }, 'name', '"a/b"', 'short name'],
  ['namespace', { name: '..' }, 'name', '".."'],
  ['namespace', { name: '' }, 'name', 'letters'],
  ['cloudaccount', { accountID: '../x' }, 'accountID', '"../x"'],
  // Tags.
  ['externalnetwork', { associatedTags: ['web'] }, 'associatedTags[0]', '`web`', 'key=value'],
  ['externalnetwork', { associatedTags: ['a b=c'] }, 'associatedTags[0]', '`a b=c`', 'no space'],
  ['externalnetwork', { associatedTags: ['=c'] }, 'associatedTags[0]', '`=c`'],
  ['externalnetwork', { associatedTags: [`a=${'é'.repeat(512)}`] }, 'associatedTags[0]', '1024 bytes'],
  ['externalnetwork', { associatedTags: ['$identity=x'] }, 'associatedTags[0]', 'kept for the system'],
  ['externalnetwork', { associatedTags: ['@org:tenant=x'] }, 'associatedTags[0]', 'kept for the system'],
  ['externalnetwork', { metadata: ['a=b'] }, 'metadata[0]', '`a=b`', 'must start with @'],
  ['externalnetwork', { metadata: ['@auth:a=b'] }, 'metadata[0]', '@auth:'],
  ['namespace', { organizationalMetadata: ['team=a'] }, 'organizationalMetadata[0]', '@org:'],
  ['namespace', { tagPrefixes: [''] }, 'tagPrefixes[0]', 'an empty prefix would list every tag'],
  // Selectors and rules.
  ['networkrulesetpolicy', { subject: [] }, 'subject', "[['app=web']]"],
  ['networkrulesetpolicy', { subject: [[]] }, 'subject[0]', 'needs at least one tag'],
  ['networkrulesetpolicy', { subject: [['web']] }, 'subject[0][0]', '`web`', 'key=value'],
  ['networkrulesetpolicy', { subject: [['a=1', 'a=1']] }, 'subject[0]', '`a=1`', 'keep it once'],
  [
    'networkrulesetpolicy',
    {
      subject: [
        ['a=1', 'b=2'],
        ['b=2', 'a=1'],
      ],
    },
    'subject[1]',
    'clause 2 equals clause 1',
  ],
  ['networkrulesetpolicy', { outgoingRules: [{ object: [[]] }] }, 'outgoingRules[0].object[0]'],
  [
    'networkrulesetpolicy',
    { incomingRules: [{ action: 'Deny', object: clause }] },
    'incomingRules[0].action',
  ],
  [
    'networkrulesetpolicy',
    { incomingRules: [rule, { ...rule, name: 'same', protocolPorts: ['TCP/5432'] }] },
    'incomingRules[1]',
    'rule 2 equals rule 1',
  ],
  ...[
    ['tcp/70000', 'from 0 to 65535'],
    ['tcp', 'names no port', 'tcp/80'],
    ['80', 'has no protocol', 'tcp/80'],
    ['tcp/90:80', 'the lower port first'],
    ['tcp/80,443', 'one entry for each'],
    ['icmp/300', 'numbers from 0 to 255'],
    ['quux', 'is no protocol'],
  ].map(
    ([port = '', ...words]): Row => [
      'networkrulesetpolicy',
      { incomingRules: [{ ...rule, protocolPorts: ['udp/53', port] }] },
      'incomingRules[0].protocolPorts[1]',
      `\`${port}\``,
      ...words,
    ],
  ),
  [
    'networkrulesetpolicy',
    { incomingRules: [{ ...rule, protocolPorts: ['any', 'tcp/80'] }] },
    'incomingRules[0].protocolPorts[0]',
    'must be the only one',
  ],
  // Networks.
  ['externalnetwork', { entries: [] }, 'entries', 'at least one'],
  ['externalnetwork', { entries: ['10.0.0.0/33'] }, 'entries[0]', '`10.0.0.0/33`', '10.0.0.0/8'],
  ['externalnetwork', { entries: ['10.0.0.256'] }, 'entries[0]', '`10.0.0.256`', '0 to 255'],
  ['externalnetwork', { entries: ['10.0.0.0/8', '!192.0.2.0/24'] }, 'entries[1]', 'that no entry includes'],
  ['externalnetwork', { entries: ['10.0.0.0/8', '10.1.0.0/8'] }, 'entries[1]', 'the same network'],
  ['externalnetwork', { servicePorts: ['tcp/443'] }, 'servicePorts', 'tcp/443', 'protocolPorts'],
  ['externalnetwork', { ports: ['443'] }, 'ports', 'put them into the rule', 'protocolPorts'],
  ['enforcerprofile', { targetNetworks: ['example.com'] }, 'targetNetworks[0]', '`example.com`'],
  ['enforcerprofile', { targetUDPNetworks: ['224.0.0.0/8'] }, 'targetUDPNetworks[0]', 'multicast'],
  ['enforcerprofile', { trustedCAs: ['/etc/ca.pem'] }, 'trustedCAs[0]', '-----BEGIN CERTIFICATE-----'],
  ['processingunit', { addresses: ['10.0.0.0/8'] }, 'addresses[0]', '10.0.0.0/8', 'a single address'],
  ['processingunit', listening([6, '80:90'], [6, '85']), ports(1), '`85` overlaps `80:90`', 'once'],
  ['processingunit', listening([6, '90:80']), ports(0), '`90:80`', '8000:8999'],
  ['processingunit', listening([6, '80:80']), ports(0), '`80:80`', '8000:8999'],
  ['processingunit', listening([17, '65536']), ports(0), '`65536`', 'write 80'],
  ['processingunit', listening([17, 'http']), ports(0), '`http`', 'write 80'],
  // What the schema says of sizes and types, in words.
  ['externalnetwork', { name: 'n'.repeat(257) }, 'name', 'it has 257 characters; at most 256 are possible'],
  ['enforcer', { FQDN: '' }, 'FQDN', 'it must not be empty'],
  ['processingunit', { networkServices: [7] }, 'networkServices[0]', 'it must be an object'],
  ['processingunit', listening([256]), 'networkServices[0].protocol', 'it must be at most 255'],
  ['processingunit', { enforcerID: 'x' }, 'enforcerID', '24 lower-case hex'],
  ['enforcer', { subnets: ['10.0.0.1'] }, 'subnets[0]', '10.0.0.1'],
  // What is no longer possible, or not from here.
  ['namespacemappingpolicy', { subject: [['$identity=enforcer']] }, 'subject', 'no longer mapped', 'install'],
  ['namespacemappingpolicy', { mappedNamespace: '/other' }, 'mappedNamespace', '"/other"', 'below'],
  ['namespacemappingpolicy', { mappedNamespace: '/' }, 'mappedNamespace', '"/"', 'below'],
  ['namespacemappingpolicy', { mappedNamespace: 'a//b' }, 'mappedNamespace', '"a//b"'],
  ['namespacemappingpolicy', { mappedNamespace: '/a/' }, 'mappedNamespace', '"/a/"'],
  ['apiauthorizationpolicy', { authorizedNamespace: '/' }, 'authorizedNamespace', '"/"', 'below'],
  ['apiauthorizationpolicy', { subject: [[claims[0]?.[0]]] }, 'subject[0]', 'at least two claims'],
  ['apiauthorizationpolicy', { subject: [['@auth:a=b', '@auth:c=d']] }, 'subject[0]', '@auth:realm='],
  ['apiauthorizationpolicy', { subject: [['@auth:realm=x', 'app=web']] }, 'subject[0]', '`app=web`'],
  [
    'apiauthorizationpolicy',
    { subject: [['@auth:realm=oidc', '@auth:email=x']] },
    'subject[0]',
    '@auth:namespace=',
  ],
  [
    'apiauthorizationpolicy',
    { authorizedIdentities: ['root'] },
    'authorizedIdentities[0]',
    '"root"',
    '@auth:role=',
  ],
  [
    'apiauthorizationpolicy',
    { authorizedIdentities: ['@auth:role=root'] },
    'authorizedIdentities[0]',
    'no such role',
  ],
  [
    'apiauthorizationpolicy',
    { authorizedIdentities: ['constructor,get'] },
    'authorizedIdentities[0]',
    'no such',
  ],
  ['apiauthorizationpolicy', { authorizedSubnets: ['office'] }, 'authorizedSubnets[0]', '`office`', 'CIDR'],
  ['apiauthorizationpolicy', { expirationTime: 'soon' }, 'expirationTime', '"soon"'],
  ['appcredential', { roles: ['@auth:role=root'] }, 'roles[0]', 'no such role'],
  ['appcredential', { roles: ['@auth:role=constructor'] }, 'roles[0]', 'no such role'],
  ['appcredential', { roles: [] }, 'roles', 'at least one role'],
  ['appcredential', { maxIssuedTokenValidity: 'a day' }, 'maxIssuedTokenValidity', '1h'],
  // What only the server writes.
  ['externalnetwork', { ID: '0190f3a1b2c3d4e5f6071829' }, 'ID', '0190f3a1b2c3d4e5f6071829', 'read-only'],
  ['externalnetwork', { namespace: '/other' }, 'namespace', '"/other"', 'read-only'],
  ['externalnetwork', { updateTime: '2026-01-01T00:00:00.000Z' }, 'updateTime', 'read-only'],
  ['externalnetwork', { normalizedTags: ['$identity=x'] }, 'normalizedTags', 'read-only'],
  ['appcredential', { certificate: 'mine' }, 'certificate', 'read-only'],
  ['appcredential', { credentials: { ID: 'mine' } }, 'credentials', 'read-only'],
  ['cloudaccount', { status: 'Ready' }, 'status', 'read-only'],
];

describe('a create is refused with 422, naming attribute, value and remedy', () => {
  it.each(cases(onCreate))('$identity $sent: $attribute', async ({ identity, over, attribute, words }) => {
    const body = { ...minimal(tenant)[identity], ...over };
    const refused = await plane.root(`POST /${resourceOf(identity).plural}`, tenant, { body });
    expect(refused.status, refused.text).toBe(422);
    const found = refused.errors.find(({ data }) => data?.attribute === attribute);
    expect(found, refused.text).toMatchObject({ code: 422, title: 'Validation Error', subject: 'microseg' });
    for (const word of words) expect(found?.description).toContain(word);
  });

  it('maps processing units strictly downwards, so that no mapping leads in a circle', async () => {
    const body = { ...minimal(tenant).namespacemappingpolicy, mappedNamespace: tenant };
    const refused = await plane.root('POST /namespacemappingpolicies', tenant, { body });
    expect([refused.status, refused.errors[0]?.data?.attribute]).toEqual([422, 'mappedNamespace']);
    const below = { ...body, mappedNamespace: `${tenant}/child` };
    expect((await plane.root('POST /namespacemappingpolicies', tenant, { body: below })).status).toBe(200);
  });

  it('names everything that is wrong at once', async () => {
    const body = { entries: ['x y'], colour: 1, servicePorts: ['tcp/1'] };
    const { errors } = await plane.root('POST /externalnetworks', tenant, { body });
    expect(errors.map(({ data }) => data?.attribute).sort()).toEqual([
      'colour',
      'entries[0]',
      'name',
      'servicePorts',
    ]);
  });

  it('takes empty values of what only the server writes, as the original does', async () => {
    const body = { ...minimal(tenant).externalnetwork, ID: '', normalizedTags: [], createTime: null };
    expect((await plane.root('POST /externalnetworks', tenant, { body })).status).toBe(200);
  });
});

const onUpdate: readonly Row[] = [
  ['namespace', { type: 'Group' }, 'type', '"Group"', 'never changes'],
  ['namespace', { name: 'renamed' }, 'name', '"renamed"', 'never changes'],
  ['enforcer', { FQDN: 'other.example.com' }, 'FQDN', 'never changes'],
  ['processingunit', { type: 'Host' }, 'type', 'never changes'],
  ['cloudaccount', { accountID: '1' }, 'accountID', 'never changes'],
  ['externalnetwork', { metadata: ['@a=b'] }, 'metadata', 'never changes'],
  ['externalnetwork', { ID: '0190f3a1b2c3d4e5f6071829' }, 'ID', 'read-only'],
  ['externalnetwork', { createTime: '2026-01-01T00:00:00.000Z' }, 'createTime', 'read-only'],
  ['cloudaccount', { status: 'Ready' }, 'status', 'read-only'],
  ['externalnetwork', { servicePorts: ['tcp/443'] }, 'servicePorts', 'protocolPorts'],
  ['externalnetwork', { entries: ['10.0.0.0/33'] }, 'entries[0]', '`10.0.0.0/33`'],
  ['externalnetwork', { colour: 'red' }, 'colour', 'is unknown here'],
  ['namespacemappingpolicy', { subject: [['$identity=enforcer']] }, 'subject', 'no longer mapped'],
  ['namespacemappingpolicy', { mappedNamespace: 'a//b' }, 'mappedNamespace', 'a//b'],
  ['networkrulesetpolicy', { incomingRules: [rule, rule] }, 'incomingRules[1]', 'equals rule 1'],
  ['externalnetwork', { name: null }, 'name', 'null'],
];

describe('an update is refused with 422, full or sparse', () => {
  it.each(cases(onUpdate))('$identity $sent: $attribute', async ({ identity, over, attribute, words }) => {
    const own = await plane.tenant();
    const { plural } = resourceOf(identity);
    const { object } = await plane.root(`POST /${plural}`, own, { body: minimal(own)[identity] });
    const { credentials: _, ...made } = object;
    for (const [method, body] of [
      ['PUT', { ...made, ...over }],
      ['PATCH', over],
    ] as const) {
      const refused = await plane.root(`${method} /${plural}/${made.ID}`, own, { body });
      expect(refused.status, refused.text).toBe(422);
      const found = refused.errors.find(({ data }) => data?.attribute === attribute);
      for (const word of words) expect(found?.description, refused.text).toContain(word);
    }
    expect((await plane.root(`GET /${plural}/${made.ID}`, own)).object).toEqual(made);
  });

  it('a full one without updateTime with 422, a stale one with 409', async () => {
    const { object } = await plane.root('POST /externalnetworks', tenant, {
      body: minimal(tenant).externalnetwork,
    });
    const one = `/externalnetworks/${object.ID}` as const;
    const without = await plane.root(`PUT ${one}`, tenant, { body: minimal(tenant).externalnetwork });
    expect([without.status, without.errors[0]?.data?.attribute]).toEqual([422, 'updateTime']);
    await plane.root(`PATCH ${one}`, tenant, { body: { description: 'newer' } });
    for (const method of ['PUT', 'PATCH'] as const) {
      const stale = await plane.root(`${method} ${one}`, tenant, { body: object });
      expect([stale.status, stale.errors[0]?.title, stale.errors[0]?.data]).toEqual([
        409,
        'Conflict',
        { attribute: 'updateTime', value: object.updateTime },
      ]);
    }
  });
});

describe('a request is refused', () => {
  const network = { name: 'office', entries: ['192.0.2.0/24'] };

  it('with 422 Duplicate Key for a name that is taken', async () => {
    await plane.namespace(tenant, 'taken');
    const again = await plane.root('POST /namespaces', tenant, { body: { name: 'taken' } });
    expect(again.errors).toMatchObject([
      { code: 422, title: 'Duplicate Key', data: { attribute: 'name', value: `${tenant}/taken` } },
    ]);
  });

  it('with 404 for a namespace that is not there', async () => {
    const missing = await plane.root('GET /externalnetworks', `${tenant}/missing`);
    expect([missing.status, missing.errors[0]?.description]).toEqual([
      404,
      `no namespace \`${tenant}/missing\`; create it in its parent first`,
    ]);
  });

  it.each([
    ['no namespace', undefined, network, 400, 'X-Namespace is missing'],
    ['an empty namespace', '', network, 400, 'X-Namespace is missing'],
    ['a namespace without a slash', 'tenant', network, 400, '`tenant`, which is no path'],
    ['a slash at the end of the namespace', '/a/', network, 400, '`/a/`'],
    ['dots in the namespace', '/a/../b', network, 400, '`/a/../b`'],
    ['an empty part in the namespace', '//', network, 400, '`//`'],
    ['two namespaces', '/a,/b', network, 400, '`/a,/b`'],
    ['a namespace of 1025 characters', `/${'a'.repeat(1024)}`, network, 400, 'X-Namespace'],
    ['half a body', '/', '{"name": ', 400, 'the body is not JSON'],
    ['an empty body', '/', '', 400, 'there is no body'],
    ['a deep body', '/', `{"name": ${'['.repeat(200_000)}${']'.repeat(200_000)}}`, 400, 'deep'],
    ['a list', '/', '[]', 422, 'one JSON object'],
    ['null', '/', 'null', 422, 'one JSON object'],
    ['a long body', '/', `"${'x'.repeat(LIMITS.requestBody)}"`, 413, '1048578 bytes'],
  ] as const)('that has %s', async (_, namespace, body, status, words) => {
    const headers = namespace === undefined ? { 'x-namespace': undefined } : {};
    const refused = await plane.root('POST /externalnetworks', namespace ?? '', { body, headers });
    expect([refused.status, refused.errors[0]?.description]).toEqual([
      status,
      expect.stringContaining(words),
    ]);
  });

  it.each([
    ['GET /externalnetworks/nothing', 404, '`nothing`'],
    ['GET /externalnetworks/..%2f..', 404, '`../..`'],
    ['GET /externalnetworks/0190F3A1B2C3D4E5F6071829', 404, '`0190F3A1B2C3D4E5F6071829`'],
    ['GET /nothing', 404, 'openapi.json'],
    ['PATCH /externalnetworks', 405, 'openapi.json'],
  ] as const)('that is %s: %i', async (line, status, words) => {
    const refused = await plane.root(line, '/');
    expect([refused.status, refused.errors[0]?.description]).toEqual([
      status,
      expect.stringContaining(words),
    ]);
  });

  it.each([
    [undefined, 200],
    ['', 200],
    ['text/plain', 415],
    ['application/x-www-form-urlencoded', 415],
    ['application/jsonx', 415],
    ['application/yaml', 415],
    ['application/json', 200],
    ['Application/JSON; charset=utf-8', 200],
    ['application/*', 200],
    ['*/*', 200],
  ])('or not, for the content type %j: %i', async (type, status) => {
    const sent = { body: network, headers: { 'content-type': type } };
    const answered = await plane.root('POST /externalnetworks', tenant, sent);
    expect(answered.status, answered.text).toBe(status);
  });

  it('takes a body of exactly 1 MB', async () => {
    const text = JSON.stringify({ ...network, colour: '' });
    const body = text.replace('""', `"${'x'.repeat(LIMITS.requestBody - text.length)}"`);
    expect((await plane.root('POST /externalnetworks', tenant, { body })).status).toBe(422);
    expect((await plane.root('POST /externalnetworks', tenant, { body: `${body} ` })).status).toBe(413);
  });

  it('with 413 for an object that no item can hold', async () => {
    const body = { ...network, annotations: { big: ['x'.repeat(LIMITS.item)] } };
    const refused = await plane.root('POST /externalnetworks', tenant, { body });
    expect([refused.status, refused.errors[0]?.title]).toEqual([413, 'Payload Too Large']);
  });
});

describe('what goes wrong unexpectedly', () => {
  it('leaves as a bare 500 with its trace and is logged whole', async () => {
    const broken = await openPlane(deps => ({
      ...deps,
      store: {
        ...deps.store,
        list: (resource, ...rest) => {
          if (resource === 'externalnetwork') throw new TypeError('secret detail of the store');
          return deps.store.list(resource, ...rest);
        },
      },
    }));
    const answered = await broken.root('GET /externalnetworks', '/');
    await broken.stop();
    const trace = answered.headers['x-request-id'] ?? '';
    expect(trace).not.toBe('');
    expect([answered.status, answered.errors]).toEqual([
      500,
      [
        {
          code: 500,
          title: 'Internal Server Error',
          description: `something went wrong here; give the trace ${trace} to whoever runs this API`,
          subject: 'microseg',
          trace,
        },
      ],
    ]);
    expect(broken.errors).toEqual([
      {
        message: 'request failed',
        fields: {
          requestID: trace,
          operation: 'listExternalnetwork',
          namespace: '/',
          error: expect.stringMatching(/secret detail of the store\n +at /),
        },
      },
    ]);
  });
});

/** Words that a guesser would try: attributes of the resource, names that every object inherits. */
const json = (identity: Noun) => {
  const { input, readOnly } = resourceOf(identity);
  const keys = [
    ...Object.keys(input.shape),
    ...Object.keys(readOnly),
    '__proto__',
    'constructor',
    'toString',
  ];
  const words = fc.constantFrom(
    '',
    '/',
    '..',
    'app=web',
    '@auth:realm=a',
    '10.0.0.0/8',
    '!',
    'tcp/80',
    '\0',
    '\ud800',
  );
  const { tree } = fc.letrec(tie => ({
    tree: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      fc.oneof(fc.constantFrom(null, true, false, 0, -1, 1e308), words, fc.string()),
      fc.array(tie('tree'), { maxLength: 3 }),
      fc.dictionary(fc.oneof(fc.constantFrom(...keys), fc.string()), tie('tree'), { maxKeys: 4 }),
    ),
  }));
  const wild = fc.dictionary(fc.constantFrom(...keys), tree, { maxKeys: 4 });
  return fc.oneof(
    tree,
    wild.map(fields => ({ ...minimal(tenant)[identity], ...fields })),
  );
};

describe('whatever JSON is sent', () => {
  it.each(identities)('creates a %s or is refused, and never gives a 500', async identity => {
    const line: RequestLine = `POST /${resourceOf(identity).plural}`;
    await fc.assert(
      fc.asyncProperty(json(identity), async body => {
        const answered = await plane.root(line, tenant, { body: JSON.stringify(body) ?? '' });
        expect(answered.status, JSON.stringify(plane.errors.at(-1))).not.toBe(500);
        if (answered.status !== 200) expect(answered.errors.length).toBeGreaterThan(0);
      }),
      { numRuns: 20 },
    );
  });

  it('imports or is refused, and never gives a 500', async () => {
    const file = fc.dictionary(
      fc.constantFrom(...identities.map(identity => resourceOf(identity).plural), '__proto__', 'nothing'),
      fc.array(fc.oneof(...identities.map(json)), { maxLength: 2 }),
      { maxKeys: 3 },
    );
    await fc.assert(
      fc.asyncProperty(file, async data => {
        const body = JSON.stringify({ data: { label: 'fuzz', data } });
        const answered = await plane.root('POST /import', tenant, { body });
        expect(answered.status, JSON.stringify(plane.errors.at(-1))).not.toBe(500);
      }),
      { numRuns: 20 },
    );
  });
});
