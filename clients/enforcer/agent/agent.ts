import type { OpenResult } from '../../../shared/bundle/open.ts';
import type { Enforcer } from '../../../shared/schema/enforcer.ts';
import { fail } from '../../../shared/schema/failure.ts';
import { levelOf } from '../log.ts';
import { namesIn } from '../names/names.ts';
import { BundlePoller, type PollResult } from '../poll.ts';
import { VERSION } from '../version.ts';
import { Holding } from './holding.ts';
import type { HostIdentity } from './identity.ts';
import { Infrastructure } from './infrastructure.ts';
import { loop, messageOf } from './loop.ts';
import { Membership, type Reported } from './membership.ts';
import { Orders } from './orders.ts';
import type { AgentParts } from './parts.ts';
import { UnitReporter } from './reporting.ts';
import type { Status } from './status.ts';
import { StatusFile, statusOf } from './status-of.ts';
import { Troubles } from './troubles.ts';

/** Milliseconds. */
const POKE = { interval: 30_000, longest: 120_000 };
const UNITS = { interval: 30_000, longest: 300_000 };
const RECONCILE = { interval: 60_000, longest: 60_000 };
const REGISTER = { interval: 1000, longest: 60_000 };
const NAMES = { interval: 1000, longest: 30_000 };
const LONGEST_POLL = 60_000;

/** The agent of a host: holds the newest policy that is good, and tells the control plane what became of it. */
export class Agent {
  readonly #parts: AgentParts;
  readonly #holding: Holding;
  readonly #troubles: Troubles;
  readonly #infrastructure: Infrastructure;
  readonly #membership: Membership;
  readonly #orders: Orders;
  readonly #status: StatusFile;
  readonly #started: Date;
  readonly #stop = new AbortController();
  #binding: HostIdentity['binding'];
  #reporter: UnitReporter | undefined;
  #refused: Status['refused'];
  #mended = 0;
  #reconciled: Status['reconciled'];
  /** Why `once` did not come to a good end. */
  #failure: unknown;

  constructor(parts: AgentParts) {
    const { clock, log, folder, root, plane, layer3Only } = parts;
    this.#parts = parts;
    this.#started = clock.now();
    this.#troubles = new Troubles(log, clock);
    const belongsTo = { api: parts.api, namespace: parts.namespace };
    const troubles = this.#troubles;
    this.#holding = new Holding({ folder, root, plane, clock, troubles, layer3Only, belongsTo });
    this.#infrastructure = new Infrastructure({ cloud: parts.cloud });
    this.#infrastructure.add(parts.api);
    const { client, namespace, machine } = parts;
    this.#membership = new Membership({
      client,
      namespace,
      machine,
      clock,
      troubles,
      became: enforcer => this.#became(enforcer),
    });
    this.#orders = new Orders(clock, VERSION);
    this.#status = new StatusFile(folder, clock);
  }

  get holding(): Holding {
    return this.#holding;
  }

  /** Everything until the signal. What holds then goes on to hold. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, plane, flows, once } = this.#parts;
    signal.addEventListener('abort', () => this.#stop.abort(), { once: true });
    if (signal.aborted) return;
    await this.restore();
    const unwatch = plane?.watch(() => void this.reconcile().catch(() => undefined));
    const ends = { clock, signal: this.#stop.signal };
    const reconciling = loop(() => this.reconcile(), { ...RECONCILE, ...ends, first: 'after a wait' });
    await this.#register();
    if (this.#stop.signal.aborted) return void (await Promise.all([unwatch?.(), reconciling]));
    if (!once) this.#startFlows();
    await Promise.all([
      this.#polling(),
      loop(() => this.#poke(), { ...POKE, ...ends, first: 'after a wait' }),
      loop(() => this.#syncUnits(), { ...UNITS, ...ends, first: 'after a wait' }),
      this.#parts.names && loop(() => this.#lookUpNames(), { ...NAMES, ...ends }),
      reconciling,
    ]);
    await flows?.stop();
    await unwatch?.();
    await this.#poke(true).catch(() => undefined);
    this.#writeStatus();
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** The last policy of an earlier run, verified again, from disk alone. */
  async restore(): Promise<boolean> {
    const { say, log } = this.#parts;
    const applied = await this.#holding.restore();
    if (applied?.outcome === 'refused') {
      this.#note(applied.reason, applied.detail);
      log.error({ reason: applied.reason }, `the policy on disk can't be enforced: ${applied.detail}`);
    }
    const { active } = this.#holding;
    if (active) say(`holds revision ${active.content.revision} from disk`);
    this.#writeStatus();
    return active !== undefined;
  }

  /** Compares the kernel with the policy and mends it. */
  async reconcile(): Promise<void> {
    const { plane, log, say, clock } = this.#parts;
    if (!plane || !this.#holding.active) return;
    const result = await this.#troubles.during('kernel', async () => {
      const done = await plane.reconcile();
      if ('outcome' in done) throw new Error(`${done.reason}: ${done.detail}`);
      return done;
    });
    this.#reconciled = { at: clock.now().toISOString(), difference: result.difference };
    if (!result.mended) return;
    this.#mended++;
    log.warn({ difference: result.difference }, 'somebody changed the rules; they are mended');
    say(`mended the rules: ${result.difference}`);
    this.#writeStatus();
  }

  /** Compares, mends and looks at the units of this host again, now. */
  async reload(): Promise<void> {
    await this.reconcile().catch(() => undefined);
    this.#writeStatus();
    await this.#syncUnits().catch(() => undefined);
  }

  async #register(): Promise<void> {
    const { clock, say, api } = this.#parts;
    const registered = new AbortController();
    const signal = AbortSignal.any([this.#stop.signal, registered.signal]);
    await loop(
      async () => {
        await this.#infrastructure.refresh(clock.now().getTime());
        this.#holding.infrastructure = this.#infrastructure.current;
        await this.#holding.refresh();
        const { name, ID, namespace } = await this.#membership.join();
        say(`enforcer ${name} (${ID}) polls the bundle of ${namespace} at ${api}`);
        registered.abort();
      },
      {
        ...REGISTER,
        clock,
        signal,
        failed: (error, failures) => {
          if (failures === 1) say(`not registered: ${messageOf(error)}; trying again`);
          this.#writeStatus();
        },
      },
    );
  }

  #became(enforcer: Enforcer): void {
    const { client, plane, say } = this.#parts;
    this.#holding.enforcerTags = enforcer.normalizedTags;
    const isAnother = this.#reporter !== undefined;
    this.#reporter = new UnitReporter(client, enforcer, plane !== undefined);
    if (!isAnother) return;
    say(`registered again, as enforcer ${enforcer.ID}`);
    void this.#syncUnits().catch(() => undefined);
  }

  #startFlows(): void {
    const { client, flows } = this.#parts;
    flows?.start({
      client,
      enforcer: () => this.#membership.known,
      holding: this.#holding,
      troubles: this.#troubles,
    });
  }

  async #polling(): Promise<void> {
    const { clock, interval, say } = this.#parts;
    const poller = new BundlePoller({
      state: this.#holding.trusted,
      now: () => clock.now(),
      credentials: async () => {
        const { namespace, ID: id } = this.#membership.known;
        const { body } = await this.#parts.client.call('createEnforcerCredentials', {
          namespace,
          params: { id },
        });
        this.#binding = body;
        this.#infrastructure.add(body.url);
        return body;
      },
    });
    // Units first, so that the first policy knows whom it is for.
    await this.#syncUnits().catch(() => undefined);
    await loop(() => this.#poll(poller), {
      clock,
      signal: this.#stop.signal,
      interval,
      longest: Math.max(LONGEST_POLL, interval),
      failed: (error, failures) => {
        const { active } = this.#holding;
        const held = active ? `still on revision ${active.content.revision}` : 'no bundle yet';
        if (failures === 1) say(`${error instanceof Error ? error.message : error}; ${held}, trying again`);
      },
    });
  }

  async #poll(poller: BundlePoller): Promise<void> {
    try {
      const polled = await this.#troubles.during('polling', () => poller.poll());
      this.#membership.heard();
      if (polled.outcome === 'opened') await this.#look(polled);
    } finally {
      await this.#infrastructure.refresh(this.#parts.clock.now().getTime());
      await this.#refresh();
      this.#writeStatus();
      await this.#troubles.during('orders', () => this.#obey()).catch(() => undefined);
    }
  }

  async #look({ result, accept }: Extract<PollResult, { outcome: 'opened' }>): Promise<void> {
    const { say, once, log } = this.#parts;
    if (!result.ok) {
      this.#holding.seen(result.state);
      // Nothing was published yet.
      if (result.reason === 'missing' && !this.#holding.active) return;
      say(`refused a bundle: ${result.reason}: ${result.detail}`);
      return this.#refuse(result.reason, result.detail, this.#holding.active?.content.revision ?? 0);
    }
    const applied = await this.#holding.offer(result);
    if (applied.outcome === 'refused') {
      log.error({ revision: result.revision, reason: applied.reason }, applied.detail);
      say(
        `verified revision ${result.revision}, which can't be enforced: ${applied.reason}: ${applied.detail}`,
      );
      return this.#refuse(applied.reason, applied.detail, result.revision);
    }
    accept();
    this.#refused = undefined;
    this.#tell(result, applied.digest);
    this.#obeyDirectives(result);
    await this.#save();
    const { revision } = result;
    this.#membership.reported = { revision, state: 'applied', reason: '', digest: applied.digest };
    await this.#poke().catch(() => undefined);
    if (once) this.#stop.abort();
  }

  #tell({ payloads, binding, revision }: Extract<OpenResult, { ok: true }>, digest: string): void {
    const { rulesets, externalNetworks } = payloads['policy.json'];
    const peers = payloads['peers.json'].size;
    const counts = `rulesets: ${rulesets.length}, external networks: ${externalNetworks.length}, peers: ${peers}`;
    const what = this.#parts.plane ? `enforces revision ${revision}` : `verified revision ${revision}`;
    this.#parts.say(`${what} of ${binding.namespace} (${counts})`);
    this.#parts.log.info({ revision, namespace: binding.namespace, digest }, what);
  }

  #obeyDirectives({ payloads }: Extract<OpenResult, { ok: true }>): void {
    const mine = payloads['directives.json'].enforcers.find(({ ID }) => ID === this.#membership.enforcer?.ID);
    if (mine) this.#parts.log.level = levelOf(mine.logLevel);
    this.#orders.told = mine?.task;
  }

  /** What is ordered is carried out by a runner, which outlives this agent. */
  async #obey(): Promise<void> {
    const { enforcer } = this.#membership;
    const directive = this.#orders.due();
    if (!directive || !enforcer || !this.#binding) return;
    const { ID, name, namespace } = enforcer;
    const { tenant, namespace: path, namespaceID } = this.#binding;
    const binding = { tenant, namespace: path, namespaceID };
    const { obey, say, client } = this.#parts;
    say(`ordered to ${directive.kind} version ${directive.version}`);
    if (obey) return obey({ directive, binding, enforcer: { ID, name, namespace } });
    const reason = 'this agent was not installed here, so that it can be neither uninstalled nor replaced';
    const body = { directive: directive.id, event: 'failed', reason };
    await client.call('reportDirective', { namespace, params: { id: ID }, body });
  }

  /** Throws, so that the next try comes later. */
  async #refuse(reason: string, detail: string, revision: number): Promise<never> {
    this.#note(reason, detail);
    const digest = this.#holding.active?.digest ?? '';
    const said = `${reason}: ${detail}`;
    const reported: Reported = { revision, state: 'refused', reason: said.slice(0, 1024), digest };
    const isNews = JSON.stringify(reported) !== JSON.stringify(this.#membership.reported);
    this.#membership.reported = reported;
    if (isNews) await this.#poke().catch(() => undefined);
    if (this.#parts.once) {
      this.#failure = fail('unavailable', said);
      this.#stop.abort();
    }
    throw new Error(said);
  }

  #note(reason: string, detail: string): void {
    this.#refused = { reason, detail, at: this.#parts.clock.now().toISOString() };
  }

  /** The same bundle, where units, addresses or its age changed what it means here. */
  async #refresh(): Promise<void> {
    this.#holding.infrastructure = this.#infrastructure.current;
    const applied = await this.#holding.refresh();
    if (applied?.outcome === 'refused') {
      this.#troubles.set('policy', new Error(`${applied.reason}: ${applied.detail}`));
      return;
    }
    this.#troubles.over('policy');
    if (this.#holding.lockdown) {
      this.#troubles.set('stale', new Error('the bundle is too old, and its profile says lockdown'));
    } else if (this.#holding.freshness.staleFor > 0) {
      this.#troubles.set('stale', new Error('the bundle is past its expiry; the last good policy is held'));
    } else this.#troubles.over('stale');
    const { reported } = this.#membership;
    if (applied && reported?.state === 'applied') reported.digest = applied.digest;
  }

  /** Where the DNS names of the policy lead to now. Policy never waits for it: it comes later, in a change of its own. */
  async #lookUpNames(): Promise<void> {
    const { names } = this.#parts;
    const { active } = this.#holding;
    if (!names || !active) return;
    const wanted = namesIn(active.content.payloads['policy.json']);
    if (!(await names.refresh(wanted))) return;
    this.#holding.learnNames(wanted, names.current);
    await this.#refresh();
    await this.#save();
  }

  async #save(): Promise<void> {
    const { enforcer } = this.#membership;
    if (enforcer && this.#binding) await this.#holding.save(this.#parts.api, enforcer, this.#binding);
  }

  async #syncUnits(): Promise<void> {
    const { findUnits, plane } = this.#parts;
    // Who enforces nothing speaks for no unit.
    if (!plane) return;
    await this.#troubles.during('units', async () => {
      const before = JSON.stringify(this.#holding.units);
      const units = await this.#reporter?.sync(await findUnits()).catch(error => {
        this.#reporter?.forget();
        throw error;
      });
      if (!units || JSON.stringify(units) === before) return;
      this.#holding.units = units;
      await this.#refresh();
      await this.#save();
    });
  }

  async #poke(closes = false): Promise<void> {
    const isEnforcing = this.#holding.active !== undefined && this.#parts.plane !== undefined;
    await this.#membership.poke(isEnforcing ? 'Active' : this.#refused ? 'Failed' : 'Inactive', closes);
  }

  get status(): Status {
    const { api, plane, clock, flows } = this.#parts;
    const faring = {
      startedAt: this.#started,
      api,
      enforces: plane !== undefined,
      mended: this.#mended,
      reconciled: this.#reconciled,
      refused: this.#refused,
      flows: flows?.stats,
    };
    return statusOf(faring, this.#membership, this.#holding, this.#troubles, clock.now());
  }

  #writeStatus(): void {
    this.#status.write(this.status);
  }
}
