import { namesIn } from '../names/names.ts';
import { Follower } from './follower.ts';
import { Holding } from './holding.ts';
import { Infrastructure } from './infrastructure.ts';
import type { Insides } from './insides.ts';
import { Keeper } from './keeper.ts';
import { loop, messageOf, unless } from './loop.ts';
import { Membership } from './membership.ts';
import type { AgentParts } from './parts.ts';
import { pollRhythm, RHYTHM } from './rhythm.ts';
import { Speaker } from './speaker.ts';
import type { Status } from './status.ts';
import { StatusFile, statusOf } from './status-of.ts';
import { Troubles } from './troubles.ts';
import { enforcementOf } from './words.ts';

/** The agent of a host: holds the newest policy that is good, and tells the control plane what became of it. */
export class Agent {
  readonly #parts: AgentParts;
  readonly #insides: Insides;
  readonly #keeper: Keeper;
  readonly #speaker: Speaker;
  readonly #follower: Follower;
  readonly #status: StatusFile;
  readonly #started: Date;
  readonly #stop = new AbortController();
  /** Why `once` did not come to a good end. */
  #failure: unknown;

  constructor(parts: AgentParts) {
    const { clock, log, folder, root, plane, layer3Only, beforePolicy, client, namespace, machine } = parts;
    const cgroupAt = parts.cgroupAt === undefined ? {} : { cgroupAt: parts.cgroupAt };
    this.#parts = parts;
    this.#started = clock.now();
    const troubles = new Troubles(log, clock);
    const belongsTo = { api: parts.api, namespace };
    this.#insides = {
      parts,
      troubles,
      holding: new Holding({
        ...{ folder, root, plane, clock, troubles, layer3Only, beforePolicy, belongsTo },
        ...cgroupAt,
      }),
      infrastructure: new Infrastructure({ cloud: parts.cloud }),
      membership: new Membership({
        client,
        namespace,
        machine,
        credentialID: parts.credentialID,
        clock,
        troubles,
        became: enforcer => this.#speaker.became(enforcer),
      }),
      writeStatus: () => this.#status.write(this.status),
    };
    for (const url of [parts.api, ...(parts.proxies ?? [])]) this.#insides.infrastructure.add(url);
    this.#keeper = new Keeper(this.#insides);
    this.#speaker = new Speaker(this.#insides, this.#keeper);
    this.#follower = new Follower({
      insides: this.#insides,
      keeper: this.#keeper,
      speaker: this.#speaker,
      poke: () => this.#poke(),
      ended: failure => {
        this.#failure = failure;
        this.#stop.abort();
      },
    });
    this.#status = new StatusFile(folder, clock);
    if (parts.names) parts.names.onNews = () => void this.#keeper.learnNames().catch(() => undefined);
  }

  get holding(): Holding {
    return this.#insides.holding;
  }

  /** Everything until the signal. What holds then goes on to hold. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, plane, flows, once, names } = this.#parts;
    signal.addEventListener('abort', () => this.#stop.abort(), { once: true });
    if (signal.aborted) return;
    await this.restore();
    const unwatch = plane?.watch(() => void this.reconcile().catch(() => undefined));
    const ends = { clock, signal: this.#stop.signal };
    const later = { ...ends, first: 'after a wait' } as const;
    const looking = Promise.all([
      loop(() => this.#keeper.lookForOthers(), { ...RHYTHM.others, ...ends }),
      loop(() => this.reconcile(), { ...RHYTHM.reconcile, ...later }),
      plane && loop(() => this.#keeper.followCgroups(), this.#keeper.cgroupRhythm(later)),
    ]);
    // The policy from disk decides already, and what it decides is recorded, though nobody can be told yet.
    if (!once) this.#startFlows();
    await this.#register();
    if (this.#stop.signal.aborted) {
      this.#keeper.close();
      return void (await Promise.all([flows?.stop(), unwatch?.(), looking]));
    }
    await Promise.all([
      this.#polling(),
      loop(() => this.#poke(), { ...RHYTHM.poke, ...later }),
      loop(() => this.#speaker.sync(), { ...RHYTHM.units, ...later }),
      names && loop(() => this.#keeper.lookUpNames(), { ...RHYTHM.names, ...ends }),
      looking,
    ]);
    await flows?.stop();
    await unwatch?.();
    this.#keeper.close();
    await unless(this.#stop.signal, clock, this.#poke(true)).catch(() => undefined);
    this.#insides.writeStatus();
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** The last policy of an earlier run, verified again, from disk alone; or what is to hold without any. */
  async restore(): Promise<boolean> {
    const { say, log, names } = this.#parts;
    const applied = await this.holding.restore();
    if (applied?.outcome === 'refused') {
      this.#follower.note(applied.reason, applied.detail);
      log.error({ reason: applied.reason }, `the policy on disk can't be enforced: ${applied.detail}`);
    }
    const { active } = this.holding;
    if (active) {
      say(`holds revision ${active.content.revision} from disk`);
      names?.remember(this.holding.names, namesIn(active.content.payloads['policy.json']));
    }
    if (this.holding.isToShut) {
      await this.#keeper.lookAround();
      await this.#keeper.refresh();
      if (this.holding.isShut) say('no policy was verified here yet: nothing passes but what leads to one');
    }
    this.#insides.writeStatus();
    return active !== undefined;
  }

  /** Compares the kernel with the policy and mends it. */
  reconcile(): Promise<void> {
    return this.#keeper.reconcile();
  }

  /** Compares, mends and looks at the units of this host again, now. */
  async reload(): Promise<void> {
    await this.reconcile().catch(() => undefined);
    this.#insides.writeStatus();
    await this.#speaker.sync().catch(() => undefined);
  }

  async #register(): Promise<void> {
    const { clock, say, api } = this.#parts;
    const registered = new AbortController();
    const signal = AbortSignal.any([this.#stop.signal, registered.signal]);
    await loop(
      async () => {
        await this.#keeper.lookAround();
        await this.#keeper.refresh();
        const { name, ID, namespace } = await this.#insides.membership.join();
        say(`enforcer ${name} (${ID}) polls the bundle of ${namespace} at ${api}`);
        registered.abort();
      },
      {
        ...RHYTHM.register,
        clock,
        signal,
        failed: (error, failures) => {
          if (failures === 1) say(`not registered: ${messageOf(error)}; trying again`);
          this.#insides.writeStatus();
        },
      },
    );
  }

  #startFlows(): void {
    const { client, flows } = this.#parts;
    const { membership, holding, troubles } = this.#insides;
    flows?.start({ client, enforcer: () => membership.enforcer, holding, troubles });
  }

  async #polling(): Promise<void> {
    const { clock, interval, say } = this.#parts;
    // Units first, so that the policy knows whom it is for, as they are now.
    await unless(this.#stop.signal, clock, this.#speaker.sync()).catch(() => undefined);
    await loop(() => this.#follower.poll(), {
      ...pollRhythm(interval),
      clock,
      signal: this.#stop.signal,
      failed: (error, failures) => {
        const { active } = this.holding;
        const held = active ? `still on revision ${active.content.revision}` : 'no bundle yet';
        if (failures === 1) say(`${messageOf(error)}; ${held}, trying again`);
      },
    });
  }

  async #poke(closes = false): Promise<void> {
    const isEnforcing = this.holding.active !== undefined && this.#parts.plane !== undefined;
    const status = enforcementOf(isEnforcing, this.#follower.refused !== undefined);
    await this.#insides.membership.poke(status, closes);
  }

  get status(): Status {
    const { api, plane, clock, flows } = this.#parts;
    const { membership, holding, troubles } = this.#insides;
    const faring = {
      startedAt: this.#started,
      api,
      enforces: plane !== undefined,
      mended: this.#keeper.mended,
      reconciled: this.#keeper.reconciled,
      refused: this.#follower.refused,
      flows: flows?.stats,
    };
    return statusOf(faring, membership, holding, troubles, clock.now());
  }
}
