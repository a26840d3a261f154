import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { markLost } from '../../functions/events/lost-enforcers.ts';
import type { Write } from '../../shared/ports/object-store.ts';
import { NamespacePath, parentPath } from '../../shared/schema/ids.ts';
import { type Caller, openPlane, type Plane } from '../make/plane.ts';

let plane: Plane;
let agent: Caller;
let group: string;
let id: string;
/** Every commit. */
const commits: (readonly Write[])[] = [];
beforeAll(async () => {
  plane = await openPlane(deps => ({
    ...deps,
    store: {
      ...deps.store,
      commit: async writes => {
        commits.push(writes);
        await deps.store.commit(writes);
      },
    },
  }));
  group = await plane.namespace(await plane.tenant(), 'group');
  agent = await plane.member(group, ['enforcer']);
  const body = { name: 'web-1', FQDN: 'web-1.example.com', machineID: 'm1' };
  id = (await agent('POST /enforcers', group, { body })).object.ID;
  const path = NamespacePath.parse(group);
  const namespace = await plane.deps.store.getByName('namespace', parentPath(path), path);
  if (namespace) await plane.deps.publications.mark(path, namespace.ID);
});
afterAll(() => plane.stop());

const poke = (query = '') => agent(`GET /enforcers/${id}/poke${query}`, group);
const seen = async () => (await agent(`GET /enforcers/${id}`, group)).object;

describe('a poke', () => {
  it('answers nothing and notes what the agent says, with one write and no activity', async () => {
    commits.length = 0;
    const query =
      '?status=Connected&enforcementStatus=Active&version=1.2.3&revision=7&state=applied&digest=abc';
    expect(await poke(query)).toMatchObject({ status: 204, text: '' });
    expect(commits.map(writes => writes.map(({ kind }) => kind))).toEqual([['refresh']]);
    expect(await seen()).toMatchObject({
      operationalStatus: 'Connected',
      enforcementStatus: 'Active',
      currentVersion: '1.2.3',
      unreachable: false,
      bundle: { revision: 7, state: 'applied', reason: '', digest: 'abc' },
      lastPokeTime: expect.stringMatching(/Z$/),
    });
  });

  it('writes nothing when it says the same again, and its time after a minute', async () => {
    commits.length = 0;
    await poke('?version=1.2.3');
    expect(commits).toEqual([]);
    const { lastPokeTime } = await seen();
    plane.clock.advance(60_000);
    await poke('?version=1.2.3');
    expect(commits).toHaveLength(1);
    expect((await seen()).lastPokeTime).not.toBe(lastPokeTime);
  });

  it('does not stand in the way of whoever edits the enforcer', async () => {
    const { updateTime } = await seen();
    plane.clock.advance(60_000);
    await poke('?enforcementStatus=Failed');
    const body = { updateTime, description: 'edited' };
    expect((await plane.root(`PATCH /enforcers/${id}`, group, { body })).status).toBe(200);
    expect(await seen()).toMatchObject({ description: 'edited', enforcementStatus: 'Failed' });
  });

  it('takes the original’s other parameters, in any case', async () => {
    const query =
      '?forceFullPoke=true&zhash=12&cpuload=0.5&memory=10&processes=3&sessionID=s1&TS=2026-03-01T12:00:00Z';
    expect((await poke(query)).status).toBe(204);
  });

  it('that closes the session leaves the enforcer Disconnected', async () => {
    await poke('?sessionClose=true&status=Connected');
    expect((await seen()).operationalStatus).toBe('Disconnected');
    await poke();
    expect((await seen()).operationalStatus).toBe('Connected');
  });

  it.each([
    ['?status=Initialized', 'query parameter status is `Initialized`'],
    ['?enforcementStatus=On', 'query parameter enforcementstatus is `On`'],
    ['?ts=yesterday', 'query parameter ts is `yesterday`'],
    ['?revision=-1&state=applied', 'query parameter revision is `-1`: must be a whole number'],
    ['?revision=1', 'revision and state belong together'],
    ['?version=1.0.0&version=1.0.1', 'query parameter version stands 2 times; give it once'],
  ])('with %s is refused and says why', async (query, message) => {
    const { status, errors } = await poke(query);
    expect(status).toBe(400);
    expect(errors[0]?.description).toContain(message);
  });

  it('of an enforcer that is not there is refused and says to register', async () => {
    const { status, errors } = await agent(`GET /enforcers/${'0'.repeat(24)}/poke`, group);
    expect(status).toBe(404);
    expect(errors[0]?.description).toContain('register again');
  });

  it('is not for those who may only read', async () => {
    const viewer = await plane.member(group, ['namespace.viewer']);
    expect((await viewer(`GET /enforcers/${id}/poke`, group)).status).toBe(403);
  });
});

describe('an enforcer that does not poke', () => {
  it('is unreachable after five minutes, once, until it pokes again', async () => {
    await poke();
    plane.clock.advance(5 * 60_000);
    expect(await markLost(plane.deps)).toEqual({ lost: 0 });
    plane.clock.advance(60_001);
    expect(await markLost(plane.deps)).toEqual({ lost: 1 });
    expect((await seen()).unreachable).toBe(true);
    const found = await plane.root('GET /enforcers?q=unreachable==true', group);
    expect(found.list.map(({ ID }) => ID)).toEqual([id]);
    expect(await markLost(plane.deps)).toEqual({ lost: 0 });
    await poke();
    expect((await seen()).unreachable).toBe(false);
  });
});
