import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { collect } from '../../clients/host/collect.ts';
import { hostAt } from '../../clients/host/host.ts';
import { PreflightAnswer } from '../../shared/api/enforcer-messages.ts';
import { CHECKS } from '../../shared/core/preflight/preflight.ts';
import type { HostFacts } from '../../shared/schema/host-facts.ts';
import { type Caller, openPlane, type Plane } from '../make/plane.ts';

const hosts = join(import.meta.dirname, '..', 'clients', 'host', 'fixtures');
let plane: Plane;
let group: string;
let editor: Caller;
let good: HostFacts;
beforeAll(async () => {
  plane = await openPlane();
  const tenant = await plane.tenant();
  group = await plane.namespace(tenant, 'group');
  editor = await plane.member(tenant, ['system.editor']);
  const facts = await collect(hostAt(join(hosts, 'debian-12')));
  good = { ...facts, clockSkew: 0, egress: { 'api.test': '' } };
});
afterAll(() => plane.stop());

const ask = async (facts: HostFacts, more: object = {}) => {
  const body = { host: 'web-1', facts, ...more };
  const answered = await editor('POST /preflights', group, { body });
  return { answered, read: () => PreflightAnswer.parse(JSON.parse(answered.text)) };
};
const finding = async (check: string, facts: HostFacts, more: object = {}) =>
  (await ask(facts, more)).read().findings.find(each => each.check === check);

describe('a preflight', () => {
  it('lets a good host pass, and knows what the namespace says', async () => {
    const { mayInstall, findings } = (await ask(good)).read();
    expect(mayInstall).toBe(true);
    expect(findings.filter(({ result }) => result === 'fail')).toEqual([]);
    expect(await finding('allowed-first', good)).toMatchObject({ result: 'warn' });
  });

  it.each<[string, string, Partial<HostFacts>]>([
    ['operating-system', 'Windows', { platform: 'windows' }],
    ['memory', '1.0 GB', { memory: 1024 ** 3 }],
    ['disk', '0.0 GB', { diskFree: 0 }],
    ['clock', '31.0 s behind', { clockSkew: -31 }],
    ['egress', 'ENOTFOUND', { egress: { 'api.test': 'ENOTFOUND' } }],
    ['tls-interception', 'signed by Corp Proxy', { interceptedBy: 'Corp Proxy' }],
    ['defender', 'CNNF and WAAS on', { defender: { cnnf: true, waas: true } }],
    ['conflicting-products', 'Cortex XDR', { conflicts: ['Cortex XDR'] }],
    [
      'firewall-services',
      'firewalld and ufw are active',
      { firewalls: { ufw: 'active', firewalld: 'active' } },
    ],
    ['existing-agent', 'agent 1.0.0', { agent: { version: '1.0.0', running: true, traces: ['/x'] } }],
  ])('%s stops an install: %s', async (check, message, worse) => {
    const { mayInstall, findings } = (await ask({ ...good, ...worse })).read();
    expect(mayInstall).toBe(false);
    const [failed, ...others] = findings.filter(({ result }) => result === 'fail');
    expect([failed?.check, others]).toEqual([check, []]);
    expect(failed?.message).toContain(message);
    expect(failed?.remedy).not.toBe('');
  });

  it('takes an agent that has the wanted version already for done', async () => {
    const agent = { version: '2.0.0', running: true, traces: ['/x'] };
    const more = { targetVersion: '2.0.0' };
    expect(await finding('existing-agent', { ...good, agent }, more)).toMatchObject({ result: 'pass' });
    const stopped = { ...agent, running: false };
    expect(await finding('existing-agent', { ...good, agent: stopped }, more)).toMatchObject({
      result: 'fail',
    });
  });

  it('overrides one check by its name, and the activity log says who did', async () => {
    const worse = { ...good, memory: 1, diskFree: 1 };
    const one = (await ask(worse, { forceChecks: ['memory'] })).read();
    expect(one.mayInstall).toBe(false);
    const both = (await ask(worse, { forceChecks: ['memory', 'disk'] })).read();
    expect(both.mayInstall).toBe(true);
    const [entry] = JSON.parse((await plane.root('GET /activities', group)).text);
    expect(entry).toMatchObject({
      targetIdentity: 'preflight',
      claims: expect.arrayContaining(['@auth:realm=certificate']),
      data: { name: 'web-1', forced: [{ check: 'memory' }, { check: 'disk' }] },
    });
  });

  it('notes nothing for a check that is forced and passes', async () => {
    const before = JSON.parse((await plane.root('GET /activities', group)).text).length;
    await ask(good, { forceChecks: CHECKS });
    expect(JSON.parse((await plane.root('GET /activities', group)).text)).toHaveLength(before);
  });

  it('refuses to force what is no check, and names those that are', async () => {
    const { answered } = await ask(good, { forceChecks: ['everything'] });
    expect([answered.status, answered.errors[0]?.description]).toEqual([
      422,
      expect.stringMatching(
        /there is no check `everything`; there are operating-system, .*allowed-first, facts$/,
      ),
    ]);
  });
});

describe('the preset ignore-twistlock-defender', () => {
  const apply = (by: Caller, body: object = { name: 'ignore-twistlock-defender' }, namespace = group) =>
    by('POST /enforcerprofilepresets', namespace, { body });

  it('makes the profile and the mapping of CNS-1412 in one call, once', async () => {
    const beside = { ...good, defender: { cnnf: false, waas: false } };
    expect(await finding('defender', beside)).toMatchObject({ result: 'warn' });
    const first = JSON.parse((await apply(editor)).text);
    expect(first).toMatchObject({ applied: true });
    expect(JSON.parse((await apply(editor)).text)).toEqual({ ...first, applied: false });
    const profile = await editor(`GET /enforcerprofiles/${first.profileID}`, group);
    expect(profile.object).toMatchObject({
      ignoreExpression: [['@app:k8s:serviceaccountname=twistlock-service']],
      associatedTags: ['enforcerprofile=ignore.twistlock'],
      propagate: true,
    });
    const mapping = await editor(`GET /enforcerprofilemappingpolicies/${first.mappingID}`, group);
    expect(mapping.object).toMatchObject({
      object: [['enforcerprofile=ignore.twistlock']],
      subject: [['$identity=enforcer']],
      propagate: true,
    });
    expect(await finding('defender', beside)).toMatchObject({ result: 'pass' });
  });

  it('needs the rights to create both', async () => {
    const half = await plane.tenant();
    const member = await plane.member(half, ['system.editor']);
    expect((await apply(member, undefined, half)).status).toBe(200);
    const viewer = await plane.member(half, ['system.viewer']);
    expect((await apply(viewer, undefined, half)).status).toBe(403);
  });

  it.each([
    [{ name: 'other' }, '/', 422, "'name' must be one of"],
    [{ name: 'ignore-twistlock-defender' }, '/', 422, 'apply the preset in a namespace below'],
  ])('%j in %s is refused', async (body, namespace, status, message) => {
    const refused = await apply(plane.root, body, namespace);
    expect([refused.status, refused.errors[0]?.description]).toEqual([
      status,
      expect.stringContaining(message),
    ]);
  });
});
