import type { NamespacePolicy, PolicyModel } from '../../../shared/core/policy.ts';
import { expressionMatches } from '../../../shared/core/tags.ts';
import type { ObjectId } from '../../../shared/schema/ids.ts';
import type { HostPolicy, LocalUnit } from '../data-plane.ts';
import { Judge } from './judge.ts';
import type { Loom } from './loom.ts';
import type { Elements } from './model.ts';
import type { Unchanged } from './same.ts';
import { Surroundings } from './surroundings.ts';
import { type Family, rangeOf } from './territories.ts';

const DIRECTIONS = { in: 'incoming', out: 'outgoing' } as const;
export type Way = keyof typeof DIRECTIONS;
export const WAYS = ['in', 'out'] as const satisfies readonly Way[];

/** Units of this host that every rule takes for the same. */
export interface Group {
  /** ID of its first unit: stays while the unit does. */
  id: ObjectId;
  units: readonly LocalUnit[];
  /** What tells its decisions from another's under one policy. */
  likeness: string;
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

/** Groups of an earlier policy, and the rulesets that are as they were in it. */
export interface Earlier {
  groups: readonly Group[];
  unchanged: Unchanged;
}

export function groupsOf(host: HostPolicy, model: PolicyModel, loom: Loom, earlier: Earlier): Group[] {
  const surroundings = new Map<string, Surroundings>();
  const units = host.units.filter(unit => !isIgnored(unit, host)).sort((a, b) => (a.ID < b.ID ? -1 : 1));
  const alike = Map.groupBy(units, unit => likeness(unit, model.at(unit.namespace)));
  return [...alike].flatMap(([likeness, members]): Group[] => {
    const [first] = members;
    if (!first) return [];
    const policy = model.at(first.namespace);
    const before = likest(earlier.groups, { policy, likeness, id: first.ID });
    const around =
      surroundings.get(first.namespace) ??
      (before?.surroundings.policy === policy ? before.surroundings : new Surroundings(policy));
    surroundings.set(first.namespace, around);
    const judge = (way: Way): Judge => {
      const made = new Judge(policy, policy.wire(first.tags), {
        loom,
        layer3Only: host.layer3Only,
        side: {
          direction: DIRECTIONS[way],
          namespace: policy.namespace,
          unit: first.cgroup === undefined ? undefined : first.ID,
        },
      });
      if (before) made.goOnFrom(before.judges[way], earlier.unchanged);
      return made;
    };
    const isAsBefore =
      before?.surroundings.policy === policy &&
      before.likeness === likeness &&
      before.judges.in.layer3Only === host.layer3Only;
    const judges = isAsBefore ? before.judges : { in: judge('in'), out: judge('out') };
    return [{ id: first.ID, units: members, likeness, surroundings: around, judges }];
  });
}

/** The earlier group that most is in common with: it was the same under the same policy, or its first unit is. */
const likest = (
  groups: readonly Group[],
  { policy, likeness, id }: { policy: NamespacePolicy; likeness: string; id: ObjectId },
): Group | undefined =>
  groups.find(one => one.surroundings.policy === policy && one.likeness === likeness) ??
  groups.find(one => one.id === id);

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
