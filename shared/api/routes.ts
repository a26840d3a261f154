import { z } from 'zod';
import { LintFinding } from '../schema/lint.ts';
import { identities, resourceOf } from '../schema/resources.ts';
import { accessRoutes } from './access-routes.ts';
import { crudRoutes } from './crud-routes.ts';
import { directiveRoutes } from './directive-routes.ts';
import { enforcerRoutes } from './enforcer-routes.ts';
import { READ, WRITE } from './fails.ts';
import { flowQueryRoutes } from './flow-query-routes.ts';
import { flowRoutes } from './flow-routes.ts';
import { importRoutes } from './import-routes.ts';
import { mapRoutes } from './map-routes.ts';
import {
  Activity,
  ConversionReport,
  ConversionRequest,
  DecisionAnswer,
  DecisionRequest,
  ExportAnswer,
  ExportRequest,
  ImportReport,
  ImportRequest,
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
import type { CrudOperation, Route } from './route.ts';
import { tokenRoutes } from './token-routes.ts';
import { upgradeRoutes } from './upgrade-routes.ts';

export {
  type Allow,
  type CrudAction,
  type CrudOperation,
  crudActions,
  crudOperation,
  type Method,
  type Route,
  type Verb,
} from './route.ts';

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

/** Operations that are more than one resource's CRUD. */
const special = {
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
  | keyof typeof directiveRoutes
  | keyof typeof enforcerRoutes
  | keyof typeof flowQueryRoutes
  | keyof typeof flowRoutes
  | keyof typeof importRoutes
  | keyof typeof mapRoutes
  | keyof typeof upgradeRoutes
  | keyof typeof policyRoutes
  | keyof typeof relationRoutes
  | keyof typeof special
  | keyof typeof tokenRoutes
  | keyof typeof views;

/** Every operation. Handlers, authorization, OpenAPI, the client, the command line and the CDK routes read this table. */
export const routes: Readonly<Record<Operation, Route>> = {
  ...(Object.assign({}, ...identities.map(identity => crudRoutes(identity, resourceOf(identity)))) as Record<
    CrudOperation,
    Route
  >),
  ...enforcerRoutes,
  ...upgradeRoutes,
  ...directiveRoutes,
  ...tokenRoutes,
  ...special,
  ...views,
  ...accessRoutes,
  ...flowQueryRoutes,
  ...flowRoutes,
  ...importRoutes,
  ...mapRoutes,
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
