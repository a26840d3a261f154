import { organized } from '../../shared/core/object.ts';
import { fail } from '../../shared/schema/failure.ts';
import { childPath, NamespacePath, ROOT, shortName, tenantOf } from '../../shared/schema/ids.ts';
import type { Call, Handler } from '../call.ts';
import { crud, insert, prepare } from '../crud.ts';
import type { Deps } from '../deps.ts';
import { asFields } from '../input.ts';
import { brokenRules } from '../pipeline/problem.ts';
import { ensureNamespace } from '../tasks/ensure-namespace.ts';
import { discoveryMode } from './discovery-mode.ts';
import { deleteNamespace } from './namespace-deletion.ts';
import { namespaceViews } from './namespace-views.ts';

const NO_GROUP = 'group means nothing, as in the original; what a namespace stands for is its type';

const namespace = crud('namespace', {
  check: (input, call) => {
    // Whoever replaces the list names what they add to it: policies and children count on the tag of the type.
    if (call.route.crud?.action !== 'create') {
      input.organizationalMetadata = organized(input, input.organizationalMetadata);
    } else if (input.name.includes('/')) {
      throw brokenRules([
        {
          path: ['name'],
          input: input.name,
          message: 'it is the short name; the path comes from X-Namespace',
        },
      ]);
    }
  },
  warn: (_object, { body }) => (typeof asFields(body).group === 'string' ? [NO_GROUP] : []),
});

const cloudaccount = crud('cloudaccount');

/** The tenant of an account that is added: the request's own, or, from the root, the one that `prismaID` names. */
async function tenantFor(call: Call, prismaID: unknown, deps: Deps): Promise<NamespacePath> {
  if (call.namespace !== ROOT) {
    const tenant = tenantOf(call.namespace);
    if (call.namespace !== tenant) {
      throw fail('bad_request', `cloud accounts are added to a tenant; set X-Namespace to ${tenant}`);
    }
    if (prismaID !== undefined && prismaID !== '' && prismaID !== shortName(tenant)) {
      const message = `it must be ${shortName(tenant)}, the tenant of X-Namespace, or be left out`;
      throw brokenRules([{ path: ['prismaID'], input: prismaID, message }]);
    }
    return tenant;
  }
  if (typeof prismaID !== 'string' || prismaID === '') {
    throw brokenRules([
      { path: ['prismaID'], message: 'it is required when X-Namespace is /: the ID of the tenant' },
    ]);
  }
  const tenant = NamespacePath.safeParse(`/${prismaID}`);
  if (!tenant.success || tenantOf(tenant.data) !== tenant.data) {
    throw brokenRules([
      { path: ['prismaID'], input: prismaID, message: 'it may hold letters, digits, - and _ only' },
    ]);
  }
  await ensureNamespace({ execution: call.requestID, parent: ROOT, name: prismaID, type: 'Tenant' }, deps);
  return childPath(ROOT, prismaID);
}

/** Leaves the account `Pending`; the change feed starts the workflow that makes its namespaces. */
const createCloudaccount: Handler = async (call, deps) => {
  const fields = asFields(call.body);
  // Validated before the tenant is made, so that a bad request leaves nothing behind.
  await prepare('cloudaccount', fields, call, deps);
  const tenant = await tenantFor(call, fields.prismaID, deps);
  const inTenant: Call = { ...call, namespace: tenant };
  const object = await prepare('cloudaccount', { ...fields, prismaID: shortName(tenant) }, inTenant, deps);
  return insert('cloudaccount', object, inTenant, deps);
};

export const namespaces = {
  ...namespace,
  ...cloudaccount,
  ...discoveryMode,
  ...namespaceViews,
  createCloudaccount,
  deleteNamespace,
};
