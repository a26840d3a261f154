import { newObject, newObjectId } from '../../shared/core/object.ts';
import { appcredential, type Credential } from '../../shared/schema/appcredential.ts';
import { ROOT } from '../../shared/schema/ids.ts';
import { shown } from '../activity.ts';
import { makeKeyPair } from '../credential.ts';
import type { Deps } from '../deps.ts';

/**
 * Makes an administrator's credential of `/`: the first one, or another when the first was lost. Whoever may call this
 * owns the installation: an operator with IAM rights on the function, or whoever starts the one-process build.
 */
export async function bootstrap(deps: Pick<Deps, 'store' | 'clock' | 'apiURL' | 'log'>): Promise<Credential> {
  const { clock, store } = deps;
  const now = clock.now();
  const id = newObjectId(now, size => clock.randomBytes(size));
  const input = appcredential.input.parse({
    name: 'administrator',
    description: 'Made when the control plane was set up',
    roles: ['@auth:role=namespace.administrator'],
  });
  const object = newObject('appcredential', input, { id, namespace: ROOT, now });
  const serial = Buffer.from(clock.randomBytes(16)).toString('hex');
  const { certificate, credentials } = await makeKeyPair(object, deps.apiURL, now, serial);
  const stored = { ...shown('appcredential', object), certificate };
  await store.commit([
    { kind: 'create', resource: 'appcredential', object: stored },
    {
      kind: 'activity',
      activity: {
        id: newObjectId(now, size => clock.randomBytes(size)),
        namespace: ROOT,
        date: now.toISOString(),
        operation: 'create',
        targetIdentity: 'appcredential',
        targetID: id,
        claims: ['@auth:realm=system', '@auth:subject=bootstrap'],
        requestID: 'bootstrap',
        after: stored,
      },
    },
  ]);
  deps.log.info('administrator credential made', { ID: id });
  return credentials;
}
