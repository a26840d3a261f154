import { decode, type Packet } from 'dns-packet';
import type { Clock } from '../clock.ts';
import { DNS_PREFIX } from '../data-plane.ts';
import { type Datagram, readDatagram } from '../flows/packet.ts';
import type { LogRecord } from '../flows/record.ts';
import type { Answer } from './names.ts';

/** Milliseconds for which an answer is waited for. */
const PATIENCE = 10_000;
/** Questions that wait for an answer at most; the oldest are given up. */
const MOST = 4096;

interface OverheardOptions {
  clock: Clock;
  /** Somebody on this host was told where a name leads to. */
  heard: (name: string, answers: Answer[]) => void;
}

type Question = { name: string; type: string };

const read = (body: Buffer): Packet | undefined => {
  try {
    return decode(body);
  } catch {
    // Anybody can send anything to port 53.
    return undefined;
  }
};

const plain = (name: string): string => name.replace(/\.$/, '').toLowerCase();

/**
 * Where a name leads to, by an answer: over its aliases, in whatever order they stand. Records about other names, which
 * nobody asked for, count for nothing.
 */
export function answersFor(name: string, { answers = [] }: Pick<Packet, 'answers'>): Answer[] {
  const names = new Map([[name, Number.POSITIVE_INFINITY]]);
  // As many rounds as there may be aliases; a chain that goes in a circle ends as well.
  for (let round = 0; round < answers.length; round++)
    for (const record of answers) {
      const ttl = record.type === 'CNAME' ? names.get(plain(record.name)) : undefined;
      if (record.type !== 'CNAME' || ttl === undefined || names.has(plain(record.data))) continue;
      names.set(plain(record.data), Math.min(ttl, record.ttl ?? 0));
    }
  return answers.flatMap(record => {
    const ttl = record.type === 'A' || record.type === 'AAAA' ? names.get(plain(record.name)) : undefined;
    if (ttl === undefined || (record.type !== 'A' && record.type !== 'AAAA')) return [];
    return [{ address: record.data, ttl: Math.min(ttl, record.ttl ?? 0) }];
  });
}

/**
 * Listens in on what this host asks its resolvers. An answer counts only if it is one to a question that was seen: from
 * whom was asked, to who asked, with the number and the name of the question. So whoever wants to be believed here must be
 * believed by the resolver's client as well.
 */
export class Overheard {
  readonly #options: OverheardOptions;
  /** Key of a question → when it was asked. */
  readonly #open = new Map<string, number>();

  constructor(options: OverheardOptions) {
    this.#options = options;
  }

  /** A record of the log; false when it is about something else. */
  take({ prefix, packet }: LogRecord): boolean {
    if (prefix !== DNS_PREFIX.question && prefix !== DNS_PREFIX.answer) return false;
    const datagram = readDatagram(packet);
    const message = datagram && read(datagram.body);
    const [question] = message?.questions ?? [];
    if (!datagram || !message || !question) return true;
    if (prefix === DNS_PREFIX.question) this.#ask(datagram, message, question);
    else this.#answer(datagram, message, question);
    return true;
  }

  #ask({ source, sourcePort, destination }: Datagram, { type, id }: Packet, question: Question): void {
    if (type !== 'query' || (question.type !== 'A' && question.type !== 'AAAA')) return;
    const now = this.#options.clock.elapsed();
    const key = keyOf(source, sourcePort, destination, id, question);
    this.#open.delete(key);
    this.#open.set(key, now);
    for (const [oldest, asked] of this.#open) {
      if (this.#open.size <= MOST && now - asked <= PATIENCE) break;
      this.#open.delete(oldest);
    }
  }

  #answer({ source, destination, destinationPort }: Datagram, message: Packet, question: Question): void {
    const key = keyOf(destination, destinationPort, source, message.id, question);
    const asked = this.#open.get(key);
    if (asked === undefined || message.type !== 'response') return;
    this.#open.delete(key);
    if (this.#options.clock.elapsed() - asked > PATIENCE) return;
    const name = plain(question.name);
    const answers = answersFor(name, message);
    if (answers.length > 0) this.#options.heard(name, answers);
  }
}

const keyOf = (
  client: string,
  port: number,
  resolver: string,
  id: number | undefined,
  { name, type }: Question,
): string => [client, port, resolver, id, plain(name), type].join(' ');
