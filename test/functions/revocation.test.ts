import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openObjectStore } from '../../shared/adapters/local/object-store.ts';
import type { NamespacePath } from '../../shared/schema/ids.ts';
import { caller } from '../make/call.ts';
import { create, makeAuthorization } from '../make/objects.ts';
import { type Caller, openPlane, type Plane } from '../make/plane.ts';

/** Authorizations of others in the namespace. */
const OTHERS = 1000;

let plane: Plane;
let tenant: string;
let below: string;
let someone: string;
let token: string;
let here: Caller;
/** The same caller at another process over the same table. */
let there: Caller;

beforeAll(async () => {
  plane = await openPlane();
  tenant = await plane.tenant();
  below = await plane.namespace(tenant, 'below');
  const others = Array.from({ length: OTHERS }, (_, at) =>
    makeAuthorization(tenant as NamespacePath, `team ${at}`, [
      ['@auth:realm=oidc', '@auth:namespace=/x', `@auth:group=${at}`],
    ]),
  );
  for (let from = 0; from < OTHERS; from += 25) {
    const some = others.slice(from, from + 25);
    await plane.deps.store.commit(some.map(policy => create('apiauthorizationpolicy', policy)));
  }
  const credential = await plane.credential(tenant, ['namespace.importer']);
  someone = credential.ID;
  token = await plane.token(credential);
  here = plane.caller(token);
  const store = openObjectStore(plane.database, plane.clock);
  const elsewhere = caller(() => ({ ...plane.deps, store }));
  there = (line, namespace, sent = {}) => elsewhere(line, { ...sent, namespace, token });
});
afterAll(() => plane.stop());

const grant = async (more: object = {}): Promise<string> => {
  const body = {
    name: 'grant',
    subject: [['@auth:realm=certificate', `@auth:subject=${someone}`]],
    authorizedIdentities: ['externalnetwork,get'],
    authorizedNamespace: tenant,
    ...more,
  };
  const { status, text, object } = await plane.root('POST /apiauthorizationpolicies', tenant, { body });
  expect(status, text).toBe(200);
  return object.ID;
};

/** What both processes answer, in the namespace and below. */
const asked = async (): Promise<number[]> => {
  const answers: number[] = [];
  for (const by of [here, there]) {
    for (const namespace of [tenant, below]) {
      answers.push((await by('GET /externalnetworks?limit=1', namespace)).status);
    }
  }
  return answers;
};
const all = (status: number): number[] => [status, status, status, status];

describe('an authorization among a thousand', () => {
  it.each<[string, (id: string) => Promise<unknown>]>([
    ['deleted', id => plane.root(`DELETE /apiauthorizationpolicies/${id}`, tenant)],
    [
      'disabled',
      id => plane.root(`PATCH /apiauthorizationpolicies/${id}`, tenant, { body: { disabled: true } }),
    ],
    [
      'of others now',
      id =>
        plane.root(`PATCH /apiauthorizationpolicies/${id}`, tenant, {
          body: { subject: [['@auth:realm=certificate', '@auth:subject=other']] },
        }),
    ],
    [
      'of another place now',
      async id => {
        const aside = await plane.namespace(tenant, `aside-${id}`);
        await plane.root(`PATCH /apiauthorizationpolicies/${id}`, tenant, {
          body: { authorizedNamespace: aside },
        });
      },
    ],
  ])('counts at once in every process, and no longer from the answer on that it is %s', async (_, revoke) => {
    expect(await asked()).toEqual(all(403));
    const id = await grant();
    expect(await asked()).toEqual(all(200));
    await revoke(id);
    expect(await asked()).toEqual(all(403));
  });

  it('ends at its time, though nothing is written then', async () => {
    await grant({ expirationTime: new Date(plane.clock.now().getTime() + 60_000).toISOString() });
    expect(await asked()).toEqual(all(200));
    plane.clock.advance(60_001);
    expect(await asked()).toEqual(all(403));
  });

  it('counts as the last write says, whatever was written and asked before: a law', async () => {
    const step = fc.constantFrom('grant', 'delete', 'disable', 'enable', 'ask here', 'ask there');
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async steps => {
        let id: string | undefined;
        let counts = false;
        for (const what of steps) {
          if (what === 'ask here')
            expect((await here('GET /externalnetworks', tenant)).status).toBe(counts ? 200 : 403);
          if (what === 'ask there')
            expect((await there('GET /externalnetworks', tenant)).status).toBe(counts ? 200 : 403);
          if (what === 'grant' && id === undefined) {
            id = await grant();
            counts = true;
          } else if (id !== undefined && what === 'delete') {
            await plane.root(`DELETE /apiauthorizationpolicies/${id}`, tenant);
            id = undefined;
            counts = false;
          } else if (id !== undefined && (what === 'disable' || what === 'enable')) {
            counts = what === 'enable';
            const body = { disabled: !counts };
            await plane.root(`PATCH /apiauthorizationpolicies/${id}`, tenant, { body });
          }
        }
        expect(await asked()).toEqual(all(counts ? 200 : 403));
        if (id !== undefined) await plane.root(`DELETE /apiauthorizationpolicies/${id}`, tenant);
      }),
      { numRuns: 25 },
    );
  });
});
