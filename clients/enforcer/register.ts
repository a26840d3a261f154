import type { AgentClient } from '../../shared/api/agent-client.ts';
import type { Enforcer } from '../../shared/schema/enforcer.ts';

export interface Machine {
  name: string;
  FQDN?: string;
  /** Not empty. */
  machineID: string;
  associatedTags?: readonly string[];
  currentVersion?: string;
}

const literal = (text: string): string => `"${text.replace(/["\\]/g, '\\$&')}"`;

/**
 * The enforcer's object in its namespace: the one that this machine had before, or a new one. It is asked for by what an index or a key
 * leads to, so that it costs the same in a namespace of any size. `credentialID`: of the credential that the host holds, which is the
 * enforcer's own where an install token was traded for it. The index of machines may lag by moments, and this read does not.
 */
export async function register(
  client: AgentClient,
  namespace: string,
  machine: Machine,
  credentialID?: string,
): Promise<Enforcer> {
  const own = credentialID === undefined ? '' : ` or ID == ${literal(credentialID)}`;
  const query = { q: `machineID == ${literal(machine.machineID)}${own}` };
  const { body: known } = await client.call('listEnforcer', { namespace, query });
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
