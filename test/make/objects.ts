import { randomBytes } from 'node:crypto';
import { newObject, newObjectId } from '../../shared/core/object.ts';
import type { Activity, Stored, Write } from '../../shared/ports/object-store.ts';
import { NamespacePath, parentPath, ROOT, shortName } from '../../shared/schema/ids.ts';
import { type Identity, resourceOf } from '../../shared/schema/resources.ts';

/** A tenant that nobody else has, so that suites can share a table. */
export const freshTenant = (): NamespacePath => NamespacePath.parse(`/t${randomBytes(8).toString('hex')}`);

let time = Date.parse('2026-03-01T12:00:00.000Z');

/** IDs in order of creation, as the control plane makes them. */
export const nextID = () => {
  time += 1;
  return newObjectId(new Date(time), randomBytes);
};

/** An object with nothing but what must be said, as a create stores it. */
export const make = <I extends Identity>(
  identity: I,
  namespace: NamespacePath,
  input: Record<string, unknown>,
): Stored<I> =>
  newObject(identity, resourceOf(identity).input.parse(input) as Parameters<typeof newObject<I>>[1], {
    id: nextID(),
    namespace,
    now: new Date(time),
  });

export const makeNamespace = (path: NamespacePath): Stored<'namespace'> =>
  path === ROOT
    ? { ...make('namespace', ROOT, { name: 'root' }), name: '/' }
    : make('namespace', parentPath(path), { name: shortName(path) });

export const makeNetwork = (namespace: NamespacePath, name: string, more: Record<string, unknown> = {}) =>
  make('externalnetwork', namespace, { name, entries: ['10.0.0.0/8'], ...more });

export const makeEnforcer = (namespace: NamespacePath, name: string, machineID: string) =>
  make('enforcer', namespace, { name, FQDN: `${name}.example.com`, machineID });

export const makeUnit = (namespace: NamespacePath, name: string, addresses: readonly string[]) =>
  make('processingunit', namespace, { name, type: 'Host', addresses });

export const makeAuthorization = (
  namespace: NamespacePath,
  name: string,
  subject: readonly (readonly string[])[],
  authorizedNamespace = namespace,
) =>
  make('apiauthorizationpolicy', namespace, {
    name,
    subject,
    authorizedIdentities: ['@auth:role=netsecops.viewer'],
    authorizedNamespace,
  });

export const create = <I extends Identity>(resource: I, object: Stored<I>): Write => ({
  kind: 'create',
  resource,
  object,
});

export const makeActivity = (namespace: NamespacePath, object: Stored, date: string): Activity => ({
  id: nextID(),
  namespace,
  date,
  operation: 'create',
  targetIdentity: 'externalnetwork',
  targetID: object.ID,
  claims: ['@auth:realm=test'],
  requestID: 'request',
  after: { ID: object.ID },
});
