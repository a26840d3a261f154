import type { Base } from './base.ts';
import { BETWEEN } from './buckets.ts';
import { WAYS } from './groups.ts';
import type { Judge } from './judge.ts';
import type { Loom } from './loom.ts';
import { type Chain, type Counters, type KernelMap, sameRules } from './model.ts';

/** What is said to the classes of one neighbourhood, by a group in one direction. */
export interface Said {
  judge: Judge;
  map: KernelMap;
  chains: ReadonlyMap<string, Chain>;
  /** What the chains lead to: names, `BETWEEN` them. */
  ends: readonly string[];
}

/** The chains of a model; the very same as before when none changed, so that nobody has to compare them. */
export interface Woven {
  base: Base;
  said: readonly Said[];
  /** Those of units and hooks. */
  own: ReadonlyMap<string, Chain>;
  chains: ReadonlyMap<string, Chain>;
  counters: Counters;
}

export function weave(
  earlier: Woven | undefined,
  loom: Loom,
  { base, said, own }: Pick<Woven, 'base' | 'said' | 'own'>,
): Woven {
  const isAsBefore =
    earlier?.base === base &&
    earlier.said.length === said.length &&
    earlier.said.every((one, at) => one === said[at]) &&
    earlier.own.size === own.size &&
    [...own].every(([name, chain]) => sameRules(earlier.own.get(name), chain));
  if (isAsBefore) return earlier;
  const needed = new Set(base.groups.flatMap(({ judges }) => WAYS.flatMap(way => [...judges[way].ends])));
  for (const { ends } of said)
    for (const some of ends) for (const end of some.split(BETWEEN)) if (end !== '') needed.add(end);
  const chains = new Map<string, Chain>();
  const counted: string[] = [];
  for (const name of needed) {
    const chain = loom.chains.get(name);
    if (chain) chains.set(name, chain);
    else counted.push(name);
  }
  for (const one of said) for (const [name, chain] of one.chains) chains.set(name, chain);
  for (const [name, chain] of own) chains.set(name, chain);
  const counters = loom.ends.counters(counted);
  loom.rest(chains, counters);
  return { base, said, own, chains, counters };
}
