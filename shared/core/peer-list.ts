import { hash } from 'node:crypto';
import { Peer, PeersPayload } from '../schema/bundle.ts';
import { PackedBytes } from './packed.ts';

const HEAD = Buffer.from('{"format":1,"identities":[');
const TAIL = Buffer.from(']}');
/** How an entry begins. Inside of text a quote has a backslash before it, so that these bytes are nowhere else. */
const START = '{"ID":"';
const NEXT = Buffer.from(`},${START}`);
/** From the beginning of `NEXT` to that of the entry. */
const SHIFT = '},'.length;
const [COMMA, QUOTE] = [Buffer.from(','), Buffer.from('"')];
/** Bytes that are compared, or packed, at a time. */
const STRIDE = 65_536;
/** Bytes of a block at most, unless one entry has more. */
const LARGEST = 2 * STRIDE;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** A part of a payload, from its first byte to before its last. */
interface Part {
  bytes: Buffer;
  from: number;
  to: number;
}

/** What came and what went from one list to the next. An entry that changed went and came. */
export interface PeerChanges {
  gone: Peer[];
  come: Peer[];
}

/** Some entries of a list, side by side. */
interface Block {
  text: PackedBytes;
  /** SHA-256 of the text, by which equal ones are known. */
  hash: string;
  /** Bytes of the text. */
  length: number;
  /** ID of the first entry. */
  first: Uint8Array;
}

/**
 * peers.json as it is: its text, packed when it is time. 100,000 peers as objects would take a hundred times as much memory, and reading
 * them takes longer than everything else that a change of one of them costs. So they are read one after the other when they
 * are asked for, and of a later list only what differs from an earlier one: it is cut where the earlier one was, and what is
 * the same there is the same object.
 */
export class PeerList implements PeersPayload {
  readonly format = 1;
  /** All of them, read anew each time. */
  declare readonly identities: Peer[];
  readonly #blocks: readonly Block[];
  /** Bytes. */
  readonly #length: number;
  #size: number | undefined;
  #isVerbatim = false;

  private constructor(bytes: Buffer, earlier?: PeerList) {
    const part = { bytes, from: HEAD.length, to: bytes.length - TAIL.length };
    this.#length = bytes.length;
    const before = earlier ? earlier.#blocks : [];
    const known = new Map(before.map(block => [block.hash, block]));
    this.#blocks = cut(part, before).map(one => blockOf(one, known));
    // An own property, so that it is the payload that it stands for to whoever looks at it.
    Object.defineProperty(this, 'identities', { enumerable: true, get: () => [...this] });
  }

  /**
   * Reads a payload's bytes and checks everything in it; of what is also in `earlier`, which was checked, nothing. Throws
   * a ZodError, or what the parser says.
   */
  static read(payload: Uint8Array, earlier?: PeerList): PeerList {
    const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
    const isPlain = bytes.subarray(0, HEAD.length).equals(HEAD) && bytes.subarray(-TAIL.length).equals(TAIL);
    // Written by somebody else: the same in our words.
    if (!isPlain) return PeerList.of(PeersPayload.parse(JSON.parse(utf8.decode(payload))));
    const list = new PeerList(bytes, earlier);
    list.#isVerbatim = true;
    if (earlier) {
      const { gone, come } = list.since(earlier);
      for (const one of come) Peer.parse(one);
      list.#size = earlier.size - gone.length + come.length;
    } else {
      list.#size = 0;
      for (const one of list) {
        Peer.parse(one);
        list.#size++;
      }
    }
    return list;
  }

  /** The list of a payload that was read already. */
  static of(payload: PeersPayload): PeerList {
    if (payload instanceof PeerList) return payload;
    const identities = payload.identities.map(({ ID, addresses, namespace, tags }) => ({
      ID,
      addresses,
      namespace,
      tags,
    }));
    const list = new PeerList(Buffer.from(JSON.stringify({ format: 1, identities })));
    list.#size = identities.length;
    return list;
  }

  get size(): number {
    return this.#size ?? 0;
  }

  get isVerbatim(): boolean {
    return this.#isVerbatim;
  }

  /** The payload, as it came if `isVerbatim`; else the same in our words. */
  bytes(): Buffer {
    // Memory of its own, which nobody else writes to.
    const bytes = Buffer.alloc(this.#length);
    let at = HEAD.copy(bytes);
    for (const [index, block] of this.#blocks.entries()) {
      if (index > 0) at += COMMA.copy(bytes, at);
      at += block.text.bytes.copy(bytes, at);
    }
    TAIL.copy(bytes, at);
    return bytes;
  }

  *[Symbol.iterator](): Generator<Peer> {
    for (const block of this.#blocks) yield* parsed(joined([block]));
  }

  /** What differs from another list. Takes as long as reading the blocks that are not in both. */
  since(earlier: PeerList): PeerChanges {
    const [a, b] = [
      joined(without(earlier.#blocks, this.#blocks)),
      joined(without(this.#blocks, earlier.#blocks)),
    ];
    const changes: PeerChanges = { gone: [], come: [] };
    while (a.from < a.to && b.from < b.to) {
      toDifference(a, b);
      const [old, fresh] = [first(a), first(b)];
      const order = old && fresh ? orderOf(old, fresh) : 0;
      const same =
        old && fresh && old.bytes.compare(fresh.bytes, fresh.from, fresh.to, old.from, old.to) === 0;
      if (old && order <= 0) {
        if (!same) changes.gone.push(...parsed(old));
        a.from = old.to + 1;
      }
      if (fresh && order >= 0) {
        if (!same) changes.come.push(...parsed(fresh));
        b.from = fresh.to + 1;
      }
    }
    changes.gone.push(...rest(a));
    changes.come.push(...rest(b));
    return changes;
  }
}

function blockOf({ bytes, from, to }: Part, known: ReadonlyMap<string, Block>): Block {
  const text = bytes.subarray(from, to);
  const digest = hash('sha256', text, 'base64url');
  return (
    known.get(digest) ?? {
      // A copy: of the payload nothing else is kept.
      text: new PackedBytes(Buffer.from(text)),
      hash: digest,
      length: text.length,
      first: new Uint8Array(idOf({ bytes, from, to })),
    }
  );
}

/** Their text, one behind the other. */
function joined(blocks: readonly Block[]): Part {
  const texts = blocks.flatMap((block, at) => [...(at > 0 ? [COMMA] : []), block.text.bytes]);
  const bytes = texts.length === 1 && texts[0] ? texts[0] : Buffer.concat(texts);
  return { bytes, from: 0, to: bytes.length };
}

/** Those that are not among others, of which each takes away one that is equal to it. */
function without(blocks: readonly Block[], others: readonly Block[]): Block[] {
  const left = new Map<string, number>();
  for (const { hash: digest } of others) left.set(digest, (left.get(digest) ?? 0) + 1);
  return blocks.filter(({ hash: digest }) => {
    const count = left.get(digest) ?? 0;
    left.set(digest, count - 1);
    return count <= 0;
  });
}

/** Cuts a list into blocks: where an earlier one was cut, so that what is the same in both is in blocks that are the same. */
function cut(list: Part, earlier: readonly Block[]): Part[] {
  const starts = [list.from];
  let [at, length] = [list.from, 0];
  for (const block of earlier) {
    const found = length === 0 ? -1 : startOf(block.first, { ...list, from: at }, length);
    length = found < 0 ? length + block.length + 1 : block.length + 1;
    if (found < 0) continue;
    at = found;
    starts.push(found);
  }
  return starts.flatMap((from, index) => {
    const next = starts[index + 1];
    return sliced({ bytes: list.bytes, from, to: next === undefined ? list.to : next - 1 });
  });
}

/** Where the entry with an ID begins, which is so many bytes behind the beginning of the part, or near there. */
function startOf(id: Uint8Array, { bytes, from, to }: Part, length: number): number {
  const wanted = Buffer.concat([NEXT, id, QUOTE]);
  const near = from + length - SHIFT;
  const isAt = bytes.compare(wanted, 0, wanted.length, near, near + wanted.length) === 0;
  const found = isAt
    ? near
    : bytes.subarray(from, Math.min(to, from + length + 2 * LARGEST)).indexOf(wanted) + from;
  return found < from ? -1 : found + SHIFT;
}

/** A part as it is, or where it is large in pieces. */
function sliced({ bytes, from, to }: Part): Part[] {
  const pieces: Part[] = [];
  for (let start = from; start < to; ) {
    const end = to - start > LARGEST ? endOf({ bytes, from: start + STRIDE, to }) : to;
    pieces.push({ bytes, from: start, to: end });
    start = end + 1;
  }
  return pieces;
}

const parsed = ({ bytes, from, to }: Part): Peer[] =>
  from < to ? JSON.parse(`[${utf8.decode(bytes.subarray(from, to))}]`) : [];

const rest = (part: Part): Peer[] => (part.from < part.to ? parsed(part) : []);

/** End of the entry in which the part begins. */
function endOf({ bytes, from, to }: Part): number {
  const at = bytes.indexOf(NEXT, Math.max(0, from - 1));
  return at < 0 || at >= to ? to : at + 1;
}

const first = ({ bytes, from, to }: Part): Part | undefined =>
  from < to ? { bytes, from, to: endOf({ bytes, from: from + 1, to }) } : undefined;

const idOf = ({ bytes, from }: Part): Buffer =>
  bytes.subarray(from + START.length, bytes.indexOf('"', from + START.length));

/** By ID, as lists are sorted. */
const orderOf = (a: Part, b: Part): number => Buffer.compare(idOf(a), idOf(b));

/** How many bytes two parts have in common from their beginnings on. */
function commonLength(a: Part, b: Part): number {
  const longest = Math.min(a.to - a.from, b.to - b.from);
  const isSame = (from: number, to: number): boolean =>
    a.bytes.compare(b.bytes, b.from + from, b.from + to, a.from + from, a.from + to) === 0;
  let same = 0;
  while (same < longest && isSame(same, Math.min(same + STRIDE, longest)))
    same = Math.min(same + STRIDE, longest);
  if (same === longest) return longest;
  // The first byte that differs is in the next stride.
  let [low, high] = [same, Math.min(same + STRIDE, longest)];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (isSame(low, middle)) low = middle;
    else high = middle;
  }
  return low;
}

/** Moves both to the entries in which the first difference is, or past both ends. */
function toDifference(a: Part, b: Part): void {
  const common = commonLength(a, b);
  const last = common < NEXT.length ? -1 : a.bytes.lastIndexOf(NEXT, a.from + common - 2);
  const steps = last < a.from ? 0 : last + 2 - a.from;
  a.from += steps;
  b.from += steps;
}
