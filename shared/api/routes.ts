import { z } from 'zod';
import { enforcer } from '../schema/enforcer.ts';
import type { FailureKind } from '../schema/failure.ts';
import { LintFinding } from '../schema/lint.ts';
import { type Identity, identities, type Noun, resourceOf } from '../schema/resources.ts';
import { accessRoutes } from './access-routes.ts';
import {
  PokeParameters,
  PreflightAnswer,
  PreflightRequest,
  PresetAnswer,
  PresetRequest,
  RegistrationAnswer,
  RegistrationRequest,
  UnitPokeParameters,
} from './enforcer-messages.ts';
import { READ, WRITE } from './fails.ts';
import { flowRoutes } from './flow-routes.ts';
import { importRoutes } from './import-routes.ts';
import {
  Activity,
  ConversionReport,
  ConversionRequest,
  DecisionAnswer,
  DecisionRequest,
  EnforcerCredentials,
  ExportAnswer,
  ExportRequest,
  ImportReport,
  ImportRequest,
  Issue,
  IssueRequest,
  Jwks,
  MetaConfig,
} from './messages.ts';
import {
  AccessibleNamespace,
  DefaultEnforcerVersion,
  EffectiveOrganizationalMetadata,
  NamespaceInfo,
  NamespacePolicyInfo,
  NamespaceTypeAnswer,
  PUTrafficActions,
  RoleAnswer,
  TagPrefixes,
} from './namespace-messages.ts';
import { LIST, type ParameterName } from './parameters.ts';
import { policyRoutes } from './policy-routes.ts';
import { relationRoutes } from './relation-routes.ts';
import { upgradeRoutes } from './upgrade-routes.ts';

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
export type CrudOperation = `${CrudAction}${Capitalize<Noun>}`;

/** `list` + `namespace` → `listNamespace`. */
export const crudOperation = (action: CrudAction, identity: Identity): CrudOperation =>
  `${action}${(identity[0] ?? '').toUpperCase()}${identity.slice(1)}` as CrudOperation;

function crudRoutes(identity: Identity): [CrudOperation, Route][] {
  const { plural, group, stored, input } = resourceOf(identity);
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
  ): [CrudOperation, Route] => [
    crudOperation(action, identity),
    { method, path, group, summary, allow: { identity, verb }, ...body, fails, crud: { identity, action } },
  ];
  return [
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
  ];
}

/** A small read-only resource, listed. */
const view = (
  path: `/${string}`,
  identity: string,
  summary: string,
  one: z.ZodType,
  takes: readonly ParameterName[] = [],
): Route => ({
  method: 'GET',
  path,
  group: 'namespaces',
  summary,
  allow: { identity, verb: 'get' },
  ok: z.array(one),
  takes,
  fails: READ,
});

/** What counts in a namespace, and who may see what. */
const views = {
  getNamespacePolicyInfo: view(
    '/namespacepolicyinfo',
    'namespacepolicyinfo',
    'Gets the tag prefixes and default actions that count in the namespace.',
    NamespacePolicyInfo,
  ),
  getNamespaceInfo: view(
    '/namespaceinfo',
    'namespaceinfo',
    'Gets the namespace in short, with the values that count in it.',
    NamespaceInfo,
  ),
  getOrganizationalMetadata: view(
    '/organizationalmetadata',
    'organizationalmetadata',
    'Gets the organizational metadata that objects created in the namespace take over.',
    EffectiveOrganizationalMetadata,
  ),
  getTagPrefixes: view(
    '/tagprefixes',
    'tagprefix',
    'Gets the tag prefixes that count in the namespace.',
    TagPrefixes,
  ),
  getDefaultEnforcerVersion: view(
    '/defaultenforcerversion',
    'defaultenforcerversion',
    'Gets the version that enforcers of the namespace should have.',
    DefaultEnforcerVersion,
  ),
  getPuTrafficActions: view(
    '/putrafficactions',
    'putrafficaction',
    'Gets what happens in the namespace to traffic that no rule decides.',
    PUTrafficActions,
  ),
  getNamespaceType: view(
    '/namespacetypes',
    'namespacetype',
    'Gets the type of the namespace.',
    NamespaceTypeAnswer,
  ),
  listAccessibleNamespaces: {
    ...view(
      '/accessiblenamespaces',
      'accessiblenamespace',
      'Lists the namespace and those below it that the caller may see, in short.',
      AccessibleNamespace,
      LIST,
    ),
    below: true,
  },
  listRoles: view('/roles', 'role', 'Lists the roles that can be granted, and what each may do.', RoleAnswer),
} as const satisfies Record<string, Route>;

/** What agents do beside CRUD. */
const agents = {
  pokeEnforcer: {
    method: 'GET',
    path: '/enforcers/{id}/poke',
    group: 'enforcers',
    summary: 'Says that the enforcer is alive, and what has become of it: its status, version and bundle.',
    allow: { identity: 'enforcer', verb: 'put' },
    query: PokeParameters,
    fails: READ,
  },
  pokeProcessingUnit: {
    method: 'GET',
    path: '/processingunits/{id}/poke',
    group: 'enforcers',
    summary: 'Says that a processing unit is still there, and what has become of it.',
    allow: { identity: 'processingunit', verb: 'put' },
    query: UnitPokeParameters,
    fails: READ,
  },
  registerEnforcer: {
    method: 'POST',
    path: '/registrations',
    group: 'enforcers',
    summary:
      'Trades an install token for an enforcer of its own: the one that the machine had, or a new one.',
    allow: 'everybody',
    input: RegistrationRequest,
    takes: ['dryRun'],
    ok: RegistrationAnswer,
    fails: WRITE,
  },
  createPreflight: {
    method: 'POST',
    path: '/preflights',
    group: 'enforcers',
    summary: 'Judges whether an agent can be installed on a host in the namespace, check by check.',
    allow: { identity: 'preflight', verb: 'post' },
    input: PreflightRequest,
    ok: PreflightAnswer,
    fails: [...READ, 'invalid', 'too_large', 'unsupported_media_type'],
  },
  applyPreset: {
    method: 'POST',
    path: '/enforcerprofilepresets',
    group: 'enforcers',
    summary: 'Makes a profile and its mapping that belong together, once.',
    allow: { identity: 'enforcerprofile', verb: 'post' },
    input: PresetRequest,
    ok: PresetAnswer,
    fails: WRITE,
  },
  revokeEnforcer: {
    method: 'DELETE',
    path: '/enforcers/{id}/certificate',
    group: 'enforcers',
    summary: 'Revokes the certificate of an enforcer, and every token that it got with it.',
    allow: { identity: 'enforcer', verb: 'delete' },
    ok: enforcer.stored,
    fails: WRITE,
  },
} as const satisfies Record<string, Route>;

/** Operations that are more than one resource's CRUD. */
const special = {
  issueToken: {
    method: 'POST',
    path: '/issue',
    group: 'tokens',
    summary:
      'Trades what proves an identity, such as an assertion signed with a credential, for a short-lived token.',
    allow: 'everybody',
    input: IssueRequest,
    takes: ['asCookie', 'dryRun'],
    ok: Issue,
    fails: [
      'bad_request',
      'unauthorized',
      'quota_exhausted',
      'invalid',
      'too_large',
      'unsupported_media_type',
      'unavailable',
    ],
  },
  getJwks: {
    method: 'GET',
    path: '/.well-known/jwks.json',
    group: 'tokens',
    summary: 'Gets the public keys that verify tokens.',
    allow: 'everybody',
    ok: Jwks,
    fails: [],
  },
  getMetaConfig: {
    method: 'GET',
    path: '/_meta/config',
    group: 'tokens',
    summary: 'Gets what a client needs to know before it has a token.',
    allow: 'everybody',
    ok: MetaConfig,
    fails: [],
  },
  createEnforcerCredentials: {
    method: 'POST',
    path: '/enforcers/{id}/credentials',
    group: 'enforcers',
    summary: "Gets short-lived read access to the bundle of the enforcer's namespace.",
    allow: { identity: 'enforcercredential', verb: 'post' },
    ok: EnforcerCredentials,
    fails: READ,
  },
  decideFlow: {
    method: 'POST',
    path: '/decisions',
    group: 'policies',
    summary: 'Says whether a flow is allowed, by which rule at each end, and in which bundle.',
    allow: { identity: 'decision', verb: 'post' },
    input: DecisionRequest,
    readOnly: true,
    ok: DecisionAnswer,
    fails: [...READ, 'invalid', 'too_large', 'unsupported_media_type'],
  },
  lintNamespace: {
    method: 'GET',
    path: '/lint',
    group: 'policies',
    summary:
      'Lists what no longer works or soon will not, in the namespace or with recursive below it too, each with a fix.',
    allow: { identity: 'lint', verb: 'get' },
    takes: ['recursive'],
    ok: z.array(LintFinding),
    fails: READ,
  },
  createConversion: {
    method: 'POST',
    path: '/conversions',
    group: 'imports',
    summary: 'Converts a legacy export to rulesets, and tells what is lost; nothing is stored.',
    allow: { identity: 'conversion', verb: 'post' },
    input: ConversionRequest,
    readOnly: true,
    ok: ConversionReport,
    fails: [
      'bad_request',
      'unauthorized',
      'forbidden',
      'not_found',
      'invalid',
      'too_large',
      'unsupported_media_type',
    ],
  },
  listActivities: {
    method: 'GET',
    path: '/activities',
    group: 'imports',
    summary: 'Lists who wrote what in the namespace, and what was refused, newest first.',
    allow: { identity: 'activity', verb: 'get' },
    takes: ['startAbsolute', 'endAbsolute', 'startRelative', 'endRelative', 'limit', 'after', 'pagesize'],
    ok: z.array(Activity),
    fails: [...READ, 'invalid'],
  },
  countActivities: {
    method: 'HEAD',
    path: '/activities',
    group: 'imports',
    summary: 'Counts what GET /activities lists.',
    allow: { identity: 'activity', verb: 'get' },
    takes: ['startAbsolute', 'endAbsolute', 'startRelative', 'endRelative'],
    fails: [...READ, 'invalid'],
  },
  export: {
    method: 'POST',
    path: '/export',
    group: 'imports',
    summary: 'Gets the objects of a namespace, or of all below it too, as a file for POST /import.',
    allow: { identity: 'export', verb: 'post' },
    input: ExportRequest,
    readOnly: true,
    takes: ['q', 'recursive'],
    ok: ExportAnswer,
    fails: [...READ, 'invalid', 'too_large', 'unsupported_media_type'],
  },
  import: {
    method: 'POST',
    path: '/import',
    group: 'imports',
    summary: 'Creates or updates the objects of an export; one label, one set of objects.',
    allow: { identity: 'import', verb: 'post' },
    input: ImportRequest,
    ok: ImportReport,
    fails: WRITE,
  },
} as const satisfies Record<string, Route>;

export type Operation =
  | CrudOperation
  | keyof typeof accessRoutes
  | keyof typeof agents
  | keyof typeof flowRoutes
  | keyof typeof importRoutes
  | keyof typeof upgradeRoutes
  | keyof typeof policyRoutes
  | keyof typeof relationRoutes
  | keyof typeof special
  | keyof typeof views;

/** Every operation. Handlers, authorization, OpenAPI, the client, the command line and the CDK routes read this table. */
export const routes: Readonly<Record<Operation, Route>> = {
  ...(Object.fromEntries(identities.flatMap(crudRoutes)) as Record<CrudOperation, Route>),
  ...agents,
  ...upgradeRoutes,
  ...special,
  ...views,
  ...accessRoutes,
  ...flowRoutes,
  ...importRoutes,
  ...policyRoutes,
  ...relationRoutes,
};

export const operations = Object.keys(routes).sort() as Operation[];
/** Noun groups: each is one file in functions/api/ and one Lambda function. */
export const groups = [...new Set(operations.map(operation => routes[operation].group))].sort();

/** Headers and query parameters that every list takes. */
export const ListParameters = z.object({
  page: z.coerce.number().int().min(1).optional(),
  /** 0 or absent: everything that fits into one answer. */
  pagesize: z.coerce.number().int().min(0).max(10_000).optional(),
  after: z.string().max(2048).optional(),
  limit: z.coerce.number().int().min(1).max(10_000).optional(),
  order: z.array(z.string().regex(/^-?[A-Za-z]+$/)).optional(),
  recursive: z.boolean(),
  propagated: z.boolean(),
});
export type ListParameters = z.infer<typeof ListParameters>;
