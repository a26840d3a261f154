import { createHash } from 'node:crypto';
import { join } from 'node:path';
import {
  type OpenResult,
  reopen,
  type StoredBundle,
  type TrustedState,
} from '../../../shared/bundle/open.ts';
import type { Tag } from '../../../shared/schema/tag.ts';
import type { Clock } from '../clock.ts';
import type { Applied, DataPlane, HostPolicy } from '../data-plane.ts';
import { Activation, type Active } from './activation.ts';
import { type CgroupAt, cgroupAt, located } from './cgroups.ts';
import { Freshness, locksDown } from './freshness.ts';
import { type Content, digestsOf, type KnownUnit, profileIn } from './host-policy.ts';
import { type HostIdentity, readIdentity, writeIdentity } from './identity.ts';
import { KeptBundle } from './kept.ts';
import type { Troubles } from './troubles.ts';
import { type BeforePolicy, shutPolicy } from './undecided.ts';

type Opened = Extract<OpenResult, { ok: true }>;
const hashOf = (root: Uint8Array): string => createHash('sha256').update(root).digest('hex');

type Expected = NonNullable<HostIdentity['binding']>;

const NOTHING: HostPolicy['infrastructure'] = { controlPlane: [], resolvers: [] };

interface HoldingOptions {
  /** Where everything is kept. */
  folder: string;
  /** What the installation trusts. */
  root: Uint8Array;
  plane: DataPlane | undefined;
  clock: Clock;
  troubles: Troubles;
  /** Undefined: as the run before. */
  layer3Only?: boolean;
  /** What passes as long as no policy was verified. Undefined: whatever passes anyhow. */
  beforePolicy?: BeforePolicy;
  /** Which control group has a path now; the kernel's. */
  cgroupAt?: CgroupAt;
  /** What another control plane, namespace or root of trust left is not for this run. Undefined: whatever is there. */
  belongsTo?: { api: string; namespace: string };
}

/** The policy that this host holds: what is verified, what is active, and what of it is on disk. */
export class Holding {
  readonly #options: HoldingOptions;
  readonly #kept: KeptBundle;
  readonly #activation: Activation;
  readonly freshness: Freshness;
  #trusted: TrustedState;
  /** The files of the active bundle: what is kept, and started from again. */
  #stored: StoredBundle | undefined;
  #content: Content | undefined;
  #identity: HostIdentity | undefined;
  units: readonly KnownUnit[] = [];
  enforcerTags: readonly Tag[] = [];
  infrastructure = NOTHING;
  names: HostPolicy['names'] = new Map();
  /** Why what is on disk could not be made to hold. */
  refused: string | undefined;
  /** Nothing passes but what leads to a policy. */
  isShut = false;

  constructor(options: HoldingOptions) {
    this.#options = options;
    this.#kept = new KeptBundle(join(options.folder, 'bundle'));
    this.#trusted = { root: options.root };
    this.#activation = new Activation(options.plane, () => options.clock.now());
    this.freshness = new Freshness(options.clock);
  }

  get layer3Only(): boolean {
    return this.#options.layer3Only ?? this.#identity?.layer3Only ?? false;
  }

  /** What the next update is measured against. */
  get trusted(): TrustedState {
    return this.#trusted;
  }

  /** Of the namespace whose bundle was taken last. */
  get namespaceID(): string | undefined {
    return this.#content?.payloads['policy.json'].namespaceID;
  }

  get active(): Active | undefined {
    return this.#activation.active;
  }

  /** Whether the host is to be shut now: no policy was verified, and it says so. */
  get isToShut(): boolean {
    const { plane, beforePolicy } = this.#options;
    return plane !== undefined && beforePolicy === 'reject' && this.#content === undefined;
  }

  /**
   * Where names lead to. Of those that the bundle spells out it may not be known yet; what an earlier run knew fills the gaps.
   */
  learnNames(exact: readonly string[], found: HostPolicy['names']): void {
    const gaps = exact.flatMap(name => {
      const earlier = found.has(name) ? undefined : this.names.get(name);
      return earlier ? [[name, earlier] as const] : [];
    });
    this.names = new Map([...found, ...gaps].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  get hasCgroups(): boolean {
    return (this.active?.units ?? []).some(({ cgroup }) => cgroup !== undefined);
  }

  /** Whether control groups of units came, went, or were made again since the rules were. */
  get hasMoved(): boolean {
    const { cgroupAt: at = cgroupAt } = this.#options;
    return (this.active?.units ?? []).some(
      ({ cgroup, cgroupID }) => cgroup !== undefined && at(cgroup) !== cgroupID,
    );
  }

  /** Whether the policy is too old to be trusted with anything, by the profile. */
  get lockdown(): boolean {
    if (!this.#content) return false;
    return locksDown(this.freshness.staleFor, profileIn(this.#content.payloads, this.enforcerTags));
  }

  /**
   * Verifies what an earlier run kept, and makes it hold; nothing else is asked. Whatever is damaged is left out, and
   * fetched again later. Undefined when there is nothing that is good.
   */
  async restore(): Promise<Applied | undefined> {
    const { folder, clock, troubles } = this.#options;
    const { state, damage } = this.#kept.load();
    if (damage !== undefined) troubles.set('cache', new Error(`${damage}; it is fetched again`));
    this.#identity = readIdentity(folder);
    if (this.#identity && !this.#belongs(this.#identity, state)) this.#identity = undefined;
    const { binding } = this.#identity ?? {};
    if (!state || !this.#identity || !binding) return undefined;
    const reopened = reopen(state, clock.now(), binding);
    if (!reopened.ok) {
      if (state.bundle) troubles.set('cache', new Error(`${reopened.detail}; it is fetched again`));
      this.#trusted = reopened.state ?? this.#trusted;
      return undefined;
    }
    const { enforcer, units, infrastructure } = this.#identity;
    const names = new Map(Object.entries(this.#identity.names));
    Object.assign(this, { enforcerTags: enforcer.normalizedTags, units, infrastructure, names });
    this.#trusted = reopened.state;
    if (!reopened.state.bundle) return undefined;
    const applied = await this.#take(reopened, reopened.state.bundle);
    if (applied.outcome === 'refused') this.refused = `${applied.reason}: ${applied.detail}`;
    return applied;
  }

  /** What was led here from another root is none of this installation's, whatever it is signed with. */
  #belongs({ api, enforcer, root }: HostIdentity, state: TrustedState | undefined): boolean {
    const { belongsTo } = this.#options;
    if (!belongsTo) return true;
    const trusted = hashOf(this.#options.root);
    const isLedHere = trusted === root || (state !== undefined && trusted === hashOf(state.root));
    return isLedHere && belongsTo.api === api && belongsTo.namespace === enforcer.namespace;
  }

  /** A bundle that was just verified. `accepted` state is kept whether or not it can be made to hold. */
  async offer(opened: Opened): Promise<Applied> {
    const { bundle } = opened.state;
    if (!bundle) throw new TypeError('a bundle was opened and is not there');
    this.#trusted = opened.state;
    const applied = await this.#take(opened, bundle);
    this.#options.troubles.over('cache');
    return applied;
  }

  async #take(
    { payloads, revision, expires }: Pick<Opened, 'payloads' | 'revision' | 'expires'>,
    stored: StoredBundle,
  ): Promise<Applied> {
    const before = { content: this.#content, expires: this.freshness.expires };
    this.#content = { payloads, digests: digestsOf(stored.payloads), revision };
    this.freshness.verified(expires.at);
    const applied = await this.#make(this.#content);
    if (applied.outcome === 'applied') {
      this.#stored = stored;
      this.isShut = false;
    } else {
      this.#content = before.content;
      if (before.expires) this.freshness.verified(before.expires);
    }
    return applied;
  }

  /** The same bundle under the circumstances of now: other units, other addresses, or too old. */
  async refresh(): Promise<Applied | undefined> {
    if (this.#content) return this.#make(this.#content);
    return this.isToShut ? this.#shut() : undefined;
  }

  async #shut(): Promise<Applied | undefined> {
    const applied = await this.#activation.shut(shutPolicy(this.infrastructure));
    this.isShut = applied?.outcome === 'applied';
    return applied;
  }

  #make(content: Content): Promise<Applied> {
    const { enforcerTags, infrastructure, names, lockdown, layer3Only } = this;
    const units = located(this.units, this.#options.cgroupAt ?? cgroupAt);
    return this.#activation.make(content, {
      enforcerTags,
      units,
      names,
      infrastructure,
      layer3Only,
      lockdown,
    });
  }

  /** Another state than the active bundle's was seen, such as newer metadata of a bundle that was refused. */
  seen(state: TrustedState): void {
    this.#trusted = state;
  }

  /** Keeps everything that a next run needs. A full disk is a trouble and no more: what holds goes on to hold. */
  async save(api: string, enforcer: HostIdentity['enforcer'], binding: Expected): Promise<void> {
    const { folder, troubles } = this.#options;
    // Of another namespace than the bundle that holds: each is good with its own binding only.
    if (this.namespaceID !== undefined && this.namespaceID !== binding.namespaceID) return;
    const { bundle: _, ...seen } = this.#trusted;
    const { tenant, namespace, namespaceID } = binding;
    const { ID, name, normalizedTags } = enforcer;
    const units = [...this.units];
    await troubles
      .during('disk', async () => {
        this.#kept.save(this.#stored ? { ...seen, bundle: this.#stored } : seen);
        writeIdentity(folder, {
          api,
          root: hashOf(this.#options.root),
          enforcer: { ID, name, namespace: enforcer.namespace, normalizedTags },
          binding: { tenant, namespace, namespaceID },
          units,
          layer3Only: this.layer3Only,
          names: Object.fromEntries(this.names) as HostIdentity['names'],
          infrastructure: this.infrastructure as HostIdentity['infrastructure'],
        });
      })
      .catch(() => undefined);
  }
}
