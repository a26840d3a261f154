import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ExportAnswer, ImportReport } from '../../shared/api/messages.ts';
import { notExported } from '../../shared/core/export.ts';
import { type Identity, identities, resourceOf } from '../../shared/schema/resources.ts';
import { type Caller, openPlane, type Plane } from '../make/plane.ts';
import { minimal } from './inputs.ts';

let plane: Plane;
beforeAll(async () => {
  plane = await openPlane();
});
afterAll(() => plane.stop());

const exportable = identities.filter(identity => !notExported(identity));

const exported = async (
  by: Caller,
  namespace: string,
  named: readonly string[],
  query = '',
): Promise<ExportAnswer> => {
  const body = { identities: named, label: 'base' };
  const answered = await by(`POST /export${query}`, namespace, { body });
  expect(answered.status, answered.text).toBe(200);
  return ExportAnswer.parse(JSON.parse(answered.text));
};

const imported = async (namespace: string, data: ExportAnswer): Promise<ImportReport> => {
  const answered = await plane.root('POST /import', namespace, { body: { data } });
  expect(answered.status, answered.text).toBe(200);
  return ImportReport.parse(JSON.parse(answered.text));
};

const create = async (identity: Identity, namespace: string, body: object): Promise<void> => {
  const { plural } = resourceOf(identity);
  const answered = await plane.root(`POST /${plural}`, namespace, { body });
  expect(answered.status, answered.text).toBe(200);
};

describe('an export', () => {
  it('says what was said and nothing else', async () => {
    const tenant = await plane.tenant();
    const rule = { object: [['app=db']], protocolPorts: ['tcp/5432'] };
    const web = { name: 'web', subject: [['app=web']], incomingRules: [{ ...rule, action: 'Allow' }] };
    await create('networkrulesetpolicy', tenant, { ...web, propagate: true, disabled: false });
    await create('namespace', tenant, { name: 'child', type: 'Group' });
    await create('externalnetwork', `${tenant}/child`, { name: 'office', entries: ['192.0.2.0/24'] });
    const named = ['extnets', 'NetworkRulesetPolicies', 'ns', 'namespace'];
    expect(await exported(plane.root, tenant, named, '?recursive')).toEqual({
      APIVersion: 1,
      label: 'base',
      identities: ['externalnetwork', 'namespace', 'networkrulesetpolicy'],
      data: {
        externalnetworks: [{ name: 'office', entries: ['192.0.2.0/24'], namespace: './child' }],
        namespaces: [{ name: 'child', type: 'Group', organizationalMetadata: ['@org:group=child'] }],
        networkrulesetpolicies: [{ ...web, incomingRules: [rule], propagate: true }],
      },
    });
    const { data } = await exported(plane.root, tenant, named);
    expect(Object.keys(data)).toEqual(['namespaces', 'networkrulesetpolicies']);
    const filtered = await exported(plane.root, tenant, named, '?recursive&q=name%20==%20office');
    expect(Object.keys(filtered.data)).toEqual(['externalnetworks']);
  });

  it.each(exportable)('of each %s goes through an import and back', async identity => {
    const [from, to] = [await plane.tenant(), await plane.tenant()];
    const { oidcprovider, ...rest } = minimal(from);
    const input = { ...rest, oidcprovider: { ...oidcprovider, clientSecret: 'hunter2' } }[identity];
    await create(identity, from, { ...input, description: 'kept', annotations: { a: ['b'] } });
    const first = await exported(plane.root, from, [identity], '?recursive');
    expect(Object.values(first.data).flat()).toMatchObject([{ description: 'kept' }]);
    expect(JSON.stringify(first)).not.toContain('hunter2');
    await imported(to, first);
    expect(await exported(plane.root, to, [identity], '?recursive')).toEqual(first);
  });

  it('of an import of an export is that export, over random trees', async () => {
    const name = fc.constantFrom('a', 'b', 'c');
    const place = fc.array(name, { maxLength: 2 }).map(parts => parts.join('/'));
    const network = fc.record({
      name,
      entries: fc.constantFrom(['192.0.2.0/24'], ['10.0.0.0/8', '!10.1.0.0/16'], ['www.example.com']),
      propagate: fc.boolean(),
      associatedTags: fc.constantFrom([], ['team=a']),
      metadata: fc.constantFrom([], ['@own=1']),
    });
    const policy = fc.record({
      name,
      subject: fc.constantFrom([['@auth:realm=certificate', '@auth:subject=x']]),
      authorizedIdentities: fc.constantFrom(['externalnetwork,get'], ['@auth:role=namespace.viewer']),
    });
    const objects = fc.array(fc.tuple(place, fc.oneof(network, policy)), { maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(objects, async given => {
        const [from, to] = [await plane.tenant(), await plane.tenant()];
        const made = new Set<string>();
        for (const [path, object] of given) {
          const parts = path.split('/').filter(part => part !== '');
          for (const [at, part] of parts.entries()) {
            const parent = [from, ...parts.slice(0, at)].join('/');
            if (!made.has(`${parent}/${part}`))
              await create('namespace', parent, { name: part, type: 'Group' });
            made.add(`${parent}/${part}`);
          }
          const home = [from, ...parts].join('/');
          if ('entries' in object) await create('externalnetwork', home, object);
          else await create('apiauthorizationpolicy', home, { ...object, authorizedNamespace: home });
        }
        const named = ['namespace', 'externalnetwork', 'apiauthorizationpolicy'];
        const first = await exported(plane.root, from, named, '?recursive');
        expect(Object.values(first.data).flat()).toHaveLength(given.length + made.size);
        await imported(to, first);
        expect(await exported(plane.root, to, named, '?recursive')).toEqual(first);
        expect(await imported(to, first)).toMatchObject({ created: 0, updated: 0 });
      }),
      { numRuns: 25 },
    );
  });

  it('needs the right to export and to see what is exported', async () => {
    const tenant = await plane.tenant();
    const body = { identities: ['externalnetwork'] };
    const rulesets = await plane.member(tenant, ['ruleset.administrator']);
    expect((await rulesets('POST /export', tenant, { body })).status).toBe(403);
    const exporter = await plane.member(tenant, ['namespace.exporter', 'ruleset.administrator']);
    expect((await exporter('POST /export', tenant, { body })).status).toBe(200);
    const more = { identities: ['externalnetwork', 'apiauth'] };
    const refused = await exporter('POST /export', tenant, { body: more });
    expect([refused.status, refused.errors[0]?.description]).toEqual([
      403,
      `you may not get apiauthorizationpolicy in ${tenant}`,
    ]);
  });

  it('leaves out what only the original has, and says so', async () => {
    const tenant = await plane.tenant();
    await plane.root('POST /externalnetworks', tenant, { body: { name: 'n', entries: ['10.0.0.0/8'] } });
    const body = { identities: ['automation', 'externalnetwork', 'httpresourcespecs'] };
    const answered = await plane.root('POST /export', tenant, { body });
    expect(JSON.parse(answered.text)).toMatchObject({
      identities: ['externalnetwork'],
      data: { externalnetworks: [{ name: 'n' }] },
    });
    expect(answered.headers['x-messages']).toMatch(
      /^automation was left out: .*httpresourcespecs was left out/,
    );
  });

  it.each([
    [[], 'identities', 'at least one'],
    [['colour'], 'identities[0]', 'names no resource'],
    [['extnet', 'appcred'], 'identities[1]', 'kept by nobody'],
  ])('refuses the identities %j with 422', async (named, attribute, words) => {
    const refused = await plane.root('POST /export', '/', { body: { identities: named } });
    expect([refused.status, refused.errors[0]?.data?.attribute]).toEqual([422, attribute]);
    expect(refused.errors[0]?.description).toContain(words);
  });
});
