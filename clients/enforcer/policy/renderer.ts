import { createHash } from 'node:crypto';
import { modelFromPayload } from '../../../shared/core/policy.ts';
import { type HostPolicy, LOG_GROUP, type LocalUnit } from '../data-plane.ts';
import { Classes } from './classes.ts';
import {
  FAMILIES,
  familyOf,
  type Group,
  groupsOf,
  intervals,
  isIgnored,
  PeerBook,
  WAYS,
  type Way,
} from './groups.ts';
import { type Dispatch, frame, PEER } from './hooks.ts';
import { Loom } from './loom.ts';
import { type Chain, type KernelMap, type Model, sameRules } from './model.ts';
import { Patched } from './patched.ts';
import { singleAddress } from './peers.ts';
import type { Family } from './territories.ts';

const TYPE = { 4: 'ipv4_addr', 6: 'ipv6_addr' } as const;

/** Everything but peers: what a change of peers alone leaves as it is. */
interface Base {
  key: string;
  loom: Loom;
  groups: readonly Group[];
  intervals: Map<string, KernelMap>;
  book: PeerBook;
  /** Chains that the loom held when it was new; it keeps those that nothing goes to any more. */
  born: number;
}

/** Makes `PolicyPayload`s and peers into what the kernel should hold. Keeps what the next policy has in common. */
export class Renderer {
  #base: Base | undefined;
  #singles = new Map<string, Singles>();
  #woven: Woven | undefined;
  readonly #classes = new Classes();
  readonly #logGroup: number;

  constructor(logGroup: number = LOG_GROUP) {
    this.#logGroup = logGroup;
  }

  render(policy: HostPolicy): Model {
    const base = this.#baseOf(policy);
    const fresh = this.#base !== base;
    const touched = base.book.update(policy.payloads['peers.json'].identities);
    const singles = new Map<string, KernelMap & { elements: Singles }>();
    for (const group of base.groups)
      for (const way of WAYS) this.#singlesOf(group, way, base, fresh ? undefined : touched, singles);
    if (fresh) base.born = base.loom.chains.size;
    this.#base = base;
    this.#singles = new Map([...singles].map(([name, { elements }]) => [name, elements]));
    const classes = base.groups.flatMap(group =>
      WAYS.map(way => [classesName(group, way), this.#classesOf(group, way)] as const),
    );
    const maps = new Map(
      [...base.intervals, ...singles, ...classes].filter(([, map]) => map.elements.size > 0),
    );
    const own = policy.lockdown ? new Map<string, Chain>() : unitChains(base.groups, maps);
    const woven = weave(
      this.#woven,
      base.loom,
      new Map([...own, ...frame(policy, dispatchOf(policy, base.groups))]),
    );
    this.#woven = woven;
    return {
      chains: woven.chains,
      maps,
      counters: woven.counters,
      meanings: base.loom.meanings,
      digest: digestOf(policy),
      warnings: warningsOf(policy),
    };
  }

  /** Every class that a peer of the group may have. */
  #classesOf({ judges }: Group, way: Way): KernelMap {
    const elements = new Map([...judges[way].verdicts].map(verdict => [this.#classes.of(verdict), verdict]));
    return { holds: 'classes', type: 'classid : verdict', interval: false, elements };
  }

  /** Forgets what it kept: the next model is made from nothing. */
  forget(): void {
    this.#base = undefined;
  }

  #baseOf(policy: HostPolicy): Base {
    const key = baseKey(policy);
    const known = this.#base;
    if (known?.key === key && known.loom.chains.size < 2 * known.born + 1000) return known;
    const loom = new Loom(this.#logGroup);
    const groups = groupsOf(policy, modelFromPayload(policy.payloads['policy.json']), loom);
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
    return { key, loom, groups, intervals: made, book: new PeerBook(), born: loom.chains.size };
  }

  /** `touched`: the only addresses that may have changed; absent: all of them are new. */
  #singlesOf(
    group: Group,
    way: Way,
    base: Base,
    touched: ReadonlySet<string> | undefined,
    into: Map<string, KernelMap & { elements: Singles }>,
  ): void {
    const earlier = (family: Family): Singles => this.#singles.get(singlesName(group, way, family)) ?? NONE;
    const changes = {
      4: new Map<string, string | undefined>(),
      6: new Map<string, string | undefined>(),
    };
    for (const address of touched ?? base.book.all(group)) {
      const family = familyOf(address);
      const verdict = base.book.verdict(address, group, way);
      const number = verdict === undefined ? undefined : this.#classes.of(verdict);
      if (touched && earlier(family).get(address) === number) continue;
      if (touched || number !== undefined) changes[family].set(address, number);
    }
    for (const family of FAMILIES) {
      const name = singlesName(group, way, family);
      const before = touched ? earlier(family) : NONE;
      into.set(name, changed(`${TYPE[family]} : classid`, before, changes[family]));
    }
  }
}

/** Addresses → classes. */
type Singles = Patched<string, string>;
const NONE: Singles = Patched.of(new Map());

/** The very same elements stay the same object, so that nobody has to compare them. */
function changed(
  type: string,
  earlier: Singles,
  changes: ReadonlyMap<string, string | undefined>,
): KernelMap & { elements: Singles } {
  if (changes.size === 0) return { holds: 'peers', type, interval: false, elements: earlier };
  const elements = earlier.with(changes);
  return { holds: 'peers', type, interval: false, elements, since: { earlier, changes } };
}

/** The chains of a model; the very same as before when none changed, so that nobody has to compare them. */
interface Woven {
  loom: Loom;
  /** Chains that the loom had: it only ever adds some. */
  size: number;
  /** Those of units and hooks. */
  own: ReadonlyMap<string, Chain>;
  chains: ReadonlyMap<string, Chain>;
  counters: ReadonlySet<string>;
}

function weave(earlier: Woven | undefined, loom: Loom, own: ReadonlyMap<string, Chain>): Woven {
  const isSame =
    earlier?.loom === loom &&
    earlier.size === loom.chains.size &&
    earlier.own.size === own.size &&
    [...own].every(([name, chain]) => sameRules(earlier.own.get(name), chain));
  if (isSame) return earlier;
  const chains = new Map([...loom.chains, ...own]);
  return { loom, size: loom.chains.size, own, chains, counters: new Set(loom.counters) };
}

const classesName = (group: Group, way: Way): string => `k_${group.id}_${way}`;
const singlesName = (group: Group, way: Way, family: Family): string => `p${family}_${group.id}_${way}`;

const baseKey = ({
  digests,
  units,
  profile,
  names,
  infrastructure,
  layer3Only,
  lockdown,
}: HostPolicy): string =>
  JSON.stringify([
    digests['policy.json'],
    units,
    profile,
    [...names].sort(),
    infrastructure,
    layer3Only,
    lockdown,
  ]);

/** 56 digits are what the kernel keeps in eight marks. */
const digestOf = (policy: HostPolicy): string =>
  createHash('sha256')
    .update(JSON.stringify([baseKey(policy), policy.digests['peers.json']]))
    .digest('hex')
    .slice(0, 56);

/** Of packets that no connection is known for only ICMP is decided; what is no part of one is dropped. */
const STRAYS = 'ct state invalid,untracked meta l4proto != { icmp, ipv6-icmp } drop';

function unitChains(groups: readonly Group[], maps: ReadonlyMap<string, KernelMap>): Map<string, Chain> {
  const chains = new Map<string, Chain>();
  for (const group of groups)
    for (const way of WAYS)
      for (const port of [way, `${way}_r`] as const) {
        const lookups = (kind: 'p' | 'n') =>
          FAMILIES.map(family => ({
            name: `${kind}${family}_${group.id}_${way}`,
            peer: `${family === 4 ? 'ip' : 'ip6'} ${PEER[port]}`,
          })).filter(({ name }) => maps.has(name));
        const singles = lookups('p').map(({ name, peer }) => `meta priority set ${peer} map @${name}`);
        chains.set(`u_${group.id}_${port}`, {
          rules: [
            STRAYS,
            ...(singles.length > 0
              ? ['meta priority set 0:0', ...singles, `meta priority vmap @${classesName(group, way)}`]
              : []),
            ...lookups('n').map(({ name, peer }) => `${peer} vmap @${name}`),
            group.judges[way].verdict([]),
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
      unit.cgroup === undefined ? [] : [{ path: unit.cgroup, ...verdicts(unit) }],
    ),
    host: verdicts(policy.units.find(unit => unit.isHost)),
  };
}

/** What could not be done as it was said. */
function warningsOf({ payloads, layer3Only, profile }: HostPolicy): string[] {
  const wildcards = payloads['policy.json'].externalNetworks.flatMap(({ name, entries }) =>
    entries
      .filter(entry => entry.startsWith('*.'))
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
