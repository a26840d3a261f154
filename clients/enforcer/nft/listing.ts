import { createHash } from 'node:crypto';
import { z } from 'zod';
import { TALLY } from '../policy/model.ts';
import { singleAddress } from '../policy/peers.ts';
import { rangeOf, singleRanges } from '../policy/territories.ts';
import type { Epoch } from './transaction.ts';

/** What the kernel says that our table holds. */
export interface Listing {
  /** Chain → digest of each of its rules, in order. */
  chains: ReadonlyMap<string, readonly string[]>;
  /** Map → elements as the model has them: `10.0.0.1` or `10.0.0.0-10.0.0.7` → `goto c_…`. */
  maps: ReadonlyMap<string, { interval: boolean; elements: ReadonlyMap<string, string> }>;
  /** By their numbers. */
  counters: ReadonlyMap<string, { packets: number; bytes: number }>;
  digest: string;
  epoch: Epoch;
}

const Verdict = z.union([
  z.object({ goto: z.object({ target: z.string() }) }),
  z.object({ jump: z.object({ target: z.string() }) }),
  z.object({ accept: z.null() }),
  z.object({ drop: z.null() }),
]);
const Value = z.union([z.string(), z.number(), z.record(z.string(), z.unknown())]);
const Entry = z.object({
  chain: z.object({ name: z.string() }).optional(),
  rule: z.object({ chain: z.string(), expr: z.array(z.unknown()) }).optional(),
  map: z
    .object({
      name: z.string(),
      flags: z.union([z.string(), z.array(z.string())]).optional(),
      elem: z.array(z.tuple([Value, z.unknown()])).default([]),
    })
    .optional(),
  set: z.object({ name: z.string(), elem: z.array(z.unknown()).default([]) }).optional(),
});
const Counting = z.object({
  elem: z.object({
    val: z.union([z.string(), z.number()]),
    counter: z.object({ packets: z.number(), bytes: z.number() }),
  }),
});
const Listed = z.object({ nftables: z.array(z.record(z.string(), z.unknown())) });

const digest = (value: unknown): string =>
  createHash('sha256').update(JSON.stringify(value)).digest('base64').slice(0, 16);

/** A class, or a verdict. */
function valueText(value: unknown): string {
  if (typeof value === 'string') return value;
  const verdict = Verdict.parse(value);
  if ('goto' in verdict) return `goto ${verdict.goto.target}`;
  if ('jump' in verdict) return `jump ${verdict.jump.target}`;
  return 'accept' in verdict ? 'accept' : 'drop';
}

/** A key in the model's own text, whichever way nft prefers to write it. */
function keyText(value: z.infer<typeof Value>): string {
  if (typeof value !== 'object') return singleAddress(String(value))?.text ?? String(value);
  const { prefix, range } = z
    .object({
      prefix: z.object({ addr: z.string(), len: z.int() }).optional(),
      range: z.tuple([z.string(), z.string()]).optional(),
    })
    .parse(value);
  const ends = prefix
    ? singleRanges([`${prefix.addr}/${prefix.len}`])
    : singleRanges(range?.slice(0, 1) ?? []);
  const [from] = ends;
  const to = range ? singleRanges([range[1]])[0]?.to : from?.to;
  return from && to !== undefined ? rangeOf(from.family, { from: from.from, to }) : JSON.stringify(value);
}

/** The stamp's words, in order: eight of the digest, and the epoch. */
function stampOf(elements: readonly (readonly [unknown, unknown])[]): { digest: string; epoch: Epoch } {
  const words = new Map(elements.map(([at, word]) => [Number(at), Number(word)]));
  const text = Array.from({ length: 8 }, (_, at) => (words.get(at) ?? 0).toString(16).padStart(7, '0'));
  return { digest: text.join(''), epoch: words.get(8) ?? 0 };
}

/** Reads `nft -j list table inet prisma`. Throws on what is no such listing. */
export function readListing(json: string): Listing {
  const chains = new Map<string, string[]>();
  const maps = new Map<string, { interval: boolean; elements: Map<string, string> }>();
  const counters = new Map<string, { packets: number; bytes: number }>();
  let stamp = { digest: '', epoch: 0 };
  for (const raw of Listed.parse(JSON.parse(json)).nftables) {
    const { chain, rule, map, set } = Entry.parse(raw);
    if (chain) chains.set(chain.name, []);
    if (rule) chains.get(rule.chain)?.push(digest(rule.expr));
    if (set?.name === TALLY)
      for (const one of set.elem) {
        const { val, counter } = Counting.parse(one).elem;
        counters.set(String(val), counter);
      }
    if (map?.name === 'stamp') stamp = stampOf(map.elem);
    else if (map) {
      maps.set(map.name, {
        interval: (map.flags ?? []).includes('interval'),
        elements: new Map(map.elem.map(([key, value]) => [keyText(key), valueText(value)])),
      });
    }
  }
  return { chains, maps, counters, ...stamp };
}

/** Reads `nft -j list map inet prisma stamp`. */
export const readStamp = (json: string): { digest: string; epoch: Epoch } => readListing(json);
