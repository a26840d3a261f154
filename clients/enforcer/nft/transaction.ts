import {
  type Chain,
  type Counters,
  type Elements,
  type KernelMap,
  type Model,
  sameRules,
  TALLY,
} from '../policy/model.ts';
import { keysOf } from '../policy/patched.ts';
import { type Epoch, epochChains, FRESH, GOES_ON, MOST_FRESH, nextEpoch, type Standing } from './epoch.ts';
import {
  add,
  chainText,
  declared,
  drop,
  elementTexts,
  freshElements,
  lines,
  STAMP,
  stampElements,
  TABLE,
  tableText,
} from './text.ts';

/** Key → value, or gone. */
type Changes = ReadonlyMap<string, string | undefined>;

const changesOf = (before: KernelMap, after: KernelMap): Changes =>
  before.elements === after.elements
    ? NONE
    : after.since?.earlier === before.elements
      ? after.since.changes
      : difference(before.elements, after.elements);

const NONE: Changes = new Map();

/** What becomes of a map whose elements changed. */
function elementChanges(name: string, before: KernelMap, after: KernelMap, changes: Changes): string[] {
  if (changes.size === 0) return [];
  if (after.interval) return [`flush map ${TABLE} ${name}`, ...add(name, [...elementTexts(after.elements)])];
  const gone = [...changes.keys()].filter(key => before.elements.has(key));
  const come = [...changes].flatMap(([key, value]): [string, string][] =>
    value === undefined ? [] : [[key, value]],
  );
  return [...drop(name, gone), ...add(name, [...elementTexts(come)])];
}

function difference(before: Elements, after: Elements): Map<string, string | undefined> {
  const changes = new Map<string, string | undefined>();
  for (const key of before.keys()) if (!after.has(key)) changes.set(key, undefined);
  for (const [key, verdict] of after) if (before.get(key) !== verdict) changes.set(key, verdict);
  return changes;
}

/** A change in three steps, each a transaction. The policy changes with the second, at once. */
export interface Steps {
  /** Brings in what nothing goes to yet; empty when there is none. */
  prepare: string;
  /** The change. */
  activate: string;
  /** Takes out what nothing goes to any more; empty when there is none. */
  retire: string;
  /** What holds afterwards. */
  standing: Standing;
}

/** Classes to which something else is said than before. Chains are named by what is in them, where no more is known. */
function saidAnew(before: KernelMap, after: KernelMap): string[] {
  const known = before.means !== undefined && after.means !== undefined;
  const earlier: Elements = known ? (before.means ?? before.elements) : before.elements;
  const now: Elements = known ? (after.means ?? after.elements) : after.elements;
  return earlier === now ? [] : [...difference(earlier, now).keys()];
}

/** The peers that a change is about; undefined when it may be about any, or about too many. */
function peersOf(
  rewritten: readonly unknown[],
  maps: readonly { before: KernelMap; after: KernelMap; changes: Changes }[],
): string[] | undefined {
  if (rewritten.length > 0) return undefined;
  if (maps.some(({ after, changes }) => after.interval && changes.size > 0)) return undefined;
  const classes = new Set(
    maps.flatMap(({ before, after }) => (after.holds === 'classes' ? saidAnew(before, after) : [])),
  );
  const peers = maps.filter(({ after }) => after.holds === 'peers');
  const found = peers.flatMap(({ changes }) => [...changes.keys()]);
  if (classes.size === 0) return found;
  for (const { after } of peers)
    for (const address of keysOf(after.elements, classes)) {
      found.push(address);
      if (found.length > MOST_FRESH) return undefined;
    }
  return found;
}

const flushChain = (name: string): string => `flush chain ${TABLE} ${name}`;

const FLUSH_FRESH = Object.values(FRESH).map(name => `flush set ${TABLE} ${name}`);

const stampLines = (digest: string, epoch: Epoch): string[] => [
  `flush map ${TABLE} ${STAMP}`,
  ...add(STAMP, stampElements(digest, epoch)),
];

/** Other rules in chains that are there. */
const rewriteText = (chains: readonly (readonly [string, Chain])[]): string =>
  lines(chains.map(([name]) => flushChain(name))) +
  tableText(chains.map(([name, { rules }]) => chainText(name, { rules })));

/** Begins an epoch in which no peer is fresh, under the same policy: every connection is decided anew, once. */
export function settled({ digest }: Model, { epoch }: Standing): { activate: string; standing: Standing } {
  const standing: Standing = { epoch: nextEpoch(epoch), fresh: new Set() };
  const activate =
    rewriteText([...epochChains(standing)]) + lines([...FLUSH_FRESH, ...stampLines(digest, standing.epoch)]);
  return { activate, standing };
}

export function changeText(before: Model, after: Model, standing: Standing): Steps {
  const missing = <T>(of: ReadonlyMap<string, T>, than: ReadonlyMap<string, T>) =>
    of === than ? [] : [...of].filter(([name]) => !than.has(name));
  const newMaps = missing(after.maps, before.maps);
  const newChains = missing(after.chains, before.chains);
  const changed =
    before.chains === after.chains
      ? []
      : [...after.chains].filter(
          ([name, chain]) => before.chains.has(name) && !sameRules(before.chains.get(name), chain),
        );
  const maps = [...after.maps].flatMap(([name, map]) => {
    const earlier = before.maps.get(name);
    return earlier ? [{ name, before: earlier, after: map, changes: changesOf(earlier, map) }] : [];
  });
  const peers = peersOf(changed, maps);
  const fresh = new Set([...standing.fresh, ...(peers ?? [])]);
  const goesOn = peers !== undefined && standing.epoch !== 0 && fresh.size <= MOST_FRESH;
  const next: Standing = goesOn
    ? { epoch: standing.epoch, fresh }
    : { epoch: nextEpoch(standing.epoch), fresh: new Set() };
  const isFirst = goesOn && standing.fresh.size === 0 && fresh.size > 0;
  const rewritten = [...(goesOn ? [] : epochChains(next)), ...changed];
  const absent = (of: Counters, than: Counters) =>
    of === than ? [] : [...of].filter(name => !than.has(name));
  return {
    prepare:
      tableText([...declared(newMaps), ...newChains.map(([name, chain]) => chainText(name, chain))]) +
      lines([
        ...newMaps.flatMap(([name, { elements }]) => add(name, [...elementTexts(elements)])),
        ...add(TALLY, absent(after.counters, before.counters)),
      ]),
    activate:
      rewriteText(rewritten) +
      lines([
        ...(isFirst ? Object.values(GOES_ON).map(flushChain) : []),
        ...maps.flatMap(map => elementChanges(map.name, map.before, map.after, map.changes)),
        ...(goesOn ? freshElements(new Set(peers)) : FLUSH_FRESH),
        ...stampLines(after.digest, next.epoch),
      ]),
    // Rules lead to maps, and maps to chains: nothing goes that something leads to.
    retire: lines([
      ...missing(before.chains, after.chains).map(([name]) => flushChain(name)),
      ...missing(before.maps, after.maps).map(([name]) => `delete map ${TABLE} ${name}`),
      ...missing(before.chains, after.chains).map(([name]) => `delete chain ${TABLE} ${name}`),
      ...drop(TALLY, absent(before.counters, after.counters)),
    ]),
    standing: next,
  };
}
