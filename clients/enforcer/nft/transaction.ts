import { MINE } from '../policy/loom.ts';
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

export const TABLE = 'inet prisma';

/**
 * The number of the policy that let a connection through stands in its mark: in the lower half for what its destination
 * here decided, in the upper for its source. A connection with another number is decided anew with its next packet,
 * so that what a change forbids ends with the change, and what it does not goes on.
 */
export type Epoch = number;
const EPOCHS = { first: 0x1001, last: 0xffff } as const;

/** Small numbers and whole bytes are left out: those are what other programs number connections with. */
export function nextEpoch(epoch: Epoch): Epoch {
  const next = epoch < EPOCHS.first || epoch >= EPOCHS.last ? EPOCHS.first : epoch + 1;
  return next % 256 === 0 ? next + 1 : next;
}

/** For rules that go on from none. `chance`: from 0 to 1, and another each time, so that connections of earlier rules are decided anew. */
export const firstEpoch = (chance: number): Epoch =>
  nextEpoch(EPOCHS.first + Math.floor(chance * (EPOCHS.last - EPOCHS.first)));

/** What tells connections that were let through from those that have to be decided anew. */
export interface Standing {
  epoch: Epoch;
  /**
   * Peers about whom something changed within the epoch: their connections are decided anew, all others go on without.
   * So a change of a few peers leaves all chains as they are, and the kernel does not walk through them to check them.
   * While there are any, each packet pays for the look whether its peer is one: see `settled`.
   */
  fresh: ReadonlySet<string>;
}

/** No policy let anything through yet. */
export const NOTHING: Standing = { epoch: 0, fresh: new Set() };

/** More of them are a new epoch. */
const MOST_FRESH = 1000;
const FRESH = { 4: 'fresh4', 6: 'fresh6' } as const;

type Way = keyof typeof MINE;

const HALVES = {
  in: { mine: MINE.in, other: MINE.out, shift: 1 },
  out: { mine: MINE.out, other: MINE.in, shift: 65_536 },
} as const;

/** Where the peer stands in a packet that goes in a connection's direction, and in one that answers. */
const PEERS = { in: ['saddr', 'daddr'], out: ['daddr', 'saddr'] } as const;

/**
 * What a packet of a connection that goes on meets first, and nothing else; without rules while there are fresh peers. Of
 * what is forwarded, by the half that is asked; of this host's own, by its hook, both ways at once: of a connection that
 * somebody opened to the host, what comes asks and what goes answers.
 */
export const GOES_ON = { in: 'est_in', out: 'est_out', input: 'est_input', output: 'est_output' } as const;

const markOf = (way: Way, epoch: Epoch): string =>
  `0x${(epoch * HALVES[way].shift).toString(16).padStart(8, '0')}`;

const matchOf = (way: Way, epoch: Epoch): string =>
  `ct mark and ${HALVES[way].mine} == ${markOf(way, epoch)} ct state new,established`;

/** The chains that know the epoch. */
export function epochChains({ epoch, fresh }: Standing): Map<string, Chain> {
  const goOn = ([asks, answers]: readonly [Way, Way]): Chain => ({
    rules:
      fresh.size > 0
        ? []
        : [
            `ct direction original ${matchOf(asks, epoch)} accept`,
            `ct direction reply ${matchOf(answers, epoch)} accept`,
          ],
  });
  return new Map([
    [GOES_ON.input, goOn(['in', 'out'])],
    [GOES_ON.output, goOn(['out', 'in'])],
    ...(['in', 'out'] as const).flatMap((way): [string, Chain][] => {
      const { other } = HALVES[way];
      const mark = markOf(way, epoch);
      const [there, back] = PEERS[way];
      const goesOn = matchOf(way, epoch);
      // For marks other than none.
      const unlessFresh = (peer: string): Chain => ({
        rules: [
          `${goesOn} ip ${peer} != @${FRESH[4]} accept`,
          `${goesOn} ip6 ${peer} != @${FRESH[6]} accept`,
          // Related connections come with the mark of another.
          'ct state related meta l4proto { icmp, ipv6-icmp } accept',
        ],
      });
      return [
        [GOES_ON[way], { rules: fresh.size === 0 ? [`${goesOn} accept`] : [] }],
        [`fresh_${way}`, unlessFresh(there)],
        [`fresh_${way}_r`, unlessFresh(back)],
        // The second rule is for packets without a connection, which have no mark.
        [`yes_${way}`, { rules: [`ct mark set ct mark and ${other} or ${mark} accept`, 'accept'] }],
        // What is let through for a reason that is counted: its number is the packet's priority.
        [`told_${way}`, { rules: [`meta priority @${TALLY} goto yes_${way}`, `goto yes_${way}`] }],
        [`no_${way}`, { rules: [`ct mark set ct mark and ${other} drop`, 'drop'] }],
      ];
    }),
  ]);
}

const STAMP = 'stamp';

/** The digest and the epoch in a map of the table, so that they change with it and can be read back. */
export function stampElements(digest: string, epoch: Epoch): string[] {
  const words = Array.from({ length: 8 }, (_, at) => `0x${digest.slice(at * 7, at * 7 + 7)}`);
  return [...words, `0x${epoch.toString(16)}`].map((word, at) => `0x${at.toString(16)} : ${word}`);
}

const add = (map: string, elements: readonly string[]): string[] =>
  elements.length === 0 ? [] : [`add element ${TABLE} ${map} { ${elements.join(', ')} }`];

const drop = (map: string, keys: readonly string[]): string[] =>
  keys.length === 0 ? [] : [`delete element ${TABLE} ${map} { ${keys.join(', ')} }`];

const elementTexts = (elements: Iterable<readonly [string, string]>): string[] =>
  [...elements].map(([key, verdict]) => `${key} : ${verdict}`);

const chainText = (name: string, { hook, rules }: Chain): string =>
  `chain ${name} {\n${[...(hook ? [hook] : []), ...rules].map(line => `\t${line}\n`).join('')}}\n`;

const mapText = (name: string, { type, interval }: KernelMap): string =>
  `map ${name} { type ${type}; ${interval ? 'flags interval; ' : ''}}\n`;

/** Elements for the sets of fresh peers. */
const freshElements = (addresses: Iterable<string>): string[] => {
  const all = [...addresses];
  return [
    ...add(
      FRESH[4],
      all.filter(one => !one.includes(':')),
    ),
    ...add(
      FRESH[6],
      all.filter(one => one.includes(':')),
    ),
  ];
};

const tableText = (parts: readonly string[]): string =>
  parts.length === 0 ? '' : `table ${TABLE} {\n${parts.join('')}}\n`;

const declared = (maps: Iterable<readonly [string, KernelMap]>): string[] =>
  [...maps].map(([name, map]) => mapText(name, map));

const lines = (commands: readonly string[]): string => commands.map(line => `${line}\n`).join('');

/** Elements that are one piece of a script. */
const TOGETHER = 512;

/** The same as `add`, piece by piece. */
function* adding(map: string, elements: Iterable<string>): Generator<string> {
  let piece: string[] = [];
  let before = `add element ${TABLE} ${map} { `;
  let isEmpty = true;
  for (const element of elements) {
    isEmpty = false;
    if (piece.push(element) < TOGETHER) continue;
    yield before + piece.join(', ');
    piece = [];
    before = ', ';
  }
  if (!isEmpty) yield `${piece.length === 0 ? '' : before + piece.join(', ')} }\n`;
}

function* textsOf(elements: Iterable<readonly [string, string]>): Generator<string> {
  for (const [key, verdict] of elements) yield `${key} : ${verdict}`;
}

/** Everything, in one go, piece by piece; in place of whatever the table held before. */
export function* loadPieces(model: Model, { epoch, fresh }: Standing): Generator<string> {
  yield `add table ${TABLE}\ndelete table ${TABLE}\ntable ${TABLE} {\n`;
  yield [
    `map ${STAMP} { type mark : mark; }\n`,
    `set ${FRESH[4]} { type ipv4_addr; }\n`,
    `set ${FRESH[6]} { type ipv6_addr; }\n`,
    `set ${TALLY} { type classid; counter; }\n`,
    ...declared(model.maps),
  ].join('');
  for (const [name, chain] of new Map([...epochChains({ epoch, fresh }), ...model.chains]))
    yield chainText(name, chain);
  yield '}\n';
  for (const [name, { elements }] of model.maps) yield* adding(name, textsOf(elements));
  yield* adding(TALLY, model.counters);
  yield lines([...freshElements(fresh), ...add(STAMP, stampElements(model.digest, epoch))]);
}

export const loadText = (model: Model, standing: Standing): string =>
  [...loadPieces(model, standing)].join('');

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
  if (after.interval) return [`flush map ${TABLE} ${name}`, ...add(name, elementTexts(after.elements))];
  const gone = [...changes.keys()].filter(key => before.elements.has(key));
  const come = [...changes].flatMap(([key, value]): [string, string][] =>
    value === undefined ? [] : [[key, value]],
  );
  return [...drop(name, gone), ...add(name, elementTexts(come))];
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
        ...newMaps.flatMap(([name, { elements }]) => add(name, elementTexts(elements))),
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
