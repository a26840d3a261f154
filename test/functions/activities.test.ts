import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { Activity, Issue } from '../../shared/api/messages.ts';
import { fail } from '../../shared/schema/failure.ts';
import type { Answer } from '../make/call.ts';
import { API_URL, assertion, type Caller, openPlane, type Plane } from '../make/plane.ts';

let plane: Plane;
/** While set, the store refuses every activity of a refused write. */
let full = false;
beforeAll(async () => {
  plane = await openPlane(deps => ({
    ...deps,
    store: {
      ...deps.store,
      commit: async writes => {
        if (full && writes.some(write => write.kind === 'activity' && write.activity.error)) {
          throw fail('unavailable', 'the disk is full');
        }
        return deps.store.commit(writes);
      },
    },
  }));
});
afterAll(() => plane.stop());

const entries = ({ text, status }: Answer): Activity[] => {
  expect(status, text).toBe(200);
  return z.array(Activity).parse(JSON.parse(text));
};
const logOf = async (namespace: string, query = ''): Promise<Activity[]> =>
  entries(await plane.root(`GET /activities${query}`, namespace));

const office = { name: 'office', entries: ['192.0.2.0/24'] };

describe('the activity log', () => {
  it('tells each write of the namespace, newest first, with who, from where and what changed', async () => {
    const tenant = await plane.tenant();
    const { ID } = (await plane.root('POST /externalnetworks', tenant, { body: office })).object;
    const body = { description: 'new' };
    await plane.root(`PATCH /externalnetworks/${ID}`, tenant, { body, address: '198.51.100.7' });
    await plane.root(`DELETE /externalnetworks/${ID}`, tenant);
    const log = await logOf(tenant);
    expect(log.map(({ operation, targetID }) => [operation, targetID])).toEqual([
      ['delete', ID],
      ['update', ID],
      ['create', ID],
    ]);
    expect(log[1]).toMatchObject({
      targetIdentity: 'externalnetwork',
      source: '198.51.100.7',
      claims: expect.arrayContaining(['@auth:realm=certificate']),
      message: 'updated externalnetwork office',
      diff: '- description: ""\n+ description: "new"',
      data: { description: 'new' },
      originalData: { description: '' },
      error: [],
    });
    expect([log[0]?.data, log[2]?.originalData, log[2]?.diff]).toEqual([undefined, undefined, '']);
  });

  it('comes in pages that hold each entry once, and counts them', async () => {
    const tenant = await plane.tenant();
    for (let at = 0; at < 7; at += 1) await plane.root('POST /externalnetworks', tenant, { body: office });
    const found: string[] = [];
    let next: string | undefined;
    do {
      const after = next === undefined ? '' : `&after=${encodeURIComponent(next)}`;
      const page = await plane.root(`GET /activities?limit=3${after}`, tenant);
      found.push(...entries(page).map(({ ID }) => ID));
      next = page.headers['x-next'];
    } while (next !== undefined);
    expect(found).toEqual((await logOf(tenant)).map(({ ID }) => ID));
    expect(new Set(found).size).toBe(7);
    const counted = await plane.root('HEAD /activities', tenant);
    expect([counted.status, counted.headers['x-count-total']]).toEqual([204, '7']);
  });

  it('is cut to a window of time, its start in it and its end not', async () => {
    const tenant = await plane.tenant();
    for (let at = 0; at < 3; at += 1) {
      await plane.root('POST /externalnetworks', tenant, { body: office });
      plane.clock.advance(3_600_000);
    }
    const [third, second, first] = await logOf(tenant);
    const dates = async (query: string) => (await logOf(tenant, `?${query}`)).map(({ date }) => date);
    expect(await dates(`startAbsolute=${first?.date}&endAbsolute=${third?.date}`)).toEqual([
      second?.date,
      first?.date,
    ]);
    expect(await dates('startRelative=2h30m')).toEqual([third?.date, second?.date]);
    expect(await dates('endRelative=-90m&limit=1')).toEqual([second?.date]);
    expect(await dates(`startAbsolute=${Date.parse(first?.date ?? '') + 1}&endRelative=0`)).toHaveLength(2);
    const page = await plane.root('GET /activities?startRelative=1h30m&limit=1', tenant);
    expect([entries(page).length, page.headers['x-next']]).toEqual([1, expect.any(String)]);
    expect(await dates(`startRelative=1h30m&limit=1&after=${page.headers['x-next']}`)).toEqual([]);
  });

  it.each([
    ['startAbsolute=2026-03-01T00:00:00Z', 422, 'startabsolute'],
    ['startRelative=soon', 422, 'startRelative is `soon`'],
    ['startRelative=%2B1h', 422, 'before now'],
    ['startRelative=1h&endRelative=2h', 422, 'swap them'],
    ['startAbsolute=2023-02-30&endRelative=0', 422, 'startAbsolute is `2023-02-30`'],
    ['recursive', 400, 'recursive means nothing here'],
    ['q=operation%20==%20create', 400, 'q means nothing here'],
    ['after=x', 400, 'cursor'],
  ])('refuses ?%s with %i', async (query, status, words) => {
    const refused = await plane.root(`GET /activities?${query}`, '/');
    expect([refused.status, refused.errors[0]?.description]).toEqual([
      status,
      expect.stringContaining(words),
    ]);
  });

  it('is for those who may read it there', async () => {
    const tenant = await plane.tenant();
    const viewer = await plane.member(tenant, ['namespace.viewer']);
    expect((await viewer('GET /activities', tenant)).status).toBe(200);
    const rulesets = await plane.member(tenant, ['ruleset.administrator']);
    expect((await rulesets('GET /activities', tenant)).status).toBe(403);
  });
});

describe('a refused write', () => {
  it('is in the log with who, what and why', async () => {
    const tenant = await plane.tenant();
    const viewer = await plane.member(tenant, ['namespace.viewer']);
    const id = '0190f3a1b2c3d4e5f6071829';
    expect((await viewer('POST /externalnetworks', tenant, { body: office })).status).toBe(403);
    expect((await plane.root(`DELETE /externalnetworks/${id}`, tenant)).status).toBe(404);
    const [missing, forbidden] = await logOf(tenant);
    expect(missing).toMatchObject({ operation: 'delete', targetID: id, error: [{ code: 404 }] });
    expect(forbidden).toMatchObject({
      operation: 'create',
      targetIdentity: 'externalnetwork',
      error: [{ code: 403, title: 'Forbidden' }],
      message: expect.stringMatching(/^refused to create externalnetwork: you may not post externalnetwork/),
    });
  });

  it('leaves what was sent out of the log', async () => {
    const tenant = await plane.tenant();
    const body = { name: 'x', roles: [], credentials: 'hunter2', clientSecret: 'hunter2' };
    const refused = await plane.root('POST /appcredentials', tenant, { body });
    expect([refused.status, refused.text]).toEqual([422, expect.stringContaining('hunter2')]);
    const log = await logOf(tenant);
    expect(log[0]).toMatchObject({ targetIdentity: 'appcredential', error: [{ code: 422 }] });
    expect(JSON.stringify(log)).not.toContain('hunter2');
  });

  it('is told the same when it cannot be entered, and the program says so', async () => {
    const tenant = await plane.tenant();
    full = true;
    const refused = await plane.root('POST /externalnetworks', tenant, { body: {} });
    full = false;
    expect(refused.status).toBe(422);
    expect(plane.log.at(-1)).toMatchObject({
      message: 'refused write not entered',
      fields: { namespace: tenant },
    });
  });

  it('is one of ten that a caller gets in a namespace each minute; of more the log says how many', async () => {
    const tenant = await plane.tenant();
    const other = await plane.namespace(tenant, 'other');
    const script = await plane.member(tenant, ['namespace.viewer']);
    const person = await plane.member(tenant, ['namespace.viewer']);
    const before = (await logOf(tenant)).length;
    const refuse = async (by: Caller, times: number, namespace = tenant) => {
      for (let at = 0; at < times; at += 1) await by('POST /externalnetworks', namespace, { body: office });
    };
    plane.clock.advance(60_000 - (plane.clock.now().getTime() % 60_000));
    await refuse(script, 40);
    await refuse(person, 1);
    await refuse(script, 1, other);
    const log = await logOf(tenant);
    const counts = log.slice(0, log.length - before).map(({ count }) => count);
    expect(counts).toEqual([32, ...Array.from({ length: 11 }, () => 1)]);
    expect(log[0]).toMatchObject({
      date: expect.stringMatching(/:59\.999Z$/),
      error: [{ code: 403 }],
      message: expect.stringMatching(
        /^32 writes or more were refused within the minute, one of them: refused to/,
      ),
    });
    expect((await logOf(other)).filter(({ error }) => error.length > 0)).toHaveLength(1);
    expect(plane.log.filter(({ message }) => message === 'refused write counted')).toHaveLength(40 - 10 - 2);

    plane.clock.advance(60_000);
    await refuse(script, 1);
    const next = await logOf(tenant);
    expect([next.length, next[0]?.count]).toEqual([log.length + 1, 1]);
  });

  it('is counted for the caller that its issuer vouches for, whatever else its token says', async () => {
    const tenant = await plane.tenant();
    const credential = await plane.credential(tenant, ['namespace.viewer']);
    const before = (await logOf(tenant)).length;
    plane.clock.advance(60_000 - (plane.clock.now().getTime() % 60_000));
    for (let at = 0; at < 15; at += 1) {
      const metadata = { token: await assertion(credential, plane.clock.now()) };
      const body = { realm: 'AppCredential', metadata, opaque: { at: `${at}` }, audience: API_URL };
      const { token = '' } = Issue.parse(JSON.parse((await plane.call('POST /issue', { body })).text));
      await plane.caller(token)('POST /externalnetworks', tenant, { body: office });
    }
    expect(await logOf(tenant)).toHaveLength(before + 10);
  });

  it('leaves no trace of reads, of questions, of strangers and of namespaces that are not there', async () => {
    const tenant = await plane.tenant();
    const before = (await logOf(tenant)).length;
    await plane.root('GET /externalnetworks/0190f3a1b2c3d4e5f6071829', tenant);
    await plane.root('POST /decisions', tenant, { body: {} });
    await plane.call('POST /externalnetworks', { namespace: tenant, body: office });
    await plane.root('POST /externalnetworks', `${tenant}/later`, { body: office });
    expect(await logOf(tenant)).toHaveLength(before);
    const later = await plane.namespace(tenant, 'later');
    expect(await logOf(later)).toEqual([]);
  });
});
