import { afterAll, beforeAll, expect, it } from 'vitest';
import { operations, type Route, routes } from '../../shared/api/routes.ts';
import { ROLES } from '../../shared/core/role-table.ts';
import { grants, permissionsOf } from '../../shared/core/roles.ts';
import type { RequestLine } from '../make/call.ts';
import { type Caller, openPlane, type Plane } from '../make/plane.ts';

/*
 * Every permission that a route asks for × every role × where. authorize.test.ts walks every route, for a few roles: which
 * of them is meant decides nothing but the permission.
 */

let plane: Plane;
let tenant: string;
let own: string;
let child: string;
let foreign: string;

beforeAll(async () => {
  plane = await openPlane();
  tenant = await plane.tenant();
  own = await plane.namespace(tenant, 'own');
  child = await plane.namespace(own, 'child');
  foreign = await plane.tenant();
});
afterAll(() => plane.stop());

type Guarded = Route & { allow: { identity: string; verb: 'get' | 'post' | 'put' | 'delete' } };

/** One route for each permission; those that only read or want a body first, so that nothing happens. */
const guarded = operations
  .map(operation => routes[operation])
  .filter((route): route is Guarded => route.allow !== 'everybody' && route.path !== '/discoverymode');
const samples = [...new Map(guarded.map(route => [JSON.stringify(route.allow), route])).values()];

const lineOf = ({ method, path }: Route): RequestLine =>
  `${method} ${path.replace('{id}', '0190f3a1b2c3d4e5f6071829') as `/${string}`}`;

const PLACES = {
  own: () => own,
  child: () => child,
  'a child that is not there': () => `${own}/nowhere`,
  parent: () => tenant,
  root: () => '/',
  foreign: () => foreign,
  'a tenant that is not there': () => '/nowhere',
} as const;
const INSIDE: readonly (keyof typeof PLACES)[] = ['own', 'child', 'a child that is not there'];

/**
 * As the table says; whether the request would succeed is another matter. Where nothing is, the answer is the same. Above, only
 * what is below is told, and by the one route that says so.
 */
const mayCall = (role: string, { allow, below }: Guarded, place: keyof typeof PLACES): boolean =>
  (INSIDE.includes(place) || (place === 'parent' && below === true)) &&
  grants(permissionsOf(`@auth:role=${role}`), allow.identity, allow.verb);

async function wrongFor(role: string, by: Caller): Promise<string[]> {
  const wrong: string[] = [];
  for (const place of Object.keys(PLACES) as (keyof typeof PLACES)[])
    for (const route of samples) {
      const { status } = await by(lineOf(route), PLACES[place]());
      if ((status !== 403) !== mayCall(role, route, place))
        wrong.push(`${role} ${place} ${lineOf(route)} ${status}`);
    }
  return wrong;
}

it('every role may what the table says, in its namespace and below, and nothing anywhere else', async () => {
  const roles = Object.keys(ROLES);
  const wrong: string[] = [];
  for (const role of roles) wrong.push(...(await wrongFor(role, await plane.member(own, [role]))));
  expect(wrong).toEqual([]);
  const asked = roles.length * samples.length * Object.keys(PLACES).length;
  console.log(
    `role matrix: ${roles.length} roles × ${samples.length} permissions × ${Object.keys(PLACES).length} namespaces: ${asked} requests`,
  );
}, 120_000);
