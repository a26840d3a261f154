import type { z } from 'zod';
import type { FailureKind } from '../schema/failure.ts';
import type { Identity, Noun } from '../schema/resources.ts';
import type { ParameterName } from './parameters.ts';

export type Method = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
/** What an authorization grants on an identity. PATCH counts as `put`, HEAD as `get`; a poke is a `put`. */
export type Verb = 'get' | 'post' | 'put' | 'delete';

/**
 * Who may call. A permission on an identity in the request's namespace; or everybody, for the few operations that
 * authenticate by their own body or hold nothing secret. A route cannot be stated without it.
 */
export type Allow = { identity: string; verb: Verb } | 'everybody';

export interface Route {
  method: Method;
  /** `{name}` is a path parameter. */
  path: string;
  /** Noun group: the Lambda function that serves it, a file in functions/api/. */
  group: string;
  summary: string;
  allow: Allow;
  /** Whoever holds it in a namespace below may ask too, and is answered with what it can reach there. */
  below?: true;
  /** Body of the request; absent when there is none. */
  input?: z.ZodType;
  /** Bytes of the body that are taken, where those are more than usual. */
  largest?: number;
  /** Query parameters of its own, by their names in lower case, each a text; none stands twice. */
  query?: z.ZodObject;
  /** Query parameters that it shares with others, beside those that its method or CRUD action has anyway. */
  takes?: readonly ParameterName[];
  /** Body of the answer; absent: 204. */
  ok?: z.ZodType;
  fails: readonly FailureKind[];
  /** A POST that changes nothing: its refusal is no refused write. */
  readOnly?: true;
  /** What generic code (CRUD, command line) derives from: the resource and what is done with it. */
  crud?: { identity: Identity; action: CrudAction };
}

export const crudActions = ['create', 'list', 'count', 'get', 'update', 'patch', 'delete'] as const;
export type CrudAction = (typeof crudActions)[number];
export type CrudOperationOf<I extends Noun> = `${CrudAction}${Capitalize<I>}`;
export type CrudOperation = CrudOperationOf<Noun>;

/** `list` + `namespace` → `listNamespace`. */
export const crudOperation = (action: CrudAction, identity: Identity): CrudOperation =>
  `${action}${(identity[0] ?? '').toUpperCase()}${identity.slice(1)}` as CrudOperation;
