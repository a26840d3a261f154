import type { HostPolicy, LocalUnit } from '../data-plane.ts';
import { singleAddress } from './addresses.ts';
import { type Base, classesName, sideName, singlesName, territoriesName } from './base.ts';
import { type Group, isIgnored, WAYS } from './groups.ts';
import { type Dispatch, PEER } from './hooks.ts';
import type { Chain, KernelMap } from './model.ts';
import type { Family } from './territories.ts';
import { FAMILIES } from './territories.ts';

/** Of packets that no connection is known for only ICMP is decided; what is no part of one is dropped. */
const STRAYS = 'ct state invalid,untracked meta l4proto != { icmp, ipv6-icmp } drop';

/**
 * In IPv6 connection tracking looks through a header of authentication at what it holds, and rules don't. To allow the one would open a
 * connection of the other.
 */
const SEEN_THROUGH = 'meta l4proto ah ct original protocol != ah drop';

/** Chains of units, by group and direction. */
export function unitChains(
  { neighbourhoods, nobody }: Pick<Base, 'neighbourhoods' | 'nobody'>,
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
              SEEN_THROUGH,
              ...(singles.length > 0 && maps.has(said)
                ? ['meta priority set 0:0', ...singles, `meta priority vmap @${said}`]
                : []),
              ...lookups(family => territoriesName(group, way, family)).map(
                ({ name, peer }) => `${peer} vmap @${name}`,
              ),
              nobody.get(sideName(group, way)) ?? 'drop',
            ],
          });
        }
  return chains;
}

/** Where packets of each unit are decided. */
export function dispatchOf(policy: HostPolicy, groups: readonly Group[]): Dispatch {
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
