import { randomBytes } from 'node:crypto';
import { type Client, createClient, credentialToken } from '../../shared/api/client.ts';
import type { Enforcer } from '../../shared/schema/enforcer.ts';
import type { Ec2Instance } from '../../shared/schema/instance.ts';
import type { DirectedTask } from '../../shared/schema/migration.ts';
import { certificateRequest, credentialOf } from './certificate-request.ts';
import { FACTS } from './fleet.ts';

/** A host that talks to an API as its agent and its runner do: registers, pokes, and carries out its directives. */
export interface WireHost {
  name: string;
  ID: Enforcer['ID'];
  /** What is installed; empty: nothing. */
  version: string;
  /** Looks for a directive and carries it out; false when there is none that it has not carried out. */
  act(): Promise<boolean>;
}

interface Place {
  api: string;
  /** Who may make install tokens and read enforcers. */
  administrator: Client;
  namespace: string;
  /** SHA-256 of the policy that is published for the namespace; empty before the first. */
  published: () => Promise<string>;
}

interface Told {
  name: string;
  version: string;
  /** Versions whose agent does not start here. */
  broken?: readonly string[];
  /** The EC2 instance that it is. */
  instance?: Ec2Instance;
  /** Its agent is dead: nothing happens before its runner is called. */
  isDead?: (directive: string) => Promise<boolean>;
}

export async function wireHost(
  place: Place,
  { name, version, broken = [], instance, isDead = async () => false }: Told,
): Promise<WireHost> {
  const { api, administrator, namespace } = place;
  const machineID = `machine of ${name} in ${namespace}`;
  let own: Client | undefined;
  let ID = '' as Enforcer['ID'];
  const carriedOut = new Set<string>();

  /** As an agent of that version that starts for the first time. */
  const start = async (token: string, started: string): Promise<void> => {
    const keys = await certificateRequest();
    const enforcer = {
      name,
      FQDN: `${name}.test`,
      machineID,
      currentVersion: started,
      certificateRequest: keys.pem,
      ...(instance ? { instance } : {}),
    };
    const { body } = await createClient({ api }).call('registerEnforcer', { body: { token, enforcer } });
    const credential = credentialOf(body.enforcer as Parameters<typeof credentialOf>[0], keys, api);
    ID = body.enforcer.ID;
    own = createClient({ api, token: credentialToken(credential, { now: Date.now, randomBytes }) });
    const policy = await place.published();
    const said = { version: started, revision: '999', state: 'applied', digest: 'd'.repeat(64), policy };
    await own.call('pokeEnforcer', { namespace, params: { id: ID }, query: said });
    host.version = started;
  };
  const report = async (task: DirectedTask, event: string, more: object = {}) => {
    if (!own) throw new Error('a host without an agent has no credential');
    const body = { directive: task.id, event, by: instance ? 'ssm' : 'agent', ...more };
    return (await own.call('reportDirective', { namespace, params: { id: ID }, body })).body;
  };
  const carryOut = async (task: DirectedTask): Promise<void> => {
    const { installToken = '' } = await report(task, 'accepted');
    if (task.kind === 'uninstall') {
      host.version = '';
      await report(task, 'uninstalled', { left: [], openMilliseconds: 0 });
    } else if (broken.includes(task.version)) {
      await report(task, 'failed', { reason: 'the service did not start' });
    } else await start(installToken, task.version);
  };
  const host: WireHost = {
    name,
    get ID() {
      return ID;
    },
    version,
    async act() {
      const { body } = await administrator.call('getEnforcer', { namespace, params: { id: ID } });
      const { task, collect } = body.migration ?? {};
      if (collect && body.lastCollectionID !== collect && !instance) {
        const said = { facts: FACTS, lastCollectionID: collect };
        await own?.call('patchEnforcer', { namespace, params: { id: ID }, body: said });
        return true;
      }
      if (!task || carriedOut.has(task.id)) return false;
      if (task.kind === 'uninstall' && (await isDead(task.id))) return false;
      await carryOut(task);
      carriedOut.add(task.id);
      return true;
    },
  };
  const { body } = await administrator.call('createInstalltoken', { namespace, body: { machineID } });
  await start(body.token ?? '', version);
  return host;
}
