import type { Woven, Written } from './loom.ts';
import { type Chain, type Elements, packed, shortHash } from './model.ts';
import { NumberMap } from './number-map.ts';
import { numberIn } from './numbers.ts';

/** Rules of one chain that several classes share. A packet may have to pass all of them. */
const MOST = 40;

/** A class of peers, and what is said to it. */
interface Said {
  number: string;
  woven: Woven;
}

interface Class extends Said {
  value: number;
}

/** Rules of a class, in order, by its number. */
type RulesOf = (number: string) => Written;

/** A chain for some classes. */
interface Bucket {
  /** Tells what is said in it, and to which classes. */
  of: string;
  /** Absent where it would say no more than where packets go anyway. */
  chain: [name: string, Chain] | undefined;
  /** Where packets go. */
  verdict: string;
  /** What its rules lead to, in one text: there are as many as rules. */
  ends: string;
}

/** Chains, where packets of each class go, and what all that leads to: names, `BETWEEN` them. */
interface Filled {
  chains: ReadonlyMap<string, Chain>;
  at: Elements;
  ends: readonly string[];
}
export const BETWEEN = ' ';

/** `goto …` that most of them end with, which then stands once, at the end. */
function commonEnd(lists: readonly (readonly string[])[]): string {
  const votes = new Map<string, number>();
  for (const rules of lists) {
    const end = rules.at(-1) ?? '';
    if (end.startsWith('goto ')) votes.set(end, (votes.get(end) ?? 0) + 1);
  }
  return [...votes].reduce((a, b) => (b[1] > a[1] ? b : a), ['', 0])[0];
}

function shared(said: readonly Said[], rulesOf: RulesOf): Written {
  const [only] = said;
  if (only && said.length === 1) return rulesOf(only.number);
  const lists = said.map(({ number }) => ({ number, ...rulesOf(number) }));
  const end = commonEnd(lists.map(({ rules }) => rules));
  const all = lists.flatMap(({ number, rules }) => {
    const own = rules.at(-1) === end ? rules.slice(0, -1) : rules;
    return own.map(rule => `meta priority ${number} ${rule}`);
  });
  const ends = [...new Set(lists.flatMap(one => one.ends))];
  return { rules: end === '' ? all : [...all, end], ends };
}

/** The same for the same that is said to the same classes. */
const keyOf = (of: readonly Said[]): string =>
  shortHash(of.map(({ number, woven }) => `${number} ${woven.hash}`).join());

/**
 * Puts what is said to classes of peers into chains that several share: what every change costs goes by the number of
 * chains. Which share one depends on their numbers alone, so that a class more or less changes one chain; what needs many
 * rules has a chain of its own.
 */
export class Buckets {
  #kept = new Map<string, Bucket>();

  /** Chains, and where packets of each class go. */
  fill(classes: ReadonlyMap<string, Woven>, rulesOf: RulesOf): Filled {
    const said = [...classes]
      .map(([number, woven]) => ({ number, woven, value: numberIn(number) }))
      .sort((a, b) => a.value - b.value);
    const kept = new Map<string, Bucket>();
    const at: [number, string][] = [];
    const put = (place: string, of: readonly Class[]): void => {
      const [only] = of;
      if (!only) return;
      const before = this.#kept.get(place);
      const key = keyOf(of);
      const bucket = before?.of === key ? before : made(key, of, rulesOf);
      kept.set(place, bucket);
      for (const { value } of of) at.push([value, bucket.verdict]);
    };
    const split = (of: readonly Class[], bit: number, place: string): void => {
      const rules = of.reduce((sum, { woven }) => sum + woven.size, 0);
      if (of.length <= 1 || rules <= MOST || bit < 0) {
        put(place, of);
        return;
      }
      const middle = of.findIndex(({ value }) => Math.floor(value / 2 ** bit) % 2 === 1);
      const cut = middle < 0 ? of.length : middle;
      split(of.slice(0, cut), bit - 1, `${place}0`);
      split(of.slice(cut), bit - 1, `${place}1`);
    };
    const isLarge = ({ woven }: Said): boolean => woven.size > MOST / 4;
    split(
      said.filter(one => !isLarge(one)),
      31,
      '',
    );
    for (const one of said.filter(isLarge)) put(`=${one.number}`, [one]);
    this.#kept = kept;
    const chains = new Map([...kept.values()].flatMap(({ chain }) => (chain ? [chain] : [])));
    return { chains, at: NumberMap.of(at), ends: [...kept.values()].map(({ ends }) => ends) };
  }
}

function made(key: string, of: readonly Said[], rulesOf: RulesOf): Bucket {
  const written = shared(of, rulesOf);
  const { rules } = written;
  const [first = ''] = rules;
  const ends = written.ends.join(BETWEEN);
  if (rules.length === 1 && first.startsWith('goto '))
    return { of: key, chain: undefined, verdict: first, ends };
  const chain = packed(rules);
  const name = `c_${chain.hash}`;
  return { of: key, chain: [name, chain], verdict: `goto ${name}`, ends };
}
