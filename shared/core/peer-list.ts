import { Peer, PeersPayload } from '../schema/bundle.ts';

const HEAD = Buffer.from('{"format":1,"identities":[');
const TAIL = Buffer.from(']}');
/** How an entry begins. Inside of text a quote has a backslash before it, so that these bytes are nowhere else. */
const START = '{"ID":"';
const NEXT = Buffer.from(`},${START}`);
/** Bytes that are compared, or parsed, at a time. */
const STRIDE = 65_536;

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

/**
 * peers.json as it is: its bytes. 100,000 peers as objects would take ten times as much memory as their text, and reading
 * them takes longer than everything else that a change of one of them costs. So they are read one after the other when they
 * are asked for, and of a later list only what differs from an earlier one.
 */
export class PeerList implements PeersPayload {
  readonly format = 1;
  /** All of them, read anew each time. */
  declare readonly identities: Peer[];
  readonly #part: Part;
  #size: number | undefined;

  private constructor(bytes: Buffer) {
    this.#part = { bytes, from: HEAD.length, to: bytes.length - TAIL.length };
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
    const list = new PeerList(bytes);
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

  *[Symbol.iterator](): Generator<Peer> {
    const { bytes, to } = this.#part;
    for (let { from } = this.#part; from < to; ) {
      const end = endOf({ bytes, from: Math.min(from + STRIDE, to), to });
      yield* parsed({ bytes, from, to: end });
      from = end + 1;
    }
  }

  /** What differs from another list. Takes as long as comparing the bytes, and reading what is not the same. */
  since(earlier: PeerList): PeerChanges {
    const [a, b] = [{ ...earlier.#part }, { ...this.#part }];
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

/** By ID, as lists are sorted. */
function orderOf(a: Part, b: Part): number {
  const id = ({ bytes, from }: Part): Buffer =>
    bytes.subarray(from + START.length, bytes.indexOf('"', from + START.length));
  return Buffer.compare(id(a), id(b));
}

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
  const last = a.bytes.lastIndexOf(NEXT, a.from + common - 2);
  const steps = last < a.from ? 0 : last + 2 - a.from;
  a.from += steps;
  b.from += steps;
}
