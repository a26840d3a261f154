import type { Enforcer } from '../../../shared/schema/enforcer.ts';
import type { Insides } from './insides.ts';
import type { Keeper } from './keeper.ts';
import { UnitReporter } from './reporting.ts';

/** Speaks for the processing units of this host: tells the control plane of them, and the policy whom it is for. */
export class Speaker {
  readonly #insides: Insides;
  readonly #keeper: Keeper;
  #reporter: UnitReporter | undefined;

  constructor(insides: Insides, keeper: Keeper) {
    this.#insides = insides;
    this.#keeper = keeper;
  }

  /** This host has become that enforcer: at the start, and when its object was deleted meanwhile. */
  became(enforcer: Enforcer): void {
    const { parts, holding } = this.#insides;
    holding.enforcerTags = enforcer.normalizedTags;
    const isAnother = this.#reporter !== undefined;
    this.#reporter = new UnitReporter(parts.client, enforcer, parts.plane !== undefined);
    if (!isAnother) return;
    parts.say(`registered again, as enforcer ${enforcer.ID}`);
    void this.sync().catch(() => undefined);
  }

  /** Brings both in step with the host as it is. Throws when the control plane won't have it. */
  async sync(): Promise<void> {
    const { parts, holding, troubles } = this.#insides;
    // Who enforces nothing speaks for no unit.
    if (!parts.plane) return;
    await troubles.during('units', async () => {
      const before = JSON.stringify(holding.units);
      const units = await this.#reporter?.sync(await parts.findUnits()).catch(error => {
        this.#reporter?.forget();
        throw error;
      });
      const isNews = units !== undefined && JSON.stringify(units) !== before;
      if (isNews) holding.units = units;
      this.#keeper.lookAtBridges();
      if (!isNews) return;
      await this.#keeper.refresh();
      await this.#keeper.save();
    });
  }

  /**
   * Before a policy is taken it must be known whom it is for: without units it would shut nothing out, and be told as
   * enforced. Later on, what is known goes on to hold while the control plane can't be asked.
   */
  async ready(): Promise<void> {
    const { holding } = this.#insides;
    if (holding.units.length === 0) await this.sync();
  }
}
