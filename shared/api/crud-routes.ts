import { z } from 'zod';
import type { FailureKind } from '../schema/failure.ts';
import type { AnyResource } from '../schema/resource.ts';
import type { Noun } from '../schema/resources.ts';
import { READ, WRITE } from './fails.ts';
import {
  type CrudAction,
  type CrudOperationOf,
  crudOperation,
  type Method,
  type Route,
  type Verb,
} from './route.ts';

/** What every resource has, by the names of its operations. */
export function crudRoutes<I extends Noun>(
  identity: I,
  { plural, group, stored, input }: AnyResource,
): Record<CrudOperationOf<I>, Route> {
  const all = `/${plural}`;
  const one = `/${plural}/{id}`;
  const partial = input.partial();
  const route = (
    action: CrudAction,
    method: Method,
    path: string,
    verb: Verb,
    summary: string,
    body: { input?: z.ZodType; ok?: z.ZodType },
    fails: readonly FailureKind[],
  ): [string, Route] => [
    crudOperation(action, identity),
    { method, path, group, summary, allow: { identity, verb }, ...body, fails, crud: { identity, action } },
  ];
  return Object.fromEntries([
    route('create', 'POST', all, 'post', `Creates one ${identity}.`, { input, ok: stored }, WRITE),
    route('list', 'GET', all, 'get', `Lists ${plural}.`, { ok: z.array(stored) }, READ),
    route('count', 'HEAD', all, 'get', `Counts ${plural}.`, {}, READ),
    route('get', 'GET', one, 'get', `Gets one ${identity} by ID.`, { ok: stored }, READ),
    route(
      'update',
      'PUT',
      one,
      'put',
      `Replaces one ${identity}; needs the updateTime that was read.`,
      { input, ok: stored },
      WRITE,
    ),
    route(
      'patch',
      'PATCH',
      one,
      'put',
      `Changes some attributes of one ${identity}.`,
      { input: partial, ok: stored },
      WRITE,
    ),
    route('delete', 'DELETE', one, 'delete', `Deletes one ${identity}.`, { ok: stored }, WRITE),
  ]) as Record<CrudOperationOf<I>, Route>;
}
