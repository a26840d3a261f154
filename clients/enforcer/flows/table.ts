import { type Conversation, conversationKey, readConversation } from './packet.ts';
import type { LogRecord } from './record.ts';

/** What happened of one conversation at one rule since it was last reported. */
export interface Sighting {
  /** Prefix of the rule's log statement. */
  prefix: string;
  conversation: Conversation;
  /** Connections that were begun. */
  count: number;
  /** When the latest of them was, on the clock that `add` was told. */
  at: number;
}

interface Held extends Sighting {
  /** From then on what is counted is due. */
  due: number;
}

export interface TableOptions {
  /** Milliseconds between two reports of one conversation. */
  interval: number;
  /** Conversations that are held at most. */
  limit?: number;
}

const LIMIT = 65_536;

/**
 * Flows, aggregated: a conversation that was not seen for an interval is reported at once, and while it goes on only its
 * count is, once an interval. Nothing is forgotten before it was taken.
 */
export class FlowTable {
  readonly #interval: number;
  readonly #limit: number;
  #held = new Map<string, Held>();
  /** What `take` gives next: the new ones, and those that had to make room. */
  #ready: Sighting[] = [];
  /** Records by prefix since the start: what the counters of the data plane are compared with. */
  readonly received = new Map<string, number>();
  /** Records that held no packet that could be read. */
  unreadable = 0;

  constructor({ interval, limit = LIMIT }: TableOptions) {
    this.#interval = interval;
    this.#limit = limit;
  }

  /** `at`: milliseconds of a clock that never jumps. */
  add({ prefix, packet }: LogRecord, at: number): void {
    this.received.set(prefix, (this.received.get(prefix) ?? 0) + 1);
    const conversation = conversationKey(packet);
    if (conversation === undefined) {
      this.unreadable++;
      return;
    }
    const key = prefix + conversation;
    const known = this.#held.get(key);
    if (known) {
      known.count++;
      known.at = at;
      return;
    }
    const made = { prefix, conversation: readConversation(packet), at };
    this.#ready.push({ ...made, count: 1 });
    if (this.#held.size >= this.#limit) this.#makeRoom();
    this.#held.set(key, { ...made, count: 0, due: at + this.#interval });
  }

  /** What is to be reported now, oldest first; it is the caller's from then on. */
  take(at: number): Sighting[] {
    for (const [key, held] of this.#held) {
      if (at < held.due) continue;
      if (held.count === 0) this.#held.delete(key);
      else this.#release(held, at);
    }
    return this.#takeReady();
  }

  /** Everything, at the end. */
  drain(): Sighting[] {
    for (const held of this.#held.values()) if (held.count > 0) this.#release(held, held.at);
    this.#held = new Map();
    return this.#takeReady();
  }

  #release(held: Held, at: number): void {
    const { prefix, conversation, count } = held;
    this.#ready.push({ prefix, conversation, count, at: held.at });
    held.count = 0;
    held.due = at + this.#interval;
  }

  #takeReady(): Sighting[] {
    const ready = this.#ready;
    this.#ready = [];
    return ready;
  }

  /** A tenth of those that were seen first. */
  #makeRoom(): void {
    let room = Math.ceil(this.#limit / 10);
    for (const [key, held] of this.#held) {
      if (room-- <= 0) break;
      if (held.count > 0) this.#release(held, held.at);
      this.#held.delete(key);
    }
  }
}
