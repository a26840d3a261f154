import { createHash } from 'node:crypto';
import type { Meaning } from '../data-plane.ts';

/** A chain of the table. Rules are nft's text, one each. */
export interface Chain {
  /** Where the kernel calls it, as nft writes it; absent for chains that others go to. */
  hook?: string;
  rules: readonly string[];
}

export const sameRules = (a: Chain | undefined, b: Chain): boolean =>
  a === b ||
  (a !== undefined && a.rules.length === b.rules.length && a.rules.every((rule, at) => rule === b.rules[at]));

/** The set whose elements count the flows of each end, by its number. */
export const TALLY = 'tally';

/** Elements of a map: key → value, as nft writes them. */
export interface Elements extends Iterable<[string, string]> {
  readonly size: number;
  get(key: string): string | undefined;
  has(key: string): boolean;
  keys(): Iterable<string>;
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
  counters: ReadonlySet<string>;
  /** Id in log prefixes → what it stands for. */
  meanings: ReadonlyMap<string, Meaning>;
  /** 56 hex digits: of everything that this was made from. */
  digest: string;
  warnings: readonly string[];
}

/** The first digits of SHA-256: enough to tell a host's chains apart. */
export const shortHash = (text: string): string =>
  createHash('sha256').update(text).digest('hex').slice(0, 16);
