import type { AgentClient } from '../../shared/api/agent-client.ts';
import type { Enforcer } from '../../shared/schema/enforcer.ts';

export interface Machine {
  name: string;
  FQDN?: string;
  machineID: string;
  associatedTags?: readonly string[];
  currentVersion?: string;
}

/** The enforcer's object in its namespace: the one that this machine had before, or a new one. */
export async function register(client: AgentClient, namespace: string, machine: Machine): Promise<Enforcer> {
  const { body: known } = await client.call('listEnforcer', { namespace });
  const mine = known.find(({ machineID }) => machineID === machine.machineID);
  if (mine) return mine;
  const { name } = machine;
  return (await client.call('createEnforcer', { namespace, body: { FQDN: name, ...machine } })).body;
}

/** Tells the control plane what became of a bundle: which revision, and why not where it was refused. */
export async function report(
  client: AgentClient,
  enforcer: Enforcer,
  bundle: NonNullable<Enforcer['bundle']>,
): Promise<void> {
  await client.call('patchEnforcer', {
    namespace: enforcer.namespace,
    params: { id: enforcer.ID },
    body: { bundle, operationalStatus: 'Connected' },
  });
}
