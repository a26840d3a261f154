import type { NamespacePolicy, PolicyModel } from '../../../shared/core/policy.ts';
import { expressionMatches } from '../../../shared/core/tags.ts';
import type { HostPolicy, LocalUnit } from '../data-plane.ts';
import { Judge } from './judge.ts';
import type { Loom } from './loom.ts';
import type { Elements } from './model.ts';
import type { Neighbourhood, PeerClass } from './neighbourhood.ts';
import { type Identity, Residents, Surroundings } from './peers.ts';
import { FAMILIES, type Family, rangeOf } from './territories.ts';

const DIRECTIONS = { in: 'incoming', out: 'outgoing' } as const;
export type Way = keyof typeof DIRECTIONS;
export const WAYS = ['in', 'out'] as const satisfies readonly Way[];

/** Units of this host that every rule takes for the same. */
export interface Group {
  /** ID of its first unit: stays while the unit does. */
  id: string;
  units: readonly LocalUnit[];
  surroundings: Surroundings;
  judges: Readonly<Record<Way, Judge>>;
}

/** The profile leaves these wholly alone. */
export const isIgnored = (unit: LocalUnit, { profile }: HostPolicy): boolean =>
  profile !== undefined && expressionMatches(profile.ignoreExpression, unit.tags);

/** What tells a unit's decisions from another's. */
function likeness(unit: LocalUnit, policy: NamespacePolicy): string {
  const clauses = policy.clauses(policy.wire(unit.tags));
  return JSON.stringify([unit.namespace, unit.cgroup === undefined ? '' : unit.ID, clauses]);
}

export function groupsOf(host: HostPolicy, model: PolicyModel, loom: Loom): Group[] {
  const surroundings = new Map<string, Surroundings>();
  const units = host.units.filter(unit => !isIgnored(unit, host)).sort((a, b) => (a.ID < b.ID ? -1 : 1));
  const alike = Map.groupBy(units, unit => likeness(unit, model.at(unit.namespace)));
  return [...alike.values()].flatMap((members): Group[] => {
    const [first] = members;
    if (!first) return [];
    const policy = model.at(first.namespace);
    const around = surroundings.get(first.namespace) ?? new Surroundings(policy, host.names);
    surroundings.set(first.namespace, around);
    const judge = (way: Way): Judge =>
      new Judge(policy, policy.wire(first.tags), {
        loom,
        layer3Only: host.layer3Only,
        side: {
          direction: DIRECTIONS[way],
          namespace: policy.namespace,
          unit: first.cgroup === undefined ? undefined : first.ID,
        },
      });
    return [
      { id: first.ID, units: members, surroundings: around, judges: { in: judge('in'), out: judge('out') } },
    ];
  });
}

/** Verdicts by stretches of addresses. Stretches that are decided as if no network held them are left out. */
export function intervals({ surroundings, judges }: Group, way: Way, family: Family): Elements {
  const judge = judges[way];
  const nobody = judge.verdict([]);
  const runs: { from: bigint; to: bigint; verdict: string }[] = [];
  for (const { from, to, clauses } of surroundings.territories(family)) {
    if (!judge.names(clauses)) continue;
    const verdict = judge.verdict(clauses);
    if (verdict === nobody) continue;
    const last = runs.at(-1);
    if (last && last.to + 1n === from && last.verdict === verdict) last.to = to;
    else runs.push({ from, to, verdict });
  }
  return new Map(runs.map(run => [rangeOf(family, run), run.verdict]));
}

/** Peers of all groups, kept from one policy to the next. */
export class PeerBook {
  readonly #residents = new Residents();
  #identities: readonly Identity[] = [];

  /** Takes over the list, which is sorted by ID, and tells the addresses at which something changed. */
  update(identities: readonly Identity[]): Set<string> {
    const touched = new Set<string>();
    const note = (texts: readonly string[]): void => {
      for (const text of texts) touched.add(text);
    };
    const before = this.#identities;
    let [a, b] = [0, 0];
    while (a < before.length || b < identities.length) {
      const [old, fresh] = [before[a], identities[b]];
      if (old && fresh && old.ID === fresh.ID) {
        if (!sameIdentity(old, fresh)) {
          note(this.#residents.remove(old));
          note(this.#residents.add(fresh));
        }
        a++;
        b++;
      } else if (old && (!fresh || old.ID < fresh.ID)) {
        note(this.#residents.remove(old));
        a++;
      } else if (fresh) {
        note(this.#residents.add(fresh));
        b++;
      }
    }
    this.#identities = identities;
    return touched;
  }

  /** Every address that may need a class. */
  all({ surroundings }: Neighbourhood): Set<string> {
    return new Set([...this.#residents.addresses(), ...surroundings.named.keys()]);
  }

  /** The class of who is at the address; undefined when nobody is whom a rule asks for. */
  classAt(address: string, around: Neighbourhood): PeerClass | undefined {
    const residents = this.#residents.at(address);
    const [only] = residents;
    const clauses =
      only && residents.length === 1
        ? around.clauses(only.tags)
        : residents.flatMap(({ tags }) => around.clauses(tags));
    return around.classOf(address, clauses);
  }
}

const sameList = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((one, at) => one === b[at]);

const sameIdentity = (a: Identity, b: Identity): boolean =>
  a.namespace === b.namespace && sameList(a.addresses, b.addresses) && sameList(a.tags, b.tags);

export const familyOf = (address: string): Family => (address.includes(':') ? 6 : 4);
export { FAMILIES };
