import { randomBytes } from 'node:crypto';
import { type AgentClient, ApiError } from '../../../shared/api/agent-client.ts';
import type { EnforcerCredentials } from '../../../shared/api/messages.ts';
import type { Enforcer } from '../../../shared/schema/enforcer.ts';
import type { Clock } from '../clock.ts';
import { type Machine, register } from '../register.ts';
import { VERSION } from '../version.ts';
import type { HostIdentity } from './identity.ts';
import type { Troubles } from './troubles.ts';

export type Reported = NonNullable<Enforcer['bundle']>;

interface MembershipOptions {
  client: AgentClient;
  namespace: string;
  machine: Machine;
  /** Of the credential that this host holds. */
  credentialID?: string | undefined;
  clock: Clock;
  troubles: Troubles;
  /** This host has become that enforcer: at the start, and when its object was deleted meanwhile. */
  became: (enforcer: Enforcer) => void;
}

/** Who this host is to the control plane, and what it says of itself. */
export class Membership {
  readonly #options: MembershipOptions;
  readonly #session = randomBytes(8).toString('hex');
  #enforcer: Enforcer | undefined;
  /** What became of the newest bundle. */
  reported: Reported | undefined;
  /** When the control plane last answered. */
  contact: Date | undefined;
  /** What its bundles must be bound to. */
  binding: HostIdentity['binding'];

  constructor(options: MembershipOptions) {
    this.#options = options;
  }

  get enforcer(): Enforcer | undefined {
    return this.#enforcer;
  }

  /** Throws before the host is registered. */
  get known(): Enforcer {
    if (!this.#enforcer) throw new Error('the enforcer is not registered yet');
    return this.#enforcer;
  }

  heard(): void {
    this.contact = this.#options.clock.now();
  }

  /** The enforcer of this machine: the one that it was, or a new one. */
  async join(): Promise<Enforcer> {
    const { client, namespace, machine, credentialID, troubles, became } = this.#options;
    const enforcer = await troubles.during('registration', () =>
      register(client, namespace, machine, credentialID),
    );
    this.heard();
    if (enforcer.ID !== this.#enforcer?.ID) {
      this.#enforcer = enforcer;
      became(enforcer);
    }
    return enforcer;
  }

  /** Read access to the bundle of its namespace, and to no other: who answers with another's is not followed there. */
  async credentials(): Promise<EnforcerCredentials> {
    const { namespace, ID: id } = this.known;
    const { body } = await this.#options.client.call('createEnforcerCredentials', {
      namespace,
      params: { id },
    });
    if (body.namespace !== namespace)
      throw new Error(
        `the control plane names the bundle of ${body.namespace}, and this enforcer is of ${namespace}`,
      );
    this.binding = { tenant: body.tenant, namespace: body.namespace, namespaceID: body.namespaceID };
    return body;
  }

  /** Says that the agent is alive, and what became of the bundle. */
  async poke(enforcementstatus: Enforcer['enforcementStatus'], sessionclose = false): Promise<void> {
    const { client, clock, troubles } = this.#options;
    const { ID: id, namespace } = this.known;
    const query = {
      status: 'Connected',
      enforcementstatus,
      version: VERSION,
      ts: clock.now().toISOString(),
      sessionid: this.#session,
      sessionclose,
      ...this.reported,
    };
    try {
      await troubles.during('poke', () => client.call('pokeEnforcer', { namespace, params: { id }, query }));
      this.heard();
    } catch (error) {
      // Its object is gone: this host is another enforcer from now on, if it may be.
      if (error instanceof ApiError && error.status === 404 && !sessionclose) await this.join();
      throw error;
    }
  }
}
