import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ImportReport } from '../../shared/api/messages.ts';
import { type Caller, openPlane, type Plane } from '../make/plane.ts';

let plane: Plane;
beforeAll(async () => {
  plane = await openPlane();
});
afterAll(() => plane.stop());

/** As an export of the original writes it: plural keys, defaults omitted, namespaces relative. */
const data = {
  networkrulesetpolicies: [
    {
      name: 'web',
      subject: [['app=web']],
      incomingRules: [{ object: [['externalnetwork:name=office']], protocolPorts: ['tcp/443'] }],
      namespace: './prod/group',
    },
  ],
  externalnetworks: [
    { name: 'office', entries: ['192.0.2.0/24'], associatedTags: ['externalnetwork:name=office'] },
  ],
  namespaces: [
    { name: 'group', type: 'Group', namespace: 'prod' },
    { name: 'prod', type: 'CloudAccount' },
  ],
};

const send = (by: Caller, namespace: string, sent: object, label?: string) =>
  by('POST /import', namespace, {
    body: { data: { APIVersion: 1, ...(label ? { label } : {}), data: sent } },
  });

const report = async (by: Caller, namespace: string, sent: object, label?: string) => {
  const answered = await send(by, namespace, sent, label);
  expect(answered.status, answered.text).toBe(200);
  return ImportReport.parse(JSON.parse(answered.text));
};

const names = async (plural: string, namespace: string): Promise<string[]> =>
  (await plane.root(`GET /${plural}?recursive`, namespace)).list.map(({ name }) => name);

describe('an import', () => {
  it('goes round: everything is there, parents before children whatever their order', async () => {
    const tenant = await plane.tenant();
    expect(await report(plane.root, tenant, data, 'base')).toEqual({
      label: 'base',
      created: 4,
      updated: 0,
      unchanged: 0,
      removed: 0,
      findings: [],
    });
    expect(await names('namespaces', tenant)).toEqual([`${tenant}/prod`, `${tenant}/prod/group`]);
    const [ruleset] = (await plane.root('GET /networkrulesetpolicies', `${tenant}/prod/group`)).list;
    expect(ruleset).toMatchObject({ name: 'web', metadata: ['@import:label=base'] });
    expect(await names('externalnetworks', tenant)).toEqual(['office']);
  });

  it('changes nothing the second time under the same label', async () => {
    const tenant = await plane.tenant();
    await report(plane.root, tenant, data, 'base');
    const before = await plane.root('GET /networkrulesetpolicies?recursive', tenant);
    expect(await report(plane.root, tenant, data, 'base')).toMatchObject({
      created: 0,
      updated: 0,
      unchanged: 4,
    });
    expect((await plane.root('GET /networkrulesetpolicies?recursive', tenant)).list).toEqual(before.list);
  });

  it('updates what changed and leaves the rest', async () => {
    const tenant = await plane.tenant();
    await report(plane.root, tenant, data, 'base');
    const changed = {
      ...data,
      externalnetworks: [{ ...data.externalnetworks[0], entries: ['198.51.100.0/24'] }],
    };
    expect(await report(plane.root, tenant, changed, 'base')).toMatchObject({ updated: 1, unchanged: 3 });
    expect((await plane.root('GET /externalnetworks', tenant)).list).toMatchObject([
      { entries: ['198.51.100.0/24'] },
    ]);
  });

  it('makes duplicates under another label, but never two namespaces of one name', async () => {
    const tenant = await plane.tenant();
    await report(plane.root, tenant, data, 'base');
    expect(await report(plane.root, tenant, data, 'other')).toMatchObject({ created: 2, unchanged: 2 });
    expect(await names('externalnetworks', tenant)).toEqual(['office', 'office']);
  });

  it('without a label makes one up and says it', async () => {
    const tenant = await plane.tenant();
    const { label } = await report(plane.root, tenant, data);
    expect(label).not.toBe('');
    expect(await report(plane.root, tenant, data, label)).toMatchObject({ created: 0, unchanged: 4 });
  });

  it('keeps two objects of one name two, also when it is repeated', async () => {
    const tenant = await plane.tenant();
    const twice = {
      externalnetworks: ['10.0.0.0/8', '192.0.2.0/24'].map(entry => ({ name: 'n', entries: [entry] })),
    };
    expect(await report(plane.root, tenant, twice, 'base')).toMatchObject({ created: 2 });
    expect(await report(plane.root, tenant, twice, 'base')).toMatchObject({
      created: 0,
      updated: 0,
      unchanged: 2,
    });
  });

  it('names a bad object by its place, and leaves its whole namespace as it was', async () => {
    const tenant = await plane.tenant();
    const bad = { name: 'bad', entries: ['10.0.0.0/33'] };
    const refused = await send(
      plane.root,
      tenant,
      { externalnetworks: [...data.externalnetworks, bad] },
      'base',
    );
    expect([refused.status, refused.errors[0]?.data?.attribute]).toEqual([422, 'entries[0]']);
    expect(refused.errors[0]?.description).toMatch(
      /^data\.externalnetworks\[1\]: Attribute 'entries\[0\]' is wrong/,
    );
    expect(refused.errors[0]?.description).toContain(`nothing was applied in ${tenant}, and 0 in namespaces`);
    expect(await names('externalnetworks', tenant)).toEqual([]);
    const mended = { externalnetworks: [...data.externalnetworks, { ...bad, entries: ['10.0.0.0/8'] }] };
    expect(await report(plane.root, tenant, mended, 'base')).toMatchObject({ created: 2 });
  });

  it('says how much was applied in the namespaces before a bad one, and goes on when repeated', async () => {
    const tenant = await plane.tenant();
    const bad = { ...data, networkrulesetpolicies: [{ ...data.networkrulesetpolicies[0], subject: [] }] };
    const refused = await send(plane.root, tenant, bad, 'base');
    expect(refused.errors[0]?.description).toMatch(
      /^data\.networkrulesetpolicies\[0\]: .*; nothing was applied in \S+\/prod\/group, and 3 in namespaces before it; repeat the import with label `base`/,
    );
    expect(refused.errors[0]?.data).toMatchObject({ attribute: 'subject', applied: 3 });
    expect(await report(plane.root, tenant, data, 'base')).toMatchObject({ created: 1, unchanged: 3 });
  });

  it('writes a namespace that is too large for one transaction in several', async () => {
    const tenant = await plane.tenant();
    const many = Array.from({ length: 120 }, (_, at) => ({ name: `n${at}`, entries: ['192.0.2.0/24'] }));
    expect(await report(plane.root, tenant, { externalnetworks: many }, 'base')).toMatchObject({
      created: 120,
    });
    expect(await names('externalnetworks', tenant)).toHaveLength(120);
  });

  it.each([
    [{ colours: [{}] }, 'data.colours', 'names no resource'],
    [
      { externalnetworks: [{ name: 'a', entries: ['10.0.0.0/8'], namespace: '../other' }] },
      'namespace',
      'relative',
    ],
    [
      { externalnetworks: [{ name: 'a', entries: ['10.0.0.0/8'], namespace: { toString: 1 } }] },
      'namespace',
      'relative',
    ],
    [{ externalnetworks: [{ name: 'a', entries: ['10.0.0.0/8'], metadata: true }] }, 'metadata', 'true'],
    [{ externalnetworks: [{ name: 'a', entries: ['10.0.0.0/8'], servicePorts: [1] }] }, 'servicePorts', '1'],
    [{ externalnetworks: [{ name: 'a', entries: ['10.0.0.0/8'], namespace: '/b' }] }, 'namespace', '/b'],
    [{ appcredentials: [{ name: 'a' }] }, 'data.appcredentials', 'nobody would receive the keys'],
    [{ externalnetworks: [{ name: 'a', entries: ['10.0.0.0/8'], namespace: '/' }] }, 'namespace', '/'],
    [{ namespaces: [{ name: { toString: 1 } }] }, 'name', 'must be a text'],
    [{ namespaces: [{ name: 'a/b' }] }, 'name', 'short name'],
    [{ namespaces: [{ name: 'a' }, { name: 'a' }] }, 'name', 'already'],
  ])('refuses %j with 422', async (sent, attribute, words) => {
    const tenant = await plane.tenant();
    const refused = await send(plane.root, tenant, sent, 'base');
    expect(refused.status, refused.text).toBe(422);
    expect(String(refused.errors[0]?.data?.attribute)).toContain(attribute);
    expect(refused.errors[0]?.description).toContain(words);
  });

  it('takes a file that names every resource of the original, with empty lists and without', async () => {
    const tenant = await plane.tenant();
    const authorization = {
      name: '[auto] api authorization for app credentials',
      annotations: { 'aporeto:createdby': ['aporeto:cactuar'] },
      subject: [
        ['@auth:realm=certificate', `@auth:organization=${tenant}`, '@auth:commonname=app:credential:x:y'],
      ],
      authorizedIdentities: ['@auth:role=enforcer'],
      authorizedNamespace: tenant,
      expirationTime: '2031-01-01T00:00:00Z',
      propagate: true,
      propagationHidden: true,
    };
    const sent = {
      apiauthorizationpolicies: [authorization],
      appcredentials: [],
      automations: [{ name: 'nightly' }, {}],
      externalnetworks: [{ name: 'Kube DNS', entries: ['172.20.0.10/32'], propagate: true }],
      filepaths: [],
      httpresourcespecs: [],
      services: [{ name: 'shop' }],
      somethings: [],
    };
    const first = await report(plane.root, tenant, sent, 'Weaverluminous Warrior');
    expect(first).toMatchObject({ created: 2 });
    expect(first.findings.map(({ at, name }) => `${at} ${name}`)).toEqual([
      'data.automations[0] nightly',
      'data.automations[1] ',
      'data.services[0] shop',
    ]);
    expect(first.findings[0]?.message).toContain('left out');
    expect(await report(plane.root, tenant, sent, 'Weaverluminous Warrior')).toMatchObject({ unchanged: 2 });
    const single = { apiauthorizationpolicies: [{ ...authorization, propagate: false }], services: null };
    const told = await send(plane.root, tenant, single, 'Weaverluminous Warrior');
    expect(JSON.parse(told.text)).toMatchObject({ unchanged: 1 });
  });

  it('takes namespaces in full, where they are in its own', async () => {
    const tenant = await plane.tenant();
    const child = await plane.namespace(tenant, 'child');
    const networks = [tenant, child].map(namespace => ({ name: 'n', entries: ['10.0.0.0/8'], namespace }));
    expect(await report(plane.root, tenant, { externalnetworks: networks }, 'full')).toMatchObject({
      created: 2,
    });
    const listed = await plane.root('GET /externalnetworks?recursive', tenant);
    expect(listed.list.map(({ namespace }) => namespace).sort()).toEqual([tenant, child]);
  });

  it('refuses an object in a namespace that is not there, with 404', async () => {
    const tenant = await plane.tenant();
    const refused = await send(plane.root, tenant, {
      externalnetworks: [{ ...data.externalnetworks[0], namespace: 'x' }],
    });
    expect([refused.status, refused.errors[0]?.description]).toEqual([
      404,
      expect.stringContaining(`data.externalnetworks[0]: no namespace \`${tenant}/x\``),
    ]);
  });

  it('leaves protected objects alone unless it overrides', async () => {
    const tenant = await plane.tenant();
    const kept = { externalnetworks: [{ name: 'kept', entries: ['10.0.0.0/8'], protected: true }] };
    await report(plane.root, tenant, kept, 'base');
    const changed = { externalnetworks: [{ ...kept.externalnetworks[0], description: 'changed' }] };
    expect((await send(plane.root, tenant, changed, 'base')).status).toBe(409);
  });

  it('needs the right to import and the rights on what is imported', async () => {
    const tenant = await plane.tenant();
    const rulesets = await plane.member(tenant, ['ruleset.administrator']);
    expect((await send(rulesets, tenant, data)).status).toBe(403);
    const importer = await plane.member(tenant, ['namespace.importer', 'ruleset.administrator']);
    const refused = await send(importer, tenant, { externalnetworks: data.externalnetworks });
    expect([refused.status, refused.errors[0]?.description]).toEqual([
      403,
      expect.stringContaining(`you may not post externalnetwork in ${tenant}`),
    ]);
    expect(await names('externalnetworks', tenant)).toEqual([]);
    const own = { networkrulesetpolicies: [{ name: 'web', subject: [['app=web']] }] };
    expect(await report(importer, tenant, own)).toMatchObject({ created: 1 });
  });

  it('grants no more than the importer holds', async () => {
    const tenant = await plane.tenant();
    const editor = await plane.member(tenant, ['namespace.importer', 'infrastructure.administrator']);
    const policy = {
      name: 'more',
      subject: [['@auth:realm=certificate', '@auth:subject=me']],
      authorizedIdentities: ['@auth:role=namespace.administrator'],
      authorizedNamespace: '.',
    };
    expect((await send(editor, tenant, { apiauthorizationpolicies: [policy] })).status).toBe(403);
    const less = { ...policy, authorizedIdentities: ['externalnetwork,get'] };
    await report(editor, tenant, { apiauthorizationpolicies: [less] });
    expect((await plane.root('GET /apiauthorizationpolicies', tenant)).list).toMatchObject([
      { name: 'more', authorizedNamespace: tenant },
    ]);
  });
});

describe('what has no effect any more', () => {
  it('is kept with a finding where it has a place: ports of external networks', async () => {
    const tenant = await plane.tenant();
    const old = { externalnetworks: [{ ...data.externalnetworks[0], servicePorts: ['tcp/443'] }] };
    const first = await report(plane.root, tenant, old, 'base');
    expect(first.findings).toMatchObject([
      { at: 'data.externalnetworks[0]', name: 'office', message: expect.stringContaining('["tcp/443"]') },
    ]);
    const stored = (await plane.root('GET /externalnetworks', tenant)).list;
    expect(stored).toMatchObject([{ servicePorts: ['tcp/443'] }]);
    expect(await report(plane.root, tenant, old, 'base')).toMatchObject({ unchanged: 1 });
    const changed = { externalnetworks: [{ ...old.externalnetworks[0], description: 'new' }] };
    expect(await report(plane.root, tenant, changed, 'base')).toMatchObject({ updated: 1 });
    expect((await plane.root('GET /externalnetworks', tenant)).list).toMatchObject([
      { servicePorts: ['tcp/443'], description: 'new' },
    ]);
  });

  describe('roles and identities that only the original had', () => {
    const inert = ['@auth:role=sshidentity.requester', 'sshcertificate,post', '@auth:role=constructor'];
    const policy = {
      name: 'ssh',
      subject: [['@auth:realm=oidc', '@auth:namespace=/t', '@auth:email=a@example.com']],
      authorizedIdentities: [...inert, 'externalnetwork,get'],
      authorizedNamespace: '.',
    };
    const old = { apiauthorizationpolicies: [policy] };

    it('are kept with a finding each, and the authorization grants the rest', async () => {
      const tenant = await plane.tenant();
      const first = await report(plane.root, tenant, old, 'base');
      expect(first).toMatchObject({ created: 1 });
      expect(first.findings.map(({ at, message }) => `${at}: ${message}`)).toEqual(
        inert.map(each => expect.stringContaining(`${each} is kept and grants nothing: there is no such `)),
      );
      expect(first.findings[0]?.at).toBe('data.apiauthorizationpolicies[0]');
      expect(await report(plane.root, tenant, old, 'base')).toMatchObject({ unchanged: 1 });
      const asked = { claims: policy.subject[0], targetNamespace: tenant, clientIP: '192.0.2.1' };
      const { text } = await plane.root('POST /authz', tenant, { body: asked });
      expect(JSON.parse(text)).toEqual({
        permissions: { externalnetwork: { get: true }, sshcertificate: { post: true } },
      });
    });

    it('go round by export and import', async () => {
      const [tenant, other] = [await plane.tenant(), await plane.tenant()];
      await report(plane.root, tenant, old, 'base');
      const body = { identities: ['apiauthorizationpolicy'] };
      const { text } = await plane.root('POST /export', tenant, { body });
      const file = JSON.parse(text);
      await report(plane.root, other, file.data, 'copy');
      expect((await plane.root('GET /apiauthorizationpolicies', other)).list).toMatchObject([
        { name: 'ssh', authorizedIdentities: policy.authorizedIdentities, authorizedNamespace: other },
      ]);
    });

    it('stay in an object that the API changes, with a warning, and cannot be added there', async () => {
      const tenant = await plane.tenant();
      await report(plane.root, tenant, old, 'base');
      const [object] = (await plane.root('GET /apiauthorizationpolicies', tenant)).list;
      const one = `/apiauthorizationpolicies/${object?.ID}` as const;
      const patched = await plane.root(`PATCH ${one}`, tenant, { body: { description: 'x' } });
      expect([patched.status, patched.headers['x-messages']]).toEqual([
        200,
        expect.stringContaining('sshidentity.requester grants nothing: there is no such role'),
      ]);
      const put = await plane.root(`PUT ${one}`, tenant, { body: patched.object });
      expect(put.status, put.text).toBe(200);
      const authorizedIdentities = [...policy.authorizedIdentities, '@auth:role=another'];
      const more = await plane.root(`PATCH ${one}`, tenant, { body: { authorizedIdentities } });
      expect([more.status, more.errors[0]?.description]).toEqual([
        422,
        expect.stringContaining('there is no such role'),
      ]);
      const fewer = await plane.root(`PATCH ${one}`, tenant, {
        body: { authorizedIdentities: ['externalnetwork,get'] },
      });
      expect([fewer.status, fewer.headers['x-messages']]).toEqual([200, undefined]);
    });

    it('may come to mean anything, so that only who holds everything may grant them', async () => {
      const tenant = await plane.tenant();
      const some = await plane.member(tenant, ['namespace.importer', 'infrastructure.administrator']);
      for (const authorized of inert) {
        const one = { apiauthorizationpolicies: [{ ...policy, authorizedIdentities: [authorized] }] };
        const refused = await send(some, tenant, one);
        expect([refused.status, refused.errors[0]?.description]).toEqual([
          403,
          expect.stringContaining(`data.apiauthorizationpolicies[0]: you may not grant ${authorized}`),
        ]);
      }
      expect((await plane.root('GET /apiauthorizationpolicies', tenant)).list).toEqual([]);
    });

    it('are refused still where they are no permissions at all', async () => {
      const tenant = await plane.tenant();
      const wrong = { apiauthorizationpolicies: [{ ...policy, authorizedIdentities: ['@auth:role=', 7] }] };
      expect((await send(plane.root, tenant, wrong)).status).toBe(422);
    });
  });

  it('is left out with a finding where it has none', async () => {
    const tenant = await plane.tenant();
    const old = {
      externalnetworks: [{ ...data.externalnetworks[0], ports: ['443'], protocols: ['tcp'] }],
      namespacemappingpolicies: [
        { name: 'a', subject: [['$identity=enforcer']], mappedNamespace: 'a' },
        { name: 'b', subject: [['app=web']], mappedNamespace: 'a' },
      ],
    };
    const { created, findings } = await report(plane.root, tenant, old, 'base');
    expect([created, findings.map(({ at, message }) => [at, message.split(':')[0]])]).toEqual([
      2,
      [
        ['data.externalnetworks[0]', 'ports was left out'],
        ['data.externalnetworks[0]', 'protocols was left out'],
        ['data.namespacemappingpolicies[0]', 'it was left out'],
      ],
    ]);
  });
});

describe('removal', () => {
  const removal = (more: object, sent: object, label?: string) => ({
    body: { ...more, data: { APIVersion: 1, ...(label ? { label } : {}), data: sent } },
  });

  it('takes away what the label made, the namespaces last, and nothing else', async () => {
    const tenant = await plane.tenant();
    await report(plane.root, tenant, data, 'base');
    await report(plane.root, tenant, { externalnetworks: data.externalnetworks }, 'other');
    const answered = await plane.root('POST /import', tenant, removal({ mode: 'Remove' }, {}, 'base'));
    expect(JSON.parse(answered.text)).toMatchObject({ created: 0, removed: 4, findings: [] });
    expect(await names('namespaces', tenant)).toEqual([]);
    expect(await names('externalnetworks', tenant)).toEqual(['office']);
    expect(await names('networkrulesetpolicies', tenant)).toEqual([]);
  });

  it('leaves a namespace that holds something else, and says so', async () => {
    const tenant = await plane.tenant();
    await report(plane.root, tenant, data, 'base');
    await report(plane.root, `${tenant}/prod`, { externalnetworks: data.externalnetworks }, 'other');
    const answered = await plane.root('POST /import', tenant, removal({ mode: 'Remove' }, {}, 'base'));
    expect(ImportReport.parse(JSON.parse(answered.text))).toMatchObject({
      removed: 3,
      findings: [{ name: `${tenant}/prod`, message: expect.stringContaining('it stays') }],
    });
    expect(await names('namespaces', tenant)).toEqual([`${tenant}/prod`]);
  });

  it('with deleteMissing takes away what the file no longer holds', async () => {
    const tenant = await plane.tenant();
    await report(plane.root, tenant, data, 'base');
    const { networkrulesetpolicies: _, ...rest } = data;
    const sent = removal({ deleteMissing: true }, { ...rest, externalnetworks: [] }, 'base');
    const answered = await plane.root('POST /import', tenant, sent);
    expect(JSON.parse(answered.text)).toMatchObject({ unchanged: 2, removed: 2 });
    expect(await names('networkrulesetpolicies', tenant)).toEqual([]);
    expect(await names('namespaces', tenant)).toHaveLength(2);
  });

  it('needs a label and the right to delete', async () => {
    const tenant = await plane.tenant();
    const unlabelled = await plane.root('POST /import', tenant, removal({ mode: 'Remove' }, {}));
    expect([unlabelled.status, unlabelled.errors[0]?.data?.attribute]).toEqual([422, 'data.label']);
    await report(plane.root, tenant, data, 'base');
    const roles = ['namespace.importer', 'namespace.viewer'];
    const importer = await plane.member(tenant, roles);
    const refused = await importer('POST /import', tenant, removal({ mode: 'Remove' }, {}, 'base'));
    expect([refused.status, refused.errors[0]?.description]).toEqual([
      403,
      expect.stringContaining('you may not delete'),
    ]);
    expect(await names('externalnetworks', tenant)).toEqual(['office']);
  });
});
