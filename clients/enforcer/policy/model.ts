import { hash } from 'node:crypto';
import { PackedText } from '../../../shared/core/packed-text.ts';
import type { Meaning } from '../data-plane.ts';

/** A chain of the table. Rules are nft's text, one each. */
export interface Chain {
  /** Where the kernel calls it, as nft writes it; absent for chains that others go to. */
  hook?: string;
  readonly rules: readonly string[];
}

/**
 * A chain in little memory: once the kernel has it, its text is seldom asked for again, and as texts the rules of a large
 * policy are many times what else is remembered of it. Equal ones are known by half a digest, as by the names of chains.
 */
class PackedChain implements Chain {
  readonly size: number;
  /** For names, too: of its rules. */
  readonly hash: string;
  readonly #text: PackedText | undefined;

  constructor(rules: readonly string[]) {
    const text = rules.join('\n');
    this.size = rules.length;
    this.hash = shortHash(text);
    this.#text = rules.length === 0 ? undefined : new PackedText(text);
  }

  get rules(): readonly string[] {
    return this.#text ? this.#text.text.split('\n') : [];
  }

  equals(other: PackedChain): boolean {
    return this.size === other.size && this.hash === other.hash;
  }
}

export const packed = (rules: readonly string[]): PackedChain => new PackedChain(rules);

/** How many rules it has. */
export const sizeOf = (chain: Chain): number =>
  chain instanceof PackedChain ? chain.size : chain.rules.length;

export function sameRules(a: Chain | undefined, b: Chain): boolean {
  if (a === b) return true;
  if (a === undefined || sizeOf(a) !== sizeOf(b)) return false;
  if (a instanceof PackedChain && b instanceof PackedChain) return a.equals(b);
  const rules = b.rules;
  return a.rules.every((rule, at) => rule === rules[at]);
}

/** The set whose elements count the flows of each end, by its number. */
export const TALLY = 'tally';

/** Elements of a map: key → value, as nft writes them. */
export interface Elements extends Iterable<[string, string]> {
  readonly size: number;
  get(key: string): string | undefined;
  has(key: string): boolean;
  keys(): Iterable<string>;
  /** Keys that have one of these values, where that is sooner told than by looking at all elements. */
  keysOf?(values: ReadonlySet<string>): Iterable<string>;
}

/** Numbers of ends that are counted, as nft writes them. */
export interface Counters extends Iterable<string> {
  readonly size: number;
  has(number: string): boolean;
}

export interface Meanings extends Iterable<[string, Meaning]> {
  readonly size: number;
  get(id: string): Meaning | undefined;
}

export interface KernelMap {
  /** `peers`: address → class of peers. `classes`: class → verdict. `territories`: stretch of addresses → verdict. */
  holds: 'peers' | 'classes' | 'territories';
  /** As nft declares it. */
  type: string;
  /** Ranges instead of single keys: changed as a whole. */
  interval: boolean;
  elements: Elements;
  /** Of classes: what the verdict comes to, whichever chain says it. Class → hash. */
  means?: Elements;
  /** What sets it apart from an earlier state of the same map, where that is known: key → value or gone. */
  since?: { earlier: Elements; changes: ReadonlyMap<string, string | undefined> };
}

/**
 * What the kernel should hold, but for the epoch (see render.ts). Chains whose names end in a hash of what is in them
 * never change.
 */
export interface Model {
  chains: ReadonlyMap<string, Chain>;
  maps: ReadonlyMap<string, KernelMap>;
  /** Elements of the tally, one for each end that reports. */
  counters: Counters;
  /** Id in log prefixes → what it stands for. */
  meanings: Meanings;
  /** 56 hex digits: of everything that this was made from. */
  digest: string;
  warnings: readonly string[];
}

/** Half a digest, used again each time: one that is given as a buffer has memory of its own, which would be cut up by them. */
const half = Buffer.alloc(8);

/** The first digits of SHA-256: enough to tell a host's chains apart. */
export function shortHash(text: string): string {
  half.write(hash('sha256', text, 'binary'), 'latin1');
  return half.toString('hex');
}
