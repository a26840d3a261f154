import { type Model, sizeOf } from '../policy/model.ts';
import type { Listing } from './listing.ts';
import { epochChains } from './transaction.ts';

/** Digests of chains as the kernel lists them: what was seen after they were applied. */
export type Seen = Map<string, string>;

const shorten = (names: readonly string[]): string =>
  names.length > 3 ? `${names.slice(0, 3).join(', ')} and ${names.length - 3} more` : names.join(', ');

/** What tells the kernel's table from the model, in one sentence; empty when nothing does. `seen` learns new chains. */
export function differenceOf(listing: Listing, model: Model, seen: Seen): string {
  const chains = new Map([...epochChains(listing.epoch), ...model.chains]);
  const absent = [...chains.keys()].filter(name => !listing.chains.has(name));
  if (absent.length > 0) return `chains are missing: ${shorten(absent)}`;
  const strange = [...listing.chains.keys()].filter(name => !chains.has(name));
  if (strange.length > 0) return `chains are not ours: ${shorten(strange)}`;
  const wrong = [...chains].flatMap(([name, chain]) => {
    const listed = listing.chains.get(name);
    const known = seen.get(name);
    if (listed?.rules !== sizeOf(chain) || (known !== undefined && known !== listed.digest)) return [name];
    seen.set(name, listed.digest);
    return [];
  });
  if (wrong.length > 0) return `rules differ in ${shorten(wrong)}`;
  const maps = [...model.maps].flatMap(([name, { elements }]) => {
    const listed = listing.maps.get(name)?.elements;
    const same =
      listed?.size === elements.size && [...elements].every(([key, verdict]) => listed.get(key) === verdict);
    return same ? [] : [name];
  });
  if (maps.length > 0) return `elements differ in ${shorten(maps)}`;
  const counters = [...model.counters].filter(name => !listing.counters.has(name));
  if (counters.length > 0) return `counters are missing: ${shorten(counters)}`;
  return listing.digest === model.digest ? '' : 'the digest differs';
}

const isHashed = (name: string): boolean => /^[ct]_[0-9a-f]{16}$/.test(name);

/**
 * The kernel's table as a model to change from: after a restart. Chains that are named for what is in them are taken at
 * their word, all others count as changed.
 */
export function adopted(listing: Listing, next: Model): Model {
  const fixed = epochChains(0);
  const chains = [...listing.chains.keys()].filter(name => !fixed.has(name));
  return {
    chains: new Map(
      chains.map(name => [name, (isHashed(name) ? next.chains.get(name) : undefined) ?? { rules: [] }]),
    ),
    maps: new Map(
      [...listing.maps].map(([name, { interval, elements }]) => [
        name,
        {
          holds: next.maps.get(name)?.holds ?? 'territories',
          type: next.maps.get(name)?.type ?? '',
          interval,
          elements,
        },
      ]),
    ),
    counters: new Set(listing.counters.keys()),
    meanings: new Map(),
    digest: listing.digest,
    warnings: [],
  };
}
