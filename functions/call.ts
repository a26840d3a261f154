import type { Operation, Route } from '../shared/api/routes.ts';
import type { Caller, Standing } from '../shared/core/authorize.ts';
import type { Grant } from '../shared/core/grants.ts';
import type { Permissions } from '../shared/core/roles.ts';
import type { Stored } from '../shared/ports/object-store.ts';
import type { NamespacePath } from '../shared/schema/ids.ts';
import type { Namespace } from '../shared/schema/namespace.ts';
import type { Restrictions, TokenClaims } from '../shared/schema/token.ts';
import type { Deps } from './deps.ts';

/** An `Idempotency-Key` and what it was sent with. */
export interface Claim {
  /** The operation of the request itself: an import makes calls of others. */
  operation: Operation;
  /** Of the request's namespace; `/` for the root. */
  tenant: NamespacePath;
  key: string;
  /** Digest of the request. */
  request: string;
}

/** A request after the pipeline: parsed, authenticated, authorized, validated. */
export interface Call {
  operation: Operation;
  route: Route;
  requestID: string;
  /** From `X-Namespace`. */
  namespace: NamespacePath;
  /** Path parameters. */
  params: Readonly<Record<string, string>>;
  /** Query parameters; several values of one name are kept apart. */
  query: Readonly<Record<string, readonly string[]>>;
  headers: Readonly<Record<string, string | undefined>>;
  /** Parsed by the route's `input`; for CRUD still as sent, see functions/crud.ts. */
  body: unknown;
  caller: Caller;
  /** What its token says; absent where everybody may call. */
  token?: TokenClaims;
  /** Everything is checked and answered as if it were done, and nothing is. */
  dryRun: boolean;
  /** The object comes out of an import's file: what means nothing here is kept, where a write of the API is refused. */
  imported?: true;
  /** Absent without a key, and where a key means nothing. */
  claim?: Claim;
  /** What the caller holds in the namespace, each right with its conditions. */
  granted: readonly Grant[];
  /** The same without them: all of it counts now. */
  held: readonly Permissions[];
  /** What the caller's own credential or object gives it, where it has one. */
  standing: Standing | undefined;
  /** What its token is restricted to. */
  restrictions: Restrictions;
  /** Namespace objects from the tenant down to the request's own; empty for the root. */
  lineage: readonly Namespace[];
  /** Where `allow` holds, when it does not in the namespace itself: for routes that say `below`. */
  below: readonly NamespacePath[];
  /** The object that the path names, read together with the authorizations. */
  target: Stored | undefined;
}

/** What an operation answers. No body: 204. */
export interface Reply {
  body?: unknown;
  /** Objects in all, for lists and counts: `X-Count-Total`. */
  total?: number;
  /** Cursor of the next page: `X-Next`. */
  next?: string;
  /** Warnings for people: `X-Messages`. */
  messages?: readonly string[];
  /** `Set-Cookie`, one each. */
  cookies?: readonly string[];
}

export type Handler = (call: Call, deps: Deps) => Promise<Reply>;
/** A route without a handler does not compile. */
export type Handlers = { [O in Operation]: Handler };
