import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { routes } from '../../shared/api/routes.ts';
import { newObject, newObjectId } from '../../shared/core/object.ts';
import { NamespacePath } from '../../shared/schema/ids.ts';
import { type Fix, LINTS, LintFinding } from '../../shared/schema/lint.ts';
import { namespacemappingpolicy } from '../../shared/schema/namespacemappingpolicy.ts';
import type { RequestLine } from '../make/call.ts';
import { openPlane, type Plane } from '../make/plane.ts';
import { minimal } from './inputs.ts';

let plane: Plane;
beforeAll(async () => {
  plane = await openPlane();
});
afterAll(() => plane.stop());

async function lint(namespace: string, query = ''): Promise<LintFinding[]> {
  const answered = await plane.root(`GET /lint${query}`, namespace);
  expect(answered.status, answered.text).toBe(200);
  const findings = z.array(LintFinding).parse(JSON.parse(answered.text));
  expect(answered.headers['x-count-total']).toBe(String(findings.length));
  return findings;
}

/** As a client makes the call that a fix says. */
async function apply({ operation, namespace, params = {}, query = {}, body }: Fix): Promise<void> {
  const route = Object.entries(routes).find(([name]) => name === operation)?.[1];
  const path = route?.path.replace(/\{(\w+)\}/g, (_, name: string) => params[name] ?? '') ?? '';
  const line = `${route?.method} ${path}?${new URLSearchParams(query)}` as RequestLine;
  const answered = await plane.root(line, namespace, body === undefined ? {} : { body });
  expect(answered.status, answered.text).toBe(200);
}

const create = async (plural: string, namespace: string, body: object) => {
  const answered = await plane.root(`POST /${plural}`, namespace, { body });
  expect(answered.status, answered.text).toBe(200);
  return answered;
};

/** A mapping of enforcers as an earlier release stored it; today it is refused. */
async function oldMapping(path: string): Promise<void> {
  const { clock, store } = plane.deps;
  const input = namespacemappingpolicy.input.parse({
    name: 'old',
    subject: [['app=web'], ['$identity=enforcer', 'role=edge']],
    mappedNamespace: 'child',
  });
  const object = newObject('namespacemappingpolicy', input, {
    id: newObjectId(clock.now(), size => clock.randomBytes(size)),
    namespace: NamespacePath.parse(path),
    now: clock.now(),
  });
  await store.commit([{ kind: 'create', resource: 'namespacemappingpolicy', object }]);
}

/** One of everything that a lint finds. */
async function ailing(namespace: string): Promise<void> {
  const rule = { object: [['role=db'], ['app=web']] };
  await create('networkrulesetpolicies', namespace, {
    name: 'rules',
    subject: [['k8s:app=web']],
    incomingRules: [rule],
  });
  const roles = ['@auth:role=namespace.editor', '@auth:role=namespace.administrator'];
  const authorization = { ...minimal(namespace).apiauthorizationpolicy, authorizedIdentities: roles };
  await create('apiauthorizationpolicies', namespace, authorization);
  await create('appcredentials', namespace, { name: 'editor', roles: roles.slice(0, 1) });
  await create('hostservices', namespace, { ...minimal(namespace).hostservice, protected: true });
  await create('hostservicemappingpolicies', namespace, minimal(namespace).hostservicemappingpolicy ?? {});
  const office = { name: 'office', entries: ['192.0.2.0/24'], associatedTags: ['app=office'] };
  await create('externalnetworks', namespace, office);
  for (const name of ['one', 'two']) {
    await create('networkaccesspolicies', namespace, {
      name,
      action: 'Allow',
      subject: [['app=office']],
      object: [[`app=${name}`]],
      ports: ['tcp/443'],
    });
  }
  await oldMapping(namespace);
}

describe('GET /lint', () => {
  it('finds nothing where nothing is wrong', async () => {
    const tenant = await plane.tenant();
    await create('networkrulesetpolicies', tenant, { name: 'fine', subject: [['app=web']] });
    expect(await lint(tenant, '?recursive')).toEqual([]);
  });

  it('finds each kind, says where, and below the namespace only when asked', async () => {
    const tenant = await plane.tenant();
    const child = await plane.namespace(tenant, 'child');
    await ailing(child);
    expect(await lint(tenant)).toEqual([]);
    const findings = await lint(tenant, '?recursive=true');
    expect(findings).toEqual(await lint(child));
    expect([...new Set(findings.map(finding => finding.lint))]).toEqual([...LINTS]);
    expect(findings.map(({ identity, path }) => `${identity} ${path}`)).toEqual([
      'networkrulesetpolicy subject[0]',
      'networkrulesetpolicy incomingRules[0].object[0]',
      'apiauthorizationpolicy authorizedIdentities[0]',
      'appcredential roles[0]',
      'hostservice ',
      'hostservicemappingpolicy ',
      'networkaccesspolicy ',
      'networkaccesspolicy ',
      'namespacemappingpolicy subject[1]',
    ]);
  });

  it('finds nothing more once its fixes are applied, in one go or one at a time', async () => {
    for (const oneAtATime of [false, true]) {
      const tenant = await plane.tenant();
      await ailing(tenant);
      if (oneAtATime) {
        for (let [next] = await lint(tenant); next; [next] = await lint(tenant))
          for (const fix of next.fixes) await apply(fix);
      } else for (const { fixes } of await lint(tenant)) for (const fix of fixes) await apply(fix);
      expect(await lint(tenant, '?recursive')).toEqual([]);
      const { list } = await plane.root('GET /networkrulesetpolicies?order=name', tenant);
      // Both halves of each legacy policy, once.
      expect(list.map(({ name }) => name)).toEqual([...new Set(list.map(({ name }) => name))]);
      expect(list.length).toBe(5);
      const [mapping] = (await plane.root('GET /namespacemappingpolicies', tenant)).list;
      expect(mapping?.subject).toEqual([['app=web']]);
    }
  });

  it('has no fix for a clause in the root, which has no properties', async () => {
    const { object } = await create('networkrulesetpolicies', '/', { name: 'r', subject: [['role=db']] });
    expect(await lint('/')).toMatchObject([{ lint: 'clauses', ID: object.ID, fixes: [] }]);
    await plane.root(`DELETE /networkrulesetpolicies/${object.ID}`, '/');
  });

  it('is for those who may see everything', async () => {
    const tenant = await plane.tenant();
    const viewer = await plane.member(tenant, ['namespace.viewer']);
    const enforcer = await plane.member(tenant, ['enforcer']);
    expect((await viewer('GET /lint', tenant)).status).toBe(200);
    expect((await enforcer('GET /lint', tenant)).status).toBe(403);
  });
});

describe('a write of a ruleset', () => {
  it('is answered with the prefixes that are missing, and without once they are listed', async () => {
    const tenant = await plane.tenant();
    const { object, headers } = await create('networkrulesetpolicies', tenant, {
      name: 'rules',
      subject: [['k8s:app=web', 'app=web']],
    });
    expect(headers['x-messages']).toContain('add `k8s:app=` to tagPrefixes');
    const one = `PATCH /networkrulesetpolicies/${object.ID}` as const;
    const patched = await plane.root(one, tenant, { body: { description: 'x' } });
    expect(patched.headers['x-messages']).toContain('add `k8s:app=` to tagPrefixes');
    for (const { fixes } of await lint(tenant)) for (const fix of fixes) await apply(fix);
    const listed = await plane.root(one, tenant, { body: { description: 'y' } });
    expect(listed.headers).not.toHaveProperty('x-messages');
  });
});
