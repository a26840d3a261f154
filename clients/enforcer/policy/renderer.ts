import { createHash } from 'node:crypto';
import { PeerList } from '../../../shared/core/peer-list.ts';
import type { Peer } from '../../../shared/schema/bundle.ts';
import { type HostPolicy, LOG_GROUP } from '../data-plane.ts';
import { type Base, baseKey, baseOf, classesName, singlesName, TYPE } from './base.ts';
import { Buckets } from './buckets.ts';
import { ClassMap } from './class-map.ts';
import { WAYS } from './groups.ts';
import { frame } from './hooks.ts';
import { type Led, ledSince } from './led.ts';
import { Loom } from './loom.ts';
import type { Chain, KernelMap, Model } from './model.ts';
import type { Neighbourhood, PeerClass } from './neighbourhood.ts';
import { NumberMap } from './number-map.ts';
import { Numbers, numberIn } from './numbers.ts';
import { FAMILIES, type Family, familyOf } from './territories.ts';
import { dispatchOf, unitChains } from './unit-chains.ts';
import { type Said, type Woven, weave } from './woven.ts';

const NOWHERE: HostPolicy['names'] = new Map();

/** What has addresses. */
interface Known {
  peers: PeerList;
  names: HostPolicy['names'];
}

/** Address → class. */
type Peers = KernelMap & { elements: ClassMap };

/** Peers of one neighbourhood, as they are now. */
interface Standing {
  singles: Record<Family, Peers>;
  /** Class → how many addresses are of it. */
  uses: Map<string, number>;
  /** Of each group and way; made anew when a class comes or goes. */
  said: ReadonlyMap<string, Said>;
}

/** Makes `PolicyPayload`s and peers into what the kernel should hold. Keeps what the next policy has in common. */
export class Renderer {
  #base: Base | undefined;
  /** What the neighbourhoods know of. */
  #known: Known | undefined;
  #standing = new Map<string, Standing>();
  #buckets = new Map<string, Buckets>();
  #woven: Woven | undefined;
  #loom: Loom;
  readonly #numbers = new Numbers();
  readonly #logGroup: number;

  constructor(logGroup: number = LOG_GROUP) {
    this.#logGroup = logGroup;
    this.#loom = new Loom(logGroup, this.#numbers);
  }

  render(policy: HostPolicy): Model {
    try {
      return this.#render(policy);
    } catch (error) {
      this.forget();
      throw error;
    }
  }

  /** Forgets what it kept: the next model is made from nothing. */
  forget(): void {
    this.#base = undefined;
    this.#known = undefined;
    this.#woven = undefined;
    this.#standing = new Map();
    this.#buckets = new Map();
    this.#loom = new Loom(this.#logGroup, this.#numbers);
  }

  #render(policy: HostPolicy): Model {
    const base = this.#baseOf(policy);
    const now = { peers: PeerList.of(policy.payloads['peers.json']), names: policy.names };
    const changes = this.#known && changesOf(this.#known, now);
    const isNew = base !== this.#base;
    const standing = new Map<string, Standing>();
    for (const around of base.neighbourhoods) {
      const before = this.#standing.get(around.id);
      const kept = isNew ? around.kept : 'classes';
      const moved = changes && kept !== 'nothing' ? around.residents.change(changes) : settle(around, now);
      const touched = kept === 'classes' ? moved : everywhere(around, before);
      standing.set(around.id, before ? this.#next(around, { before, touched, isNew }) : this.#first(around));
    }
    this.#known = now;
    this.#base = base;
    this.#standing = standing;
    const said = new Map([...standing.values()].flatMap(one => [...one.said]));
    const maps = new Map(
      [
        ...base.intervals,
        ...singlesOf(base, standing),
        ...[...said].map(([name, { map }]) => [name, map] as const),
      ].filter(([, map]) => map.elements.size > 0),
    );
    const own = policy.lockdown ? new Map<string, Chain>() : unitChains(base, maps);
    this.#woven = weave(this.#woven, this.#loom, {
      base,
      said: [...said.values()],
      own: new Map([...own, ...frame(policy, dispatchOf(policy, base.groups), this.#logGroup)]),
    });
    for (const { judges } of base.groups) for (const way of WAYS) judges[way].rest();
    for (const around of base.neighbourhoods) around.rest();
    return {
      chains: this.#woven.chains,
      maps,
      counters: this.#woven.counters,
      meanings: this.#loom.ends,
      digest: digestOf(policy),
      warnings: base.warnings,
    };
  }

  #baseOf(policy: HostPolicy): Base {
    if (this.#base?.key === baseKey(policy)) return this.#base;
    const made = baseOf(policy, { loom: this.#loom, numbers: this.#numbers }, this.#base);
    const names = new Set(made.groups.flatMap(group => WAYS.map(way => classesName(group, way))));
    for (const name of this.#buckets.keys()) if (!names.has(name)) this.#buckets.delete(name);
    return made;
  }

  /** Of a neighbourhood of which nothing is known. */
  #first(around: Neighbourhood): Standing {
    const uses = new Map<string, number>();
    const count = ({ number }: PeerClass) => uses.set(number, (uses.get(number) ?? 0) + 1);
    const peers = (family: Family) => peersMap(family, ClassMap.around(around.classes(family, count)));
    const singles = { 4: peers(4), 6: peers(6) };
    return { singles, uses, said: this.#saidIn(around, [...uses.keys()]) };
  }

  /** `touched`: the only addresses that may have changed since `before`, some of them twice. */
  #next(
    around: Neighbourhood,
    { before, touched, isNew }: { before: Standing; touched: Iterable<string>; isNew: boolean },
  ): Standing {
    const uses = new Map(before.uses);
    const use = (number: string | undefined, more: 1 | -1): void => {
      if (number !== undefined) uses.set(number, (uses.get(number) ?? 0) + more);
    };
    const changes = { 4: new Map<string, string | undefined>(), 6: new Map<string, string | undefined>() };
    for (const address of touched) {
      const family = familyOf(address);
      const earlier = before.singles[family].elements.get(address);
      const number = around.classAt(address)?.number;
      if (number === earlier || changes[family].has(address)) continue;
      changes[family].set(address, number);
      use(earlier, -1);
      use(number, 1);
    }
    for (const [number, count] of uses) if (count === 0) uses.delete(number);
    const isSame =
      (!isNew || around.kept === 'classes') &&
      before.uses.size === uses.size &&
      [...uses.keys()].every(one => before.uses.has(one));
    const peers = (family: Family) => changed(family, before.singles[family].elements, changes[family]);
    const known = isSame ? before.said : undefined;
    const said = known && !isNew ? known : this.#saidIn(around, [...uses.keys()], known);
    return { singles: { 4: peers(4), 6: peers(6) }, uses, said };
  }

  /** What each group says to each class. `known`: to the same classes, before. */
  #saidIn(around: Neighbourhood, numbers: string[], known?: ReadonlyMap<string, Said>): Map<string, Said> {
    const classes = numbers.sort().flatMap(number => around.byNumber(number) ?? []);
    return new Map(
      around.groups.flatMap(group =>
        WAYS.map((way): [string, Said] => {
          const judge = group.judges[way];
          const earlier = known?.get(classesName(group, way));
          if (earlier && judge.saysAs(earlier.judge)) return [classesName(group, way), { ...earlier, judge }];
          const woven = new Map(
            classes
              .filter(({ own }) => judge.names(own))
              .map(({ number, all }) => [number, judge.weave(all)] as const),
          );
          const name = classesName(group, way);
          const buckets = this.#buckets.get(name) ?? new Buckets();
          this.#buckets.set(name, buckets);
          const { chains, at, ends } = buckets.fill(woven, number =>
            judge.rules(around.byNumber(number)?.all ?? []),
          );
          const means = NumberMap.of([...woven].map(([number, { hash }]) => [numberIn(number), hash]));
          const map = {
            holds: 'classes',
            type: 'classid : verdict',
            interval: false,
            elements: at,
            means,
          } as const;
          return [name, { judge, map, chains, ends }];
        }),
      ),
    );
  }
}

/** Peers and names that lead to addresses: those that differ. */
function changesOf(before: Known, now: Known): { gone: (Peer | Led)[]; come: (Peer | Led)[] } {
  const [peers, names] = [now.peers.since(before.peers), ledSince(before.names, now.names)];
  return { gone: [...peers.gone, ...names.gone], come: [...peers.come, ...names.come] };
}

/** Has a neighbourhood that knows of none learn of all peers and names. */
function settle({ residents }: Neighbourhood, { peers, names }: Known): Iterable<string> {
  residents.fill(peers);
  residents.fill(ledSince(NOWHERE, names).come);
  return residents.addresses();
}

/** Every address that has a class or had one, some of them twice. */
function* everywhere({ residents }: Neighbourhood, before: Standing | undefined): Generator<string> {
  yield* residents.addresses();
  for (const family of FAMILIES) yield* before?.singles[family].elements.keys() ?? [];
}

const peersMap = (family: Family, elements: ClassMap): Peers => ({
  holds: 'peers',
  type: `${TYPE[family]} : classid`,
  interval: false,
  elements,
});

/** The very same elements stay the same object, so that nobody has to compare them. */
function changed(family: Family, earlier: ClassMap, changes: ReadonlyMap<string, string | undefined>): Peers {
  if (changes.size === 0) return peersMap(family, earlier);
  return { ...peersMap(family, earlier.with(changes)), since: { earlier, changes } };
}

const singlesOf = (
  { neighbourhoods }: Base,
  standing: ReadonlyMap<string, Standing>,
): [string, KernelMap][] =>
  neighbourhoods.flatMap(around =>
    FAMILIES.flatMap((family): [string, KernelMap][] => {
      const map = standing.get(around.id)?.singles[family];
      return map ? [[singlesName(around, family), map]] : [];
    }),
  );

/** 56 digits are what the kernel keeps in eight marks. */
const digestOf = (policy: HostPolicy): string =>
  createHash('sha256')
    .update(JSON.stringify([baseKey(policy), [...policy.names].sort(), policy.digests['peers.json']]))
    .digest('hex')
    .slice(0, 56);
