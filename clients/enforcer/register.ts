import type { Client } from '../../shared/api/client.ts';
import type { Enforcer } from '../../shared/schema/enforcer.ts';

/** The enforcer's object in its namespace: the one that this machine had before, or a new one. */
export async function register(
  client: Client,
  namespace: string,
  { name, machineID }: { name: string; machineID: string },
): Promise<Enforcer> {
  const { body: known } = await client.call('listEnforcer', { namespace });
  const mine = known.find(enforcer => enforcer.machineID === machineID);
  if (mine) return mine;
  const { body } = await client.call('createEnforcer', { namespace, body: { name, FQDN: name, machineID } });
  return body;
}

/** Tells the control plane what became of a bundle: which revision, and why not where it was refused. */
export async function report(
  client: Client,
  enforcer: Enforcer,
  bundle: NonNullable<Enforcer['bundle']>,
): Promise<void> {
  await client.call('patchEnforcer', {
    namespace: enforcer.namespace,
    params: { id: enforcer.ID },
    body: { bundle, operationalStatus: 'Connected' },
  });
}
