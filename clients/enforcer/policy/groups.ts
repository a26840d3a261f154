import type { NamespacePolicy, PolicyModel } from '../../../shared/core/policy.ts';
import { expressionMatches } from '../../../shared/core/tags.ts';
import type { HostPolicy, LocalUnit } from '../data-plane.ts';
import { Judge } from './judge.ts';
import type { Loom } from './loom.ts';
import type { Elements } from './model.ts';
import { Surroundings } from './surroundings.ts';
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
    const around = surroundings.get(first.namespace) ?? new Surroundings(policy);
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

export const familyOf = (address: string): Family => (address.includes(':') ? 6 : 4);
export { FAMILIES };
