import type { PolicyPayload } from '../../../shared/schema/bundle.ts';
import type { HostPolicy } from '../data-plane.ts';
import { type Group, groupsOf, intervals, WAYS, type Way } from './groups.ts';
import type { Loom } from './loom.ts';
import type { KernelMap } from './model.ts';
import { Neighbourhood } from './neighbourhood.ts';
import type { Numbers } from './numbers.ts';
import { type Unchanged, unchanged } from './same.ts';
import { sharedModel } from './shared-model.ts';
import { FAMILIES, type Family } from './territories.ts';
import { warningsOf } from './warnings.ts';

export const TYPE = { 4: 'ipv4_addr', 6: 'ipv6_addr' } as const;

/** Everything but peers and where names lead: what a change of these alone leaves as it is. */
export interface Base {
  key: string;
  policy: PolicyPayload;
  groups: readonly Group[];
  neighbourhoods: readonly Neighbourhood[];
  intervals: ReadonlyMap<string, KernelMap>;
  /** Whoever's class is none: where packets go that nothing else decides. */
  nobody: ReadonlyMap<string, string>;
  warnings: readonly string[];
}

export const sideName = (group: Group, way: Way): string => `${group.id}_${way}`;
export const classesName = (group: Group, way: Way): string => `k_${sideName(group, way)}`;
export const singlesName = ({ id }: Neighbourhood, family: Family): string => `p${family}_${id}`;
export const territoriesName = (group: Group, way: Way, family: Family): string =>
  `n${family}_${sideName(group, way)}`;

export const baseKey = ({
  digests,
  units,
  profile,
  infrastructure,
  layer3Only,
  lockdown,
}: HostPolicy): string =>
  JSON.stringify([digests['policy.json'], units, profile, infrastructure, layer3Only, lockdown]);

const NONE: Unchanged = { has: () => false };

/** Goes on from an earlier one with all that is the same in both; that is of no use then. */
export function baseOf(
  host: HostPolicy,
  { loom, numbers }: { loom: Loom; numbers: Numbers },
  earlier: Base | undefined,
): Base {
  const policy = host.payloads['policy.json'];
  const groups = groupsOf(host, sharedModel(policy), loom, {
    groups: earlier?.groups ?? [],
    unchanged: earlier ? unchanged(earlier.policy.rulesets, policy.rulesets) : NONE,
  });
  const before = new Map(earlier?.neighbourhoods.map(one => [one.surroundings.policy.namespace.path, one]));
  const neighbourhoods = [...Map.groupBy(groups, ({ surroundings }) => surroundings)].map(
    ([surroundings, members]) => {
      const known = before.get(surroundings.policy.namespace.path);
      return known?.isOf(surroundings, members)
        ? known.with(members)
        : new Neighbourhood(surroundings, members, numbers, known);
    },
  );
  const sides = groups.flatMap(group => WAYS.map(way => ({ group, way })));
  return {
    key: baseKey(host),
    policy,
    groups,
    neighbourhoods,
    nobody: new Map(sides.map(({ group, way }) => [sideName(group, way), group.judges[way].verdict([])])),
    intervals: new Map(
      sides.flatMap(({ group, way }) =>
        FAMILIES.map((family): [string, KernelMap] => [
          territoriesName(group, way, family),
          {
            holds: 'territories',
            type: `${TYPE[family]} : verdict`,
            interval: true,
            elements: intervals(group, way, family),
          },
        ]),
      ),
    ),
    warnings: warningsOf(host),
  };
}
