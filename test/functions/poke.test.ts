import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { markLost } from '../../functions/events/lost-enforcers.ts';
import type { Write } from '../../shared/ports/object-store.ts';
import { NamespacePath, type ObjectId, parentPath } from '../../shared/schema/ids.ts';
import { countingReads, type Reads } from '../make/crowd.ts';
import { create, makeEnforcer, makeUnit } from '../make/objects.ts';
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

  it('is read in a round of its own: thousands of others who poke are not', async () => {
    const reads: Reads = { calls: 0, objects: 0 };
    const { clock, deps } = plane;
    const counted = { ...deps, store: countingReads(deps.store, reads) };
    const enforcers = Array.from({ length: 2000 }, (_, at) => ({
      ...makeEnforcer(NamespacePath.parse(group), `host-${at}`, ''),
      operationalStatus: 'Connected' as const,
      lastPokeTime: new Date(clock.now().getTime() - (at % 90_000)).toISOString(),
    }));
    for (let from = 0; from < enforcers.length; from += 50) {
      await deps.store.commit(enforcers.slice(from, from + 50).map(each => create('enforcer', each)));
    }
    await markLost(counted);
    expect(reads).toEqual({ calls: 1, objects: 0 });
    const [silent] = enforcers;
    if (!silent) throw new Error('there are 2,000');
    const lastPokeTime = new Date(clock.now().getTime() - 6 * 60_000 - 1).toISOString();
    await deps.store.commit([{ kind: 'refresh', resource: 'enforcer', object: { ...silent, lastPokeTime } }]);
    Object.assign(reads, { calls: 0, objects: 0 });
    expect(await markLost(counted)).toEqual({ lost: 1 });
    // Where it is, it, its units (none) and the commit.
    expect(reads).toEqual({ calls: 4, objects: 2 });
  });

  it('is found again by the next round when one died on the way, and its units with it', async () => {
    await poke();
    const { clock, deps } = plane;
    const unit = { ...makeUnit(NamespacePath.parse(group), 'unit', []), enforcerID: id as ObjectId };
    await deps.store.commit([create('processingunit', unit)]);
    clock.advance(6 * 60_000 + 1);
    const dying = {
      ...deps.store,
      commit: async () => {
        throw new Error('killed');
      },
    };
    await expect(markLost({ ...deps, store: dying })).rejects.toThrow('killed');
    await markLost(deps);
    const key = { resource: 'processingunit', namespace: unit.namespace, id: unit.ID } as const;
    expect([(await seen()).unreachable, (await deps.store.get(key))?.unreachable]).toEqual([true, true]);
  });
});
