import type { Tag } from '../../../shared/schema/tag.ts';
import type { Applied, DataPlane, HostPolicy } from '../data-plane.ts';
import { absentWarnings } from './cgroups.ts';
import { type Content, hostPolicy, type KnownUnit } from './host-policy.ts';

/** What holds on this host beside the bundle's content. */
export interface Circumstances {
  enforcerTags: readonly Tag[];
  units: readonly KnownUnit[];
  names: HostPolicy['names'];
  infrastructure: HostPolicy['infrastructure'];
  layer3Only: boolean;
  lockdown: boolean;
}

export interface Active extends Circumstances {
  content: Content;
  /** Read back from the kernel; empty while nothing is enforced. */
  digest: string;
  profile: string | undefined;
  warnings: readonly string[];
  since: Date;
}

const keyOf = (content: Content, { names, ...rest }: Circumstances): string =>
  JSON.stringify([content.digests, rest, [...names]]);

/**
 * What holds and what should. One thing at a time is made to hold; what is asked meanwhile waits. Without a data plane
 * everything is as said and nothing is enforced.
 */
export class Activation {
  readonly #plane: DataPlane | undefined;
  readonly #now: () => Date;
  #active: Active | undefined;
  #key = '';
  #turn: Promise<unknown> = Promise.resolve();

  constructor(plane: DataPlane | undefined, now: () => Date) {
    this.#plane = plane;
    this.#now = now;
  }

  get active(): Active | undefined {
    return this.#active;
  }

  /** Makes it hold; at once when it holds already. What held before stays when it can't be. */
  make(content: Content, circumstances: Circumstances): Promise<Applied> {
    const turn = this.#turn.then(() => this.#make(content, circumstances));
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  /** Makes this hold as long as no policy does. */
  shut(policy: HostPolicy): Promise<Applied | undefined> {
    const turn = this.#turn.then(async () => (this.#active ? undefined : this.#plane?.apply(policy)));
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  async #make(content: Content, circumstances: Circumstances): Promise<Applied> {
    const key = keyOf(content, circumstances);
    if (this.#active && key === this.#key) {
      // Another revision of the same content: the number is news, the rules are not.
      this.#active.content = content;
      const { digest, warnings } = this.#active;
      return { outcome: 'applied', digest, changed: false, warnings };
    }
    const policy = hostPolicy({ content, ...circumstances });
    const applied: Applied = this.#plane
      ? await this.#plane.apply(policy)
      : { outcome: 'applied', digest: '', changed: true, warnings: [] };
    if (applied.outcome === 'applied') {
      const { digest } = applied;
      const warnings = [...(this.#plane ? absentWarnings(circumstances.units) : []), ...applied.warnings];
      const profile = policy.profile?.name;
      this.#active = { ...circumstances, content, digest, profile, warnings, since: this.#now() };
      this.#key = key;
    }
    return applied;
  }
}
