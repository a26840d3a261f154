import { createHash } from 'node:crypto';
import { PeerList } from '../../../shared/core/peer-list.ts';
import type { Peer } from '../../../shared/schema/bundle.ts';
import { isWildcardName } from '../../../shared/schema/network-entry.ts';
import { type HostPolicy, LOG_GROUP, type LocalUnit } from '../data-plane.ts';
import { singleAddress } from './addresses.ts';
import { Buckets } from './buckets.ts';
import { ClassMap } from './class-map.ts';
import { FAMILIES, familyOf, type Group, groupsOf, intervals, isIgnored, WAYS, type Way } from './groups.ts';
import { type Dispatch, frame, PEER } from './hooks.ts';
import { type Led, ledSince } from './led.ts';
import { Loom } from './loom.ts';
import { type Chain, type Counters, type KernelMap, type Model, sameRules } from './model.ts';
import { Neighbourhood } from './neighbourhood.ts';
import { NumberMap } from './number-map.ts';
import { Numbers, numberIn } from './numbers.ts';
import { sharedModel } from './shared-model.ts';
import type { Family } from './territories.ts';

const NOWHERE: HostPolicy['names'] = new Map();
const TYPE = { 4: 'ipv4_addr', 6: 'ipv6_addr' } as const;

/** Everything but peers and where names lead: what a change of these alone leaves as it is. */
interface Base {
  key: string;
  loom: Loom;
  groups: readonly Group[];
  neighbourhoods: readonly Neighbourhood[];
  intervals: Map<string, KernelMap>;
  /** What the neighbourhoods know of. */
  known: Known | undefined;
  /** Whoever's class is none: where packets go that nothing else decides. */
  nobody: ReadonlyMap<string, string>;
  warnings: readonly string[];
}

/** What has addresses. */
interface Known {
  peers: PeerList;
  names: HostPolicy['names'];
}

/** Peers of one neighbourhood, as they are now. */
interface Standing {
  singles: Record<Family, ClassMap>;
  /** Class → how many addresses are of it. */
  uses: Map<string, number>;
  /** Of each group and way; made anew when a class comes or goes. */
  said: ReadonlyMap<string, Said>;
}

/** What is said to the classes of one neighbourhood, by a group in one direction. */
interface Said {
  map: KernelMap;
  chains: ReadonlyMap<string, Chain>;
}

/** Makes `PolicyPayload`s and peers into what the kernel should hold. Keeps what the next policy has in common. */
export class Renderer {
  #base: Base | undefined;
  #standing = new Map<string, Standing>();
  #buckets = new Map<string, Buckets>();
  #woven: Woven | undefined;
  readonly #numbers = new Numbers();
  readonly #logGroup: number;

  constructor(logGroup: number = LOG_GROUP) {
    this.#logGroup = logGroup;
  }

  render(policy: HostPolicy): Model {
    const base = this.#baseOf(policy);
    const peers = PeerList.of(policy.payloads['peers.json']);
    const { names } = policy;
    const changes = base.known && changesOf(base.known, { peers, names });
    const standing = new Map<string, Standing>();
    const singles: [string, KernelMap][] = [];
    for (const around of base.neighbourhoods) {
      const before = changes && this.#standing.get(around.id);
      if (!changes) {
        around.residents.fill(peers);
        around.residents.fill(ledSince(NOWHERE, names).come);
      }
      const touched = changes ? around.residents.change(changes) : around.residents.addresses();
      const { stands, maps } = this.#peersOf(around, before, touched);
      standing.set(around.id, stands);
      singles.push(...maps);
    }
    base.known = { peers, names };
    this.#base = base;
    this.#standing = standing;
    const said = new Map([...standing.values()].flatMap(one => [...one.said]));
    const maps = new Map(
      [...base.intervals, ...singles, ...[...said].map(([name, { map }]) => [name, map] as const)].filter(
        ([, map]) => map.elements.size > 0,
      ),
    );
    const own = policy.lockdown ? new Map<string, Chain>() : unitChains(base, maps);
    const woven = weave(this.#woven, base.loom, {
      said: [...said.values()].map(({ chains }) => chains),
      own: new Map([...own, ...frame(policy, dispatchOf(policy, base.groups), this.#logGroup)]),
    });
    this.#woven = woven;
    base.loom.rest();
    for (const { judges } of base.groups) for (const way of WAYS) judges[way].rest();
    return {
      chains: woven.chains,
      maps,
      counters: woven.counters,
      meanings: base.loom.ends,
      digest: digestOf(policy),
      warnings: base.warnings,
    };
  }

  /** Forgets what it kept: the next model is made from nothing. */
  forget(): void {
    this.#base = undefined;
  }

  #baseOf(policy: HostPolicy): Base {
    const key = baseKey(policy);
    if (this.#base?.key === key) return this.#base;
    const loom = new Loom(this.#logGroup, this.#numbers);
    const groups = groupsOf(policy, sharedModel(policy.payloads['policy.json']), loom);
    const neighbourhoods = [...Map.groupBy(groups, ({ surroundings }) => surroundings)].map(
      ([surroundings, members]) => new Neighbourhood(surroundings, members, this.#numbers),
    );
    const nobody = new Map(
      groups.flatMap(group =>
        WAYS.map(way => [sideName(group, way), group.judges[way].verdict([])] as const),
      ),
    );
    const made = new Map<string, KernelMap>();
    for (const group of groups)
      for (const way of WAYS)
        for (const family of FAMILIES) {
          const elements = intervals(group, way, family);
          made.set(`n${family}_${group.id}_${way}`, {
            holds: 'territories',
            type: `${TYPE[family]} : verdict`,
            interval: true,
            elements,
          });
        }
    const names = new Set(groups.flatMap(group => WAYS.map(way => classesName(group, way))));
    for (const name of this.#buckets.keys()) if (!names.has(name)) this.#buckets.delete(name);
    const warnings = warningsOf(policy);
    return { key, loom, groups, neighbourhoods, intervals: made, known: undefined, nobody, warnings };
  }

  /** `touched`: the only addresses that may have changed since `before`, some of them twice. */
  #peersOf(
    around: Neighbourhood,
    before: Standing | undefined,
    touched: Iterable<string>,
  ): { stands: Standing; maps: [string, KernelMap][] } {
    const uses = new Map(before?.uses);
    const use = (number: string | undefined, more: 1 | -1): void => {
      if (number !== undefined) uses.set(number, (uses.get(number) ?? 0) + more);
    };
    const changes = { 4: new Map<string, string | undefined>(), 6: new Map<string, string | undefined>() };
    for (const address of touched) {
      const family = familyOf(address);
      const earlier = before?.singles[family].get(address);
      const number = around.classAt(address)?.number;
      if (number === earlier || changes[family].has(address)) continue;
      changes[family].set(address, number);
      use(earlier, -1);
      use(number, 1);
    }
    for (const [number, count] of uses) if (count === 0) uses.delete(number);
    const isSame =
      before && before.uses.size === uses.size && [...uses.keys()].every(one => before.uses.has(one));
    const maps = FAMILIES.map(family => {
      const map = changed(`${TYPE[family]} : classid`, before?.singles[family], changes[family]);
      return { name: singlesName(around, family), map };
    });
    const [four, six] = maps.map(({ map }) => map.elements);
    const singles = { 4: four ?? ClassMap.NONE, 6: six ?? ClassMap.NONE };
    const said = isSame ? before.said : this.#saidIn(around, [...uses.keys()]);
    return { stands: { singles, uses, said }, maps: maps.map(({ name, map }) => [name, map]) };
  }

  /** What each group says to each class. */
  #saidIn(around: Neighbourhood, numbers: string[]): Map<string, Said> {
    const classes = numbers.sort().flatMap(number => around.byNumber(number) ?? []);
    return new Map(
      around.groups.flatMap(group =>
        WAYS.map((way): [string, Said] => {
          const judge = group.judges[way];
          const woven = new Map(
            classes
              .filter(({ own }) => judge.names(own))
              .map(({ number, all }) => [number, judge.weave(all)] as const),
          );
          const name = classesName(group, way);
          const buckets = this.#buckets.get(name) ?? new Buckets();
          this.#buckets.set(name, buckets);
          const { chains, at } = buckets.fill(woven, number =>
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
          return [name, { map, chains }];
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

/** The very same elements stay the same object, so that nobody has to compare them. */
function changed(
  type: string,
  earlier: ClassMap | undefined,
  changes: ReadonlyMap<string, string | undefined>,
): KernelMap & { elements: ClassMap } {
  if (!earlier) return { holds: 'peers', type, interval: false, elements: ClassMap.of(changes) };
  if (changes.size === 0) return { holds: 'peers', type, interval: false, elements: earlier };
  const elements = earlier.with(changes);
  return { holds: 'peers', type, interval: false, elements, since: { earlier, changes } };
}

/** The chains of a model; the very same as before when none changed, so that nobody has to compare them. */
interface Woven {
  loom: Loom;
  /** Chains and counters that the loom had: it only ever adds some. */
  size: number;
  /** Those of classes. */
  said: readonly ReadonlyMap<string, Chain>[];
  /** Those of units and hooks. */
  own: ReadonlyMap<string, Chain>;
  chains: ReadonlyMap<string, Chain>;
  counters: Counters;
}

function weave(earlier: Woven | undefined, loom: Loom, { said, own }: Pick<Woven, 'said' | 'own'>): Woven {
  const size = loom.chains.size + loom.ends.size;
  const isSame =
    earlier?.loom === loom &&
    earlier.size === size &&
    earlier.said.length === said.length &&
    earlier.said.every((one, at) => one === said[at]) &&
    earlier.own.size === own.size &&
    [...own].every(([name, chain]) => sameRules(earlier.own.get(name), chain));
  if (isSame) return earlier;
  const chains = new Map([...loom.chains, ...said.flatMap(one => [...one]), ...own]);
  return { loom, size, said, own, chains, counters: loom.ends.counters };
}

const sideName = (group: Group, way: Way): string => `${group.id}_${way}`;
const classesName = (group: Group, way: Way): string => `k_${sideName(group, way)}`;
const singlesName = ({ id }: Neighbourhood, family: Family): string => `p${family}_${id}`;

const baseKey = ({ digests, units, profile, infrastructure, layer3Only, lockdown }: HostPolicy): string =>
  JSON.stringify([digests['policy.json'], units, profile, infrastructure, layer3Only, lockdown]);

/** 56 digits are what the kernel keeps in eight marks. */
const digestOf = (policy: HostPolicy): string =>
  createHash('sha256')
    .update(JSON.stringify([baseKey(policy), [...policy.names].sort(), policy.digests['peers.json']]))
    .digest('hex')
    .slice(0, 56);

/** Of packets that no connection is known for only ICMP is decided; what is no part of one is dropped. */
const STRAYS = 'ct state invalid,untracked meta l4proto != { icmp, ipv6-icmp } drop';

function unitChains(
  { neighbourhoods, nobody }: Base,
  maps: ReadonlyMap<string, KernelMap>,
): Map<string, Chain> {
  const chains = new Map<string, Chain>();
  for (const around of neighbourhoods)
    for (const group of around.groups)
      for (const way of WAYS)
        for (const port of [way, `${way}_r`] as const) {
          const lookups = (name: (family: Family) => string) =>
            FAMILIES.map(family => ({
              name: name(family),
              peer: `${family === 4 ? 'ip' : 'ip6'} ${PEER[port]}`,
            })).filter(one => maps.has(one.name));
          const singles = lookups(family => singlesName(around, family)).map(
            ({ name, peer }) => `meta priority set ${peer} map @${name}`,
          );
          const said = classesName(group, way);
          chains.set(`u_${group.id}_${port}`, {
            rules: [
              STRAYS,
              ...(singles.length > 0 && maps.has(said)
                ? ['meta priority set 0:0', ...singles, `meta priority vmap @${said}`]
                : []),
              ...lookups(family => `n${family}_${sideName(group, way)}`).map(
                ({ name, peer }) => `${peer} vmap @${name}`,
              ),
              nobody.get(sideName(group, way)) ?? 'drop',
            ],
          });
        }
  return chains;
}

function dispatchOf(policy: HostPolicy, groups: readonly Group[]): Dispatch {
  const groupOf = new Map(groups.flatMap(group => group.units.map(unit => [unit.ID, group.id] as const)));
  const verdicts = (unit: LocalUnit | undefined) => {
    if (!unit || isIgnored(unit, policy))
      return { in: 'accept', in_r: 'accept', out: 'accept', out_r: 'accept' };
    if (policy.lockdown) return { in: 'drop', in_r: 'drop', out: 'drop', out_r: 'drop' };
    const to = (port: string) => `goto u_${groupOf.get(unit.ID)}_${port}`;
    return { in: to('in'), in_r: to('in_r'), out: to('out'), out_r: to('out_r') };
  };
  const addresses = policy.units
    .filter(unit => unit.cgroup === undefined && !unit.isHost)
    .flatMap(unit =>
      unit.addresses.flatMap(address => {
        const single = singleAddress(address);
        return single ? [[single.text, { family: single.family, ...verdicts(unit) }] as const] : [];
      }),
    );
  return {
    addresses: new Map(addresses),
    cgroups: policy.units.flatMap(unit =>
      unit.cgroup === undefined ? [] : [{ path: unit.cgroup, id: unit.cgroupID, ...verdicts(unit) }],
    ),
    host: verdicts(policy.units.find(unit => unit.isHost)),
  };
}

/** What could not be done as it was said. */
function warningsOf({ payloads, layer3Only, profile }: HostPolicy): string[] {
  const wildcards = payloads['policy.json'].externalNetworks.flatMap(({ name, entries }) =>
    entries
      .filter(isWildcardName)
      .map(entry => `external network \`${name}\`: \`${entry}\` holds only names that were asked for here`),
  );
  const ports = layer3Only
    ? payloads['policy.json'].rulesets
        .filter(({ incomingRules, outgoingRules }) =>
          [...incomingRules, ...outgoingRules].some(rule =>
            rule.protocolPorts.some(text => text.includes('/')),
          ),
        )
        .map(({ name }) => `ruleset \`${name}\`: its ports are not looked at, because the host has Istio`)
    : [];
  const networks =
    profile && profile.targetNetworks.length > 0
      ? [
          `profile \`${profile.name}\`: targetNetworks change nothing, because peers are told by their addresses`,
        ]
      : [];
  return [...wildcards, ...ports, ...networks];
}
