import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { markLost } from '../../functions/events/lost-enforcers.ts';
import { policyOf } from '../../functions/policy-of.ts';
import { moveUnits } from '../../functions/tasks/move-units.ts';
import { enforcer as noun } from '../../shared/schema/enforcer.ts';
import { NamespacePath } from '../../shared/schema/ids.ts';
import { certificateRequest, credentialOf } from '../make/certificate-request.ts';
import { API_URL, type Caller, openPlane, type Plane } from '../make/plane.ts';

let plane: Plane;
let admin: Caller;
let tenant: string;
let home: string;
let web: string;
let deep: string;
let enforcer: { ID: string };

beforeAll(async () => {
  plane = await openPlane();
  tenant = await plane.tenant();
  admin = await plane.member(tenant, ['namespace.administrator']);
  home = await plane.namespace(tenant, 'home');
  web = await plane.namespace(home, 'web');
  deep = await plane.namespace(web, 'deep');
  const body = { name: 'host', FQDN: 'host.example.com', machineID: 'machine' };
  enforcer = (await admin('POST /enforcers', home, { body })).object;
  const mapping = (namespace: string, name: string, subject: string, mappedNamespace: string) =>
    admin('POST /namespacemappingpolicies', namespace, {
      body: { name, subject: [[subject]], mappedNamespace },
    });
  await mapping(home, 'web', 'app=web', 'web');
  await mapping(web, 'deep', 'zone=deep', deep);
});
afterAll(() => plane.stop());

const unit = (associatedTags: string[], more: object = {}) => ({
  name: 'unit',
  type: 'Docker',
  associatedTags,
  enforcerID: enforcer.ID,
  ...more,
});
const register = (associatedTags: string[], more: object = {}, by = admin) =>
  by('POST /processingunits', home, { body: unit(associatedTags, more) });
const isAt = async (id: string, namespace: string): Promise<boolean> =>
  (await admin(`GET /processingunits/${id}`, namespace)).status === 200;

describe('a mapping', () => {
  const said = async (namespace: string, mappedNamespace: string) => {
    const body = { name: 'nobody', subject: [['app=nobody']], mappedNamespace };
    const { status, headers, object } = await admin('POST /namespacemappingpolicies', namespace, { body });
    await admin(`DELETE /namespacemappingpolicies/${object.ID}`, namespace);
    return [status, decodeURIComponent(headers['x-messages'] ?? '')];
  };

  it('may name a namespace that is not there yet, and tells so', async () => {
    const later = `there is no namespace ${home}/later yet; processing units are moved once it is made`;
    expect(await said(home, 'later')).toEqual([200, later]);
    expect(await said(home, `${home}/later`)).toEqual([200, later]);
    expect(await said(home, 'web')).toEqual([200, '']);
  });
});

describe('a processing unit that is registered', () => {
  it('goes where mappings lead it, and its tags say where it is', async () => {
    const { object, headers } = await register(['app=web', 'zone=deep']);
    expect(object).toMatchObject({ namespace: deep, enforcerID: enforcer.ID, enforcerNamespace: home });
    expect(object.normalizedTags).toContain(`$namespace=${deep}`);
    expect(decodeURIComponent(headers['x-messages'] ?? '')).toContain(
      `the processing unit was mapped by \`web\` to ${web}, then by \`deep\` to ${deep}`,
    );
    expect([await isAt(object.ID, home), await isAt(object.ID, deep)]).toEqual([false, true]);
    expect((await register(['app=db'])).object.namespace).toBe(home);
  });

  it('is one object, however often and at once it is registered', async () => {
    const more = { nativeContextID: 'container-1' };
    const all = await Promise.all(Array.from({ length: 5 }, () => register(['app=web'], more)));
    const done = all.filter(({ status }) => status === 200);
    expect(new Set(done.map(({ object }) => object.ID)).size).toBe(1);
    // Whoever met another one is told so, and registers again.
    expect(new Set(all.map(({ status }) => status))).toEqual(new Set(done.length < 5 ? [200, 409] : [200]));
    const again = await register(['app=db'], more);
    expect(again.object).toMatchObject({ ID: done[0]?.object.ID, namespace: home });
    expect(await isAt(again.object.ID, web)).toBe(false);
  });

  it('belongs to the enforcer that calls, which speaks for no other', async () => {
    const own = async (name: string) => {
      const keys = await certificateRequest();
      const body = { name, FQDN: `${name}.example.com`, machineID: name, certificateRequest: keys.pem };
      const made = (await admin('POST /enforcers', home, { body })).text;
      const object = noun.stored.parse(JSON.parse(made));
      return { ID: object.ID, call: await plane.as(credentialOf(object, keys, API_URL)) };
    };
    const [mine, other] = [await own('mine'), await own('other')];
    const input = { name: 'unit', type: 'Docker', associatedTags: ['app=db'] };
    const made = await mine.call('POST /processingunits', home, { body: input });
    expect(made.object).toMatchObject({ enforcerID: mine.ID, enforcerNamespace: home });
    const posing = await mine.call('POST /processingunits', home, {
      body: { ...input, enforcerID: other.ID },
    });
    expect([posing.status, posing.errors[0]?.data?.attribute]).toEqual([422, 'enforcerID']);
    const path = `/processingunits/${made.object.ID}` as const;
    const change = { body: { addresses: ['192.0.2.66'] } };
    expect((await other.call(`PATCH ${path}`, home, change)).status).toBe(403);
    expect((await other.call(`DELETE ${path}`, home)).status).toBe(403);
    expect((await other.call(`GET ${path}/poke`, home)).status).toBe(403);
    expect((await other.call(`GET ${path}`, home)).status).toBe(200);
    expect((await mine.call(`PATCH ${path}`, home, change)).status).toBe(200);
    expect((await mine.call(`GET ${path}/poke`, home)).status).toBe(204);
    expect((await mine.call(`DELETE ${path}`, home)).status).toBe(200);
  });

  it('is watched over by an enforcer of its own tenant', async () => {
    const foreign = await plane.namespace(await plane.tenant(), 'foreign');
    const more = { name: 'watched', enforcerNamespace: foreign };
    const refusal = (answer: Awaited<ReturnType<Caller>>) => [answer.status, answer.errors[0]?.description];
    const why = expect.stringContaining(`must be in ${tenant}, the tenant of the unit, or be left out`);
    expect(refusal(await register(['app=db'], more))).toEqual([422, why]);
    const { object } = await register(['app=db'], { name: 'watched', enforcerNamespace: home });
    const body = { enforcerNamespace: foreign };
    expect(refusal(await admin(`PATCH /processingunits/${object.ID}`, home, { body }))).toEqual([422, why]);
    const put = { ...object, ...body };
    expect(refusal(await admin(`PUT /processingunits/${object.ID}`, home, { body: put }))).toEqual([
      422,
      why,
    ]);
  });

  it('moves when its tags change', async () => {
    const { object } = await register(['app=db'], { name: 'moving' });
    const changed = await admin(`PATCH /processingunits/${object.ID}`, home, {
      body: { associatedTags: ['app=web'] },
    });
    expect(changed.object).toMatchObject({ ID: object.ID, namespace: web });
    expect([await isAt(object.ID, home), await isAt(object.ID, web)]).toEqual([false, true]);
  });

  it('moves when a mapping comes or goes, however often that is told', async () => {
    const { object } = await register(['app=api'], { name: 'api' });
    const made = await admin('POST /namespacemappingpolicies', home, {
      body: { name: 'api', subject: [['app=api']], mappedNamespace: 'web' },
    });
    const move = () => moveUnits({ execution: 'test', namespace: home, after: '' }, plane.deps);
    expect([await move(), await move()]).toEqual([
      { after: '', moved: 1 },
      { after: '', moved: 0 },
    ]);
    expect([await isAt(object.ID, home), await isAt(object.ID, web)]).toEqual([false, true]);
    await admin(`DELETE /namespacemappingpolicies/${made.object.ID}`, home);
    for (const _ of [1, 2]) await move();
    expect([await isAt(object.ID, home), await isAt(object.ID, web)]).toEqual([true, false]);
  });

  it('is poked, and unreachable while its enforcer is', async () => {
    const { object } = await register(['app=web'], { name: 'poked' });
    const poke = (query: string) => admin(`GET /processingunits/${object.ID}/poke?${query}`, web);
    expect((await poke('status=Running&enforcementStatus=Active')).status).toBe(204);
    const now = async () => (await admin(`GET /processingunits/${object.ID}`, web)).object;
    expect(await now()).toMatchObject({ operationalStatus: 'Running', enforcementStatus: 'Active' });
    expect((await now()).updateTime).toBe(object.updateTime);
    expect((await poke('status=Sleeping')).status).toBe(400);
    const namespace = await plane.deps.store.getByName('namespace', NamespacePath.parse(tenant), home);
    if (!namespace) throw new Error('no namespace');
    await plane.deps.publications.mark(NamespacePath.parse(home), namespace.ID);
    await admin(`GET /enforcers/${enforcer.ID}/poke`, home);
    plane.clock.advance(10 * 60_000);
    await markLost(plane.deps);
    expect(await now()).toMatchObject({ unreachable: true });
    await admin(`GET /enforcers/${enforcer.ID}/poke`, home);
    expect(await now()).toMatchObject({ unreachable: false });
  });
});

describe('whoever may write units in one namespace', () => {
  /** May do everything in a namespace beside the one to which the mappings of their parent lead. */
  const neighbour = async () => {
    const aside = await plane.namespace(home, `aside${Math.random().toString(36).slice(2)}`);
    return { aside, by: await plane.member(aside, ['namespace.administrator']) };
  };
  const WHY = 'you may not post processingunit in';

  it('has none moved beside it by naming an enforcer above', async () => {
    const { aside, by } = await neighbour();
    const posing = unit(['app=web'], { enforcerNamespace: home });
    const refused = await by('POST /processingunits', aside, { body: posing });
    expect([refused.status, refused.errors[0]?.data?.attribute]).toEqual([422, 'enforcerNamespace']);
    expect(refused.errors[0]?.description).toContain(`${WHY} ${home}`);
    const { object } = await by('POST /processingunits', aside, { body: unit(['app=web']) });
    const path = `/processingunits/${object.ID}` as const;
    const change = await by(`PATCH ${path}`, aside, { body: { enforcerNamespace: home } });
    expect([change.status, change.errors[0]?.data?.attribute]).toEqual([422, 'enforcerNamespace']);
    await moveUnits({ execution: 'test', namespace: home, after: '' }, plane.deps);
    expect(await isAt(object.ID, aside)).toBe(true);
    expect((await admin('POST /processingunits', aside, { body: posing })).status).toBe(200);
  });

  it('has none moved beside it by other tags, though its enforcer is above', async () => {
    const { aside, by } = await neighbour();
    const own = `app=${aside.split('/').at(-1)}`;
    const body = { name: 'own', subject: [[own]], mappedNamespace: aside };
    const mapping = await admin('POST /namespacemappingpolicies', home, { body });
    const { object } = await register([own]);
    expect(object.namespace).toBe(aside);
    const path = `/processingunits/${object.ID}` as const;
    const tags = { body: { associatedTags: ['app=web'] } };
    const refused = await by(`PATCH ${path}`, aside, tags);
    expect([refused.status, refused.errors[0]?.description]).toEqual([
      403,
      `with these tags mappings lead the processing unit to ${web}, where ${WHY.replace(/ in$/, '')}`,
    ]);
    expect((await by(`PATCH ${path}`, aside, { body: { associatedTags: [own, 'a=b'] } })).status).toBe(200);
    expect((await admin(`PATCH ${path}`, aside, tags)).object.namespace).toBe(web);
    await admin(`DELETE /namespacemappingpolicies/${mapping.object.ID}`, home);
  });
});

describe('peers', () => {
  it('are in the policy of exactly the namespaces whose rules can name them', async () => {
    const names = ['one', 'two', 'three'] as const;
    const spaces = await Promise.all(names.map(name => plane.namespace(tenant, name)));
    const TAGS = ['peer=a', 'peer=b', 'peer=c'] as const;
    const plan = fc.record({
      units: fc.array(fc.tuple(fc.nat(2), fc.constantFrom(...TAGS)), { minLength: 1, maxLength: 5 }),
      rules: fc.array(fc.tuple(fc.nat(2), fc.constantFrom(...TAGS), fc.boolean()), { maxLength: 4 }),
    });
    await fc.assert(
      fc.asyncProperty(plan, async ({ units, rules }) => {
        const made: [string, string][] = [];
        const keep = async (path: 'processingunits' | 'networkrulesetpolicies', at: number, body: object) => {
          const namespace = spaces[at] ?? '';
          const { object } = await admin(`POST /${path}`, namespace, { body });
          made.push([`/${path}/${object.ID}`, namespace]);
          return object.ID;
        };
        const placed: { id: string; tag: string }[] = [];
        for (const [at, tag] of units) {
          const body = { name: 'u', type: 'Docker', associatedTags: [tag], addresses: ['10.0.0.1'] };
          placed.push({ id: await keep('processingunits', at, body), tag });
        }
        for (const [at, tag, incoming] of rules) {
          const rule = [{ object: [[tag]] }];
          await keep('networkrulesetpolicies', at, {
            name: 'r',
            subject: [['app=x']],
            ...(incoming ? { incomingRules: rule } : { outgoingRules: rule }),
          });
        }
        for (const [at, space] of spaces.entries()) {
          const { identities } = await policyOf(NamespacePath.parse(space), plane.deps);
          const named = new Set<string>(rules.filter(([where]) => where === at).map(([, tag]) => tag));
          const expected = placed.filter(({ tag }) => named.has(tag)).map(({ id }) => id);
          expect(identities.map(({ ID }) => ID).sort()).toEqual(expected.sort());
        }
        for (const [path, namespace] of made) await admin(`DELETE ${path as '/'}`, namespace);
      }),
      { numRuns: 25 },
    );
  });
});
