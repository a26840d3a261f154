import { namesIn } from '../names/names.ts';
import { undecidedBridges } from './bridges.ts';
import { CgroupWatch } from './cgroup-watch.ts';
import type { Insides } from './insides.ts';
import type { LoopOptions } from './loop.ts';
import { CGROUPS } from './rhythm.ts';
import type { Status } from './status.ts';
import { isHost } from './units.ts';
import { ageTrouble } from './words.ts';

/** Keeps what holds on the host in step with everything but the bundle: units, addresses, names, age, foreign hands. */
export class Keeper {
  readonly #insides: Insides;
  /** Rules that others changed and that were mended. */
  mended = 0;
  /** The last comparison. */
  reconciled: Status['reconciled'];
  #hasNews = false;
  #isLearning = false;
  readonly #cgroups = new CgroupWatch(() => void this.followCgroups().catch(() => undefined));

  constructor(insides: Insides) {
    this.#insides = insides;
  }

  /** Where the agent itself must get to, as it is now. */
  async lookAround(): Promise<void> {
    const { infrastructure, holding, parts } = this.#insides;
    await infrastructure.refresh(parts.clock.now().getTime());
    holding.infrastructure = infrastructure.current;
  }

  /** The same bundle, where units, addresses or its age changed what it means here. */
  async refresh(): Promise<void> {
    const { holding, infrastructure, troubles, membership } = this.#insides;
    holding.infrastructure = infrastructure.current;
    this.#cgroups.follow(holding.units.flatMap(({ cgroup }) => cgroup ?? []));
    const applied = await holding.refresh();
    if (applied?.outcome === 'refused') {
      troubles.set('policy', new Error(`${applied.reason}: ${applied.detail}`));
      return;
    }
    troubles.over('policy');
    const { lockdown, freshness } = holding;
    const tooOld = ageTrouble({ lockdown, staleFor: freshness.staleFor });
    if (tooOld) troubles.set('stale', tooOld);
    else troubles.over('stale');
    const { reported } = membership;
    if (applied && holding.active && reported?.state === 'applied') reported.digest = applied.digest;
  }

  /** Packets that pass no rules are decided by none. Who sees to it that they do, and undoes it, is somebody else. */
  lookAtBridges(): void {
    const { parts, holding, troubles } = this.#insides;
    const { bridges = undecidedBridges } = parts;
    const units = holding.units.filter(unit => !isHost(unit));
    const open = parts.plane ? bridges(units.flatMap(({ addresses }) => addresses)) : [];
    if (open.length === 0) troubles.over('bridge');
    else troubles.set('bridge', new Error(open.join('; ')));
  }

  /** Two that enforce in one network namespace take each other's rules for a stranger's. */
  async lookForOthers(): Promise<void> {
    const { parts, troubles } = this.#insides;
    const others = await parts.others?.();
    if (others === undefined) troubles.over('others');
    else troubles.set('others', new Error(others));
  }

  /** Nothing is looked at often where no unit has one. */
  cgroupRhythm(rest: Omit<LoopOptions, 'interval' | 'longest'>): LoopOptions {
    const { holding } = this.#insides;
    return {
      ...rest,
      longest: CGROUPS.longest,
      get interval() {
        return holding.hasCgroups ? CGROUPS.interval : CGROUPS.without;
      },
    };
  }

  /** Nobody is told of anything any more. */
  close(): void {
    this.#cgroups.close();
  }

  /** A service that is started again has another control group under the name of the one before. */
  async followCgroups(): Promise<void> {
    if (!this.#insides.holding.hasMoved) return;
    await this.refresh();
    this.#insides.writeStatus();
  }

  /** Compares the kernel with what should hold, and mends it. */
  async reconcile(): Promise<void> {
    const { parts, holding, troubles, writeStatus } = this.#insides;
    const { plane, log, say, clock } = parts;
    if (!plane || !(holding.active || holding.isShut)) return;
    this.lookAtBridges();
    const result = await troubles.during('kernel', async () => {
      const done = await plane.reconcile();
      if ('outcome' in done) throw new Error(`${done.reason}: ${done.detail}`);
      return done;
    });
    this.reconciled = { at: clock.now().toISOString(), difference: result.difference };
    if (!result.mended) return;
    this.mended++;
    log.warn({ difference: result.difference }, 'somebody changed the rules; they are mended');
    say(`mended the rules: ${result.difference}`);
    writeStatus();
  }

  /** Where the DNS names of the policy lead to now. Policy never waits for it: it comes later, in a change of its own. */
  async lookUpNames(): Promise<void> {
    const { parts, holding } = this.#insides;
    const { active } = holding;
    if (!parts.names || !active) return;
    if (await parts.names.refresh(namesIn(active.content.payloads['policy.json']))) await this.learnNames();
  }

  /** What names lead to is another now. One change at a time; whatever comes meanwhile is one more. */
  async learnNames(): Promise<void> {
    const { parts, holding } = this.#insides;
    this.#hasNews = true;
    if (this.#isLearning) return;
    this.#isLearning = true;
    try {
      while (this.#hasNews && holding.active && parts.names) {
        this.#hasNews = false;
        const { exact } = namesIn(holding.active.content.payloads['policy.json']);
        holding.learnNames(exact, parts.names.current);
        await this.refresh();
      }
    } finally {
      this.#isLearning = false;
    }
    await this.save();
  }

  /** Keeps on disk what a next run starts from. */
  async save(): Promise<void> {
    const { membership, holding, parts } = this.#insides;
    const { enforcer, binding } = membership;
    if (enforcer && binding) await holding.save(parts.api, enforcer, binding);
  }
}
