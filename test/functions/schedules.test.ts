import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { removeExpired } from '../../functions/events/expired-authorizations.ts';
import type { ObjectStore } from '../../shared/ports/object-store.ts';
import type { Credential } from '../../shared/schema/appcredential.ts';
import { type Caller, openPlane, type Plane } from '../make/plane.ts';

let plane: Plane;
let tenant: string;
let admin: Caller;
let credential: Credential;

beforeAll(async () => {
  plane = await openPlane();
  tenant = await plane.tenant();
  const keeper = await plane.credential(tenant, ['namespace.administrator']);
  credential = await plane.credential(tenant, ['compute.viewer']);
  goTo('08:00');
  admin = await plane.as(keeper);
});
afterAll(() => plane.stop());

const policy = (more: object) => ({
  name: 'at times',
  subject: [['@auth:realm=certificate', `@auth:subject=${credential.ID}`]],
  authorizedIdentities: ['externalnetwork,get,post', 'apiauthorizationpolicy,get,post'],
  authorizedNamespace: tenant,
  ...more,
});
const grant = (more: object, by = admin) =>
  by('POST /apiauthorizationpolicies', tenant, { body: policy(more) });

/** Whole hours of a day that has not come yet. */
const goTo = (time: string): void =>
  plane.clock.advance(Date.parse(`2031-03-03T${time}:00.000Z`) - plane.clock.now().getTime());

describe('an authorization with a schedule', () => {
  it('grants in its periods and at no other time, with the very next request', async () => {
    expect((await grant({ activeSchedule: '0 9 * * 1-5', activeDuration: '8h' })).status).toBe(200);
    const states: number[] = [];
    for (const time of ['08:59', '09:00', '16:59', '17:00']) {
      goTo(time);
      const by = await plane.as(credential);
      states.push((await by('GET /externalnetworks', tenant)).status);
    }
    expect(states).toEqual([403, 200, 200, 403]);
  });

  it('cannot be turned into one without', async () => {
    goTo('10:00');
    const by = await plane.as(credential);
    const wider = await grant({ authorizedIdentities: ['externalnetwork,get'] }, by);
    expect([wider.status, wider.errors[0]?.description]).toEqual([
      403,
      `you may not grant externalnetwork,get in ${tenant}: you hold it only until a time, at times or from some networks; grant it under the same conditions`,
    ]);
    const same = {
      activeSchedule: '0 9 * * 1-5',
      activeDuration: '8h',
      authorizedIdentities: ['externalnetwork,get'],
    };
    expect((await grant(same, by)).status).toBe(200);
  });

  it.each([
    [{ activeSchedule: '0 9 * * 1-5' }, 'activeDuration'],
    [{ activeDuration: '8h' }, 'activeSchedule'],
    [{ activeSchedule: '0 25 * * *', activeDuration: '8h' }, 'activeSchedule'],
    [{ activeSchedule: '0 9 * * *', activeDuration: '8d' }, 'activeDuration'],
  ])('%j is refused for %s', async (more, attribute) => {
    const { status, errors } = await grant(more);
    expect([status, errors[0]?.data?.attribute]).toEqual([422, attribute]);
  });
});

describe('an authorization that has expired', () => {
  it('grants nothing, is removed, and leaves an entry in the activity log', async () => {
    const made = await grant({ name: 'short', expirationTime: '2031-03-03T12:00:00.000Z' });
    const kept = await grant({ name: 'long', expirationTime: '2032-01-01T00:00:00.000Z' });
    const safe = await grant({ name: 'safe', expirationTime: '2031-03-03T12:00:00.000Z', protected: true });
    goTo('11:59');
    expect(await removeExpired(plane.deps)).toEqual({ removed: 0 });
    goTo('12:00');
    expect(await removeExpired(plane.deps)).toEqual({ removed: 1 });
    const there = async ({ object: { ID } }: typeof made) =>
      (await admin(`GET /apiauthorizationpolicies/${ID}`, tenant)).status;
    expect([await there(made), await there(kept), await there(safe)]).toEqual([404, 200, 200]);
    const log = JSON.parse((await admin('GET /activities', tenant)).text);
    expect(log[0]).toMatchObject({
      operation: 'delete',
      targetID: made.object.ID,
      claims: ['@auth:realm=system', '@auth:subject=expired-authorizations'],
    });
  });
});

describe('the sweep', () => {
  it('reads what expired and nothing else', async () => {
    const at = '2031-03-03T15:00:00.000Z';
    for (const name of ['a', 'b', 'c']) await grant({ name });
    await grant({ name: 'later', expirationTime: '2033-01-01T00:00:00.000Z' });
    await grant({ name: 'kept', expirationTime: at, protected: true });
    const { object: over } = await grant({ name: 'over', expirationTime: at });
    goTo('15:00');
    const asked: string[] = [];
    const reading = new Proxy(plane.deps.store, {
      get: (store, name: keyof ObjectStore) => {
        asked.push(name);
        return store[name];
      },
    });
    expect(await removeExpired({ ...plane.deps, store: reading })).toEqual({ removed: 1 });
    expect(asked).toEqual(['due', 'get', 'commit']);
    expect((await admin(`GET /apiauthorizationpolicies/${over.ID}`, tenant)).status).toBe(404);
  });

  it('finds one that was protected when it expired, once it is protected no more', async () => {
    const { object } = await grant({
      name: 'freed',
      expirationTime: '2031-03-03T16:00:00.000Z',
      protected: true,
    });
    goTo('16:00');
    expect(await removeExpired(plane.deps)).toEqual({ removed: 0 });
    const path = `PATCH /apiauthorizationpolicies/${object.ID}?override=true` as const;
    expect((await admin(path, tenant, { body: { protected: false } })).status).toBe(200);
    expect(await removeExpired(plane.deps)).toEqual({ removed: 1 });
  });
});

it('the role of the editor still works, and whoever grants it is told what to grant instead', async () => {
  const { status, headers } = await grant({ authorizedIdentities: ['@auth:role=namespace.editor'] });
  expect(status).toBe(200);
  expect(decodeURIComponent(headers['x-messages'] ?? '')).toBe(
    '@auth:role=namespace.editor is deprecated; grant @auth:role=namespace.administrator, or a role that allows less',
  );
});
