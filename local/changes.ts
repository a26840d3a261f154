import type { Log } from '../functions/deps.ts';
import type { Marked } from '../functions/events/publish.ts';
import type { LocalChangeFeed } from '../shared/adapters/local/change-feed.ts';
import type { Change } from '../shared/ports/change-feed.ts';
import type { Publications } from '../shared/ports/publications.ts';
import { type NamespacePath, type ObjectId, tenantOf } from '../shared/schema/ids.ts';

/** What the table's stream calls on AWS, each with a batch of changes, in order. */
export type Consumer = (changes: readonly Change[]) => Promise<void>;

const CONSUMER = 'functions';
const BATCH = 500;
/** Milliseconds before a failed batch or publish is tried again. */
const RETRY = 1000;

/** Milliseconds that a bundle waits at most for further changes to share it, however many are still coming. */
const LONGEST_WAIT = 500;

interface Options {
  feed: LocalChangeFeed;
  consumers: readonly Consumer[];
  publish: (marks: readonly Marked[]) => Promise<void>;
  log: Log;
}

/**
 * The one-process stand-in for the table's stream: hands every committed change to the consumers, at least once and
 * in order, remembers how far it came, and publishes what they marked. Many changes that wait are one batch, and many
 * marks of a namespace one publish.
 */
export class ChangePump {
  readonly #options: Options;
  readonly #marked = new Map<ObjectId, Marked>();
  #running: Promise<void> | undefined;
  #again = false;
  #stopped = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: Options) {
    this.#options = options;
  }

  /** The same list, with every mark remembered until it is published. */
  watch(publications: Publications): Publications {
    return {
      ...publications,
      mark: async (namespace: NamespacePath, namespaceID: ObjectId) => {
        await publications.mark(namespace, namespaceID);
        this.remember({ tenant: tenantOf(namespace), namespaceID });
      },
    };
  }

  remember(mark: Marked): void {
    this.#marked.set(mark.namespaceID, mark);
  }

  /** Something was committed. */
  wake(): void {
    if (this.#stopped) return;
    if (this.#running) {
      this.#again = true;
      return;
    }
    this.#running = this.#run().finally(() => {
      this.#running = undefined;
      if (this.#again && !this.#stopped) {
        this.#again = false;
        this.wake();
      }
    });
  }

  /** Resolves when nothing is left to do. */
  async settled(): Promise<void> {
    while (this.#running) await this.#running;
  }

  /** Finishes the batch under way; the rest goes on at the next start. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#running;
  }

  async #run(): Promise<void> {
    try {
      for (let since = Date.now(); await this.#handleBatch(); ) {
        if (Date.now() - since < LONGEST_WAIT) continue;
        await this.#publish();
        since = Date.now();
      }
      await this.#publish();
    } catch (error) {
      this.#options.log.error('changes wait to be handled again', { error: String(error) });
      this.#timer = setTimeout(() => this.wake(), RETRY);
    }
  }

  /** False when there was nothing to handle. */
  async #handleBatch(): Promise<boolean> {
    if (this.#stopped) return false;
    const { feed, consumers } = this.#options;
    const batch = await feed.read(await feed.standing(CONSUMER), BATCH);
    if (batch.changes.length === 0) return false;
    for (const consumer of consumers) await consumer(batch.changes);
    await feed.remember(CONSUMER, batch.cursor);
    return true;
  }

  async #publish(): Promise<void> {
    for (const [id, mark] of [...this.#marked]) {
      if (this.#stopped) return;
      this.#marked.delete(id);
      try {
        await this.#options.publish([mark]);
      } catch (error) {
        this.remember(mark);
        throw error;
      }
    }
  }
}
