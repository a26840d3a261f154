import { randomUUID } from 'node:crypto';
import type { AgentClient } from '../../../shared/api/agent-client.ts';
import type { Enforcer } from '../../../shared/schema/enforcer.ts';
import type { ProcessingUnit } from '../../../shared/schema/processingunit.ts';
import { MOST_ELEMENTS } from '../../../shared/schema/resource.ts';
import type { KnownUnit } from './host-policy.ts';
import type { FoundUnit } from './units.ts';

/** Units of one answer: a host's own are fewer, and are one call, whatever else is in the namespace. */
const PAGE = 500;

/** What the control plane is told of a unit and may change. */
const told = ({ name, tags, addresses }: FoundUnit, enforcer: Enforcer, enforces: boolean) => ({
  name,
  // What else the host has it enforces by itself; peers know it by these.
  addresses: addresses.slice(0, MOST_ELEMENTS),
  // Tags in `@` are the system's, and are said at the creation only.
  associatedTags: tags.filter(tag => !tag.startsWith('@')),
  enforcerID: enforcer.ID,
  enforcerNamespace: enforcer.namespace,
  operationalStatus: 'Running',
  enforcementStatus: enforces ? 'Active' : 'Inactive',
});
type Told = ReturnType<typeof told>;

const same = (wanted: Told, unit: ProcessingUnit): boolean =>
  Object.entries(wanted).every(
    ([key, value]) => JSON.stringify(value) === JSON.stringify(Reflect.get(unit, key)),
  );

const known = (found: FoundUnit, { ID, namespace, normalizedTags }: ProcessingUnit): KnownUnit => ({
  ...found,
  ID,
  namespace,
  normalizedTags,
});

/** Keeps the processing units of this host in the control plane the same as they are here. */
export class UnitReporter {
  readonly #client: AgentClient;
  readonly #enforcer: Enforcer;
  readonly #enforces: boolean;
  /** By `clientLocalID`; undefined until the control plane was asked. */
  #units: Map<string, ProcessingUnit> | undefined;
  /** Keys of creations that may have happened though no answer came. */
  readonly #keys = new Map<string, string>();

  constructor(client: AgentClient, enforcer: Enforcer, enforces: boolean) {
    this.#client = client;
    this.#enforcer = enforcer;
    this.#enforces = enforces;
  }

  /** Creates, changes and removes what differs. One call to the control plane for each that does, and none if none does. */
  async sync(found: readonly FoundUnit[]): Promise<KnownUnit[]> {
    this.#units ??= await this.#list();
    const units = this.#units;
    const result: KnownUnit[] = [];
    for (const unit of found) result.push(known(unit, await this.#write(unit, units)));
    const here = new Set(found.map(({ localID }) => localID));
    for (const [localID, unit] of units) {
      if (here.has(localID)) continue;
      await this.#client.call('deleteProcessingunit', { namespace: unit.namespace, params: { id: unit.ID } });
      units.delete(localID);
    }
    return result;
  }

  /** What is known is asked for anew at the next `sync`: the control plane said that it knows something else. */
  forget(): void {
    this.#units = undefined;
  }

  async #list(): Promise<Map<string, ProcessingUnit>> {
    const { ID, namespace } = this.#enforcer;
    const units = new Map<string, ProcessingUnit>();
    let after: string | undefined;
    do {
      const query = { recursive: true, q: `enforcerID == "${ID}"`, limit: PAGE, after };
      const { body, next } = await this.#client.call('listProcessingunit', { namespace, query });
      for (const unit of body) units.set(unit.clientLocalID, unit);
      after = next;
    } while (after !== undefined);
    return units;
  }

  async #write(found: FoundUnit, units: Map<string, ProcessingUnit>): Promise<ProcessingUnit> {
    const wanted = told(found, this.#enforcer, this.#enforces);
    const before = units.get(found.localID);
    if (before && same(wanted, before)) return before;
    const key = this.#keys.get(found.localID) ?? randomUUID();
    if (!before) this.#keys.set(found.localID, key);
    const { body } = before
      ? await this.#client.call('patchProcessingunit', {
          namespace: before.namespace,
          params: { id: before.ID },
          body: wanted,
        })
      : await this.#client.call('createProcessingunit', {
          namespace: this.#enforcer.namespace,
          idempotencyKey: key,
          body: {
            ...wanted,
            type: found.type,
            metadata: found.tags.filter(tag => tag.startsWith('@')),
            clientLocalID: found.localID,
            nativeContextID: `${this.#enforcer.ID}/${found.localID}`,
          },
        });
    units.set(found.localID, body);
    this.#keys.delete(found.localID);
    return body;
  }
}
