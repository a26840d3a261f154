import type { OpenResult } from '../../../shared/bundle/open.ts';
import { fail } from '../../../shared/schema/failure.ts';
import { levelOf } from '../log.ts';
import { BundlePoller, type PollResult } from '../poll.ts';
import { VERSION } from '../version.ts';
import { Describer } from './description.ts';
import type { Insides } from './insides.ts';
import type { Keeper } from './keeper.ts';
import { Orders } from './orders.ts';
import type { Speaker } from './speaker.ts';
import type { Status } from './status.ts';
import { refusal, sameReport, takenWords } from './words.ts';

type Opened = Extract<OpenResult, { ok: true }>;

interface FollowerOptions {
  insides: Insides;
  keeper: Keeper;
  speaker: Speaker;
  /** Tells the control plane what became of the bundle, now. */
  poke: () => Promise<void>;
  /** `once`: it came to an end, a good one or this failure. */
  ended: (failure?: Error) => void;
}

/** Follows the bundle of the namespace: polls, verifies, takes what is good, refuses what is not, and obeys what is ordered. */
export class Follower {
  readonly #options: FollowerOptions;
  readonly #orders: Orders;
  readonly #describer: Describer | undefined;
  #poller: BundlePoller | undefined;
  /** The kernel was told of a policy, whether or not it took it. */
  #hasTried = false;
  /** The newest bundle that did not become active. */
  refused: Status['refused'];

  constructor(options: FollowerOptions) {
    this.#options = options;
    const { parts, troubles } = options.insides;
    const { client, clock, describe } = parts;
    this.#orders = new Orders(clock, VERSION);
    this.#describer = describe && new Describer({ client, clock, troubles, describe });
  }

  /** One poll, and whatever follows from it. Throws when the next is to come later. */
  async poll(): Promise<void> {
    const { insides, keeper, speaker } = this.#options;
    const { parts, troubles, membership, holding } = insides;
    this.#poller ??= new BundlePoller({
      state: holding.trusted,
      namespaceID: holding.namespaceID,
      now: () => parts.clock.now(),
      credentials: async () => {
        const credentials = await membership.credentials();
        insides.infrastructure.add(credentials.url);
        return credentials;
      },
    });
    const poller = this.#poller;
    try {
      await speaker.ready();
      const polled = await troubles.during('polling', () => poller.poll());
      membership.heard();
      if (polled.outcome === 'opened') await this.#look(polled);
    } finally {
      await keeper.lookAround();
      await keeper.refresh();
      insides.writeStatus();
      await troubles.during('orders', () => this.#obey()).catch(() => undefined);
      // Nothing waits for it.
      const hasTried = parts.plane !== undefined && (this.#hasTried || holding.active !== undefined);
      if (membership.enforcer)
        void this.#describer?.tell(membership.enforcer, hasTried).catch(() => undefined);
    }
  }

  /** Of the policy that is or was on disk. */
  note(reason: string, detail: string): void {
    this.refused = { reason, detail, at: this.#options.insides.parts.clock.now().toISOString() };
  }

  async #look({ result, accept }: Extract<PollResult, { outcome: 'opened' }>): Promise<void> {
    const { insides, keeper, ended } = this.#options;
    const { parts, holding, membership } = insides;
    const { say } = parts;
    if (!result.ok) {
      holding.seen(result.state);
      // Nothing was published yet.
      if (result.reason === 'missing' && !holding.active) return;
      // What was seen binds the next run as well.
      await keeper.save();
      say(`refused a bundle: ${result.reason}: ${result.detail}`);
      return this.#refuse(result.reason, result.detail, holding.active?.content.revision ?? 0);
    }
    const { revision } = result;
    const applied = await holding.offer(result);
    this.#hasTried = true;
    if (applied.outcome === 'refused') {
      const { reason, detail } = applied;
      say(`verified revision ${revision}, which can't be enforced: ${reason}: ${detail}`);
      return this.#refuse(reason, detail, revision);
    }
    accept();
    const policy = holding.active?.content.digests['policy.json'] ?? '';
    this.#taken(result, takenWords(result, policy, applied.digest));
    await keeper.save();
    membership.reported = { revision, state: 'applied', reason: '', digest: applied.digest, policy };
    await this.#options.poke().catch(() => undefined);
    if (parts.once) ended();
  }

  #taken({ payloads }: Opened, words: string): void {
    const { parts, membership } = this.#options.insides;
    this.refused = undefined;
    parts.say(words);
    const mine = payloads['directives.json'].enforcers.find(({ ID }) => ID === membership.enforcer?.ID);
    if (mine) parts.log.level = levelOf(mine.logLevel);
    this.#orders.told = mine?.task;
    this.#describer?.asked(mine?.collect);
  }

  /** Throws, so that the next try comes later. */
  async #refuse(reason: string, detail: string, revision: number): Promise<never> {
    const { insides, poke, ended } = this.#options;
    const { membership, holding, parts } = insides;
    this.note(reason, detail);
    const { active } = holding;
    const held = { digest: active?.digest ?? '', policy: active?.content.digests['policy.json'] ?? '' };
    const reported = refusal(reason, detail, revision, held);
    const isNews = !sameReport(reported, membership.reported);
    membership.reported = reported;
    if (isNews) await poke().catch(() => undefined);
    const said = `${reason}: ${detail}`;
    if (parts.once) ended(fail('unavailable', said));
    throw new Error(said);
  }

  /** What is ordered is carried out by a runner, which outlives this agent. */
  async #obey(): Promise<void> {
    const { enforcer, binding } = this.#options.insides.membership;
    const directive = this.#orders.due();
    if (!directive || !enforcer || !binding) return;
    const { ID, name, namespace } = enforcer;
    const { obey, say, client } = this.#options.insides.parts;
    say(`ordered to ${directive.kind} version ${directive.version}`);
    if (obey) return obey({ directive, binding, enforcer: { ID, name, namespace } });
    const reason = 'this agent was not installed here, so that it can be neither uninstalled nor replaced';
    const body = { directive: directive.id, event: 'failed', reason };
    await client.call('reportDirective', { namespace, params: { id: ID }, body });
  }
}
