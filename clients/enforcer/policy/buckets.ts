import type { Woven } from './loom.ts';
import { type Chain, shortHash } from './model.ts';
import { numberIn } from './numbers.ts';

/** Rules of one chain that several classes share. A packet may have to pass all of them. */
const MOST = 40;

/** A class of peers, and what is said to it. */
interface Said {
  number: string;
  woven: Woven;
}

/** A chain for some classes. */
interface Bucket {
  of: readonly Said[];
  name: string;
  chain: Chain;
}

/** `goto …` that most of them end with, which then stands once, at the end. */
function commonEnd(said: readonly Said[]): string {
  const votes = new Map<string, number>();
  for (const { woven } of said) {
    const end = woven.rules.at(-1) ?? '';
    if (end.startsWith('goto ')) votes.set(end, (votes.get(end) ?? 0) + 1);
  }
  return [...votes].reduce((a, b) => (b[1] > a[1] ? b : a), ['', 0])[0];
}

function chainOf(said: readonly Said[]): Chain {
  const [only] = said;
  if (only && said.length === 1) return { rules: only.woven.rules };
  const end = commonEnd(said);
  const rules = said.flatMap(({ number, woven }) => {
    const own = woven.rules.at(-1) === end ? woven.rules.slice(0, -1) : woven.rules;
    return own.map(rule => `meta priority ${number} ${rule}`);
  });
  return { rules: end === '' ? rules : [...rules, end] };
}

const sameSaid = (a: readonly Said[], b: readonly Said[]): boolean =>
  a.length === b.length &&
  a.every((one, at) => one.number === b[at]?.number && one.woven.hash === b[at]?.woven.hash);

/**
 * Puts what is said to classes of peers into chains that several share: what every change costs goes by the number of
 * chains. Which share one depends on their numbers alone, so that a class more or less changes one chain; what needs many
 * rules has a chain of its own.
 */
export class Buckets {
  #kept = new Map<string, Bucket>();

  /** Chains, and where packets of each class go. */
  fill(classes: ReadonlyMap<string, Woven>): { chains: Map<string, Chain>; at: Map<string, string> } {
    const said = [...classes]
      .map(([number, woven]) => ({ number, woven, value: numberIn(number) }))
      .sort((a, b) => a.value - b.value);
    const kept = new Map<string, Bucket>();
    const at = new Map<string, string>();
    const put = (place: string, of: readonly Said[]): void => {
      const [only] = of;
      if (!only) return;
      const before = this.#kept.get(place);
      const bucket = before && sameSaid(before.of, of) ? before : made(of);
      kept.set(place, bucket);
      const [first = ''] = bucket.chain.rules;
      const isBare = bucket.chain.rules.length === 1 && first.startsWith('goto ');
      for (const { number } of of) at.set(number, isBare ? first : `goto ${bucket.name}`);
    };
    const split = (of: readonly (Said & { value: number })[], bit: number, place: string): void => {
      const rules = of.reduce((sum, { woven }) => sum + woven.rules.length, 0);
      if (of.length <= 1 || rules <= MOST || bit < 0) {
        put(place, of);
        return;
      }
      const middle = of.findIndex(({ value }) => Math.floor(value / 2 ** bit) % 2 === 1);
      const cut = middle < 0 ? of.length : middle;
      split(of.slice(0, cut), bit - 1, `${place}0`);
      split(of.slice(cut), bit - 1, `${place}1`);
    };
    const isLarge = ({ woven }: Said): boolean => woven.rules.length > MOST / 4;
    split(
      said.filter(one => !isLarge(one)),
      31,
      '',
    );
    for (const one of said.filter(isLarge)) put(`=${one.number}`, [one]);
    this.#kept = kept;
    const chains = new Map([...kept.values()].map(({ name, chain }) => [name, chain]));
    return { chains, at };
  }
}

function made(of: readonly Said[]): Bucket {
  const chain = chainOf(of);
  return { of, chain, name: `c_${shortHash(chain.rules.join('\n'))}` };
}
