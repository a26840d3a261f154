import { statfsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { KnownUnit } from './host-policy.ts';

/** Where nft looks for control groups, whatever is mounted elsewhere. */
export const PLACE = '/sys/fs/cgroup';
/** Source: linux/magic.h, CGROUP2_SUPER_MAGIC. */
const VERSION_2 = 0x63677270;

/** Tells a control group of a path from others: one that was made again under its name is another. Undefined: there is none. */
export type CgroupAt = (path: string) => string | undefined;

export const cgroupAt: CgroupAt = path => {
  try {
    const seen = statSync(join(PLACE, path), { bigint: true, throwIfNoEntry: false });
    return seen?.isDirectory() ? String(seen.ino) : undefined;
  } catch {
    return undefined;
  }
};

const isVersion2 = (): boolean => {
  try {
    return statfsSync(PLACE).type === VERSION_2;
  } catch {
    return false;
  }
};

/** Units as they are now: those of a control group with the very one that has the name at this moment. */
export const located = (units: readonly KnownUnit[], at: CgroupAt): KnownUnit[] =>
  units.map(({ cgroupID: _, ...unit }) => {
    const cgroupID = unit.cgroup === undefined ? undefined : at(unit.cgroup);
    return cgroupID === undefined ? unit : { ...unit, cgroupID };
  });

export const isAbsent = ({ cgroup, cgroupID }: KnownUnit): boolean =>
  cgroup !== undefined && cgroupID === undefined;

/** Of units that are told by control groups which are not there: nothing of theirs runs, or nobody can tell. */
export const absentWarnings = (units: readonly KnownUnit[], hasVersion2 = isVersion2): string[] =>
  units
    .filter(isAbsent)
    .map(
      ({ name, cgroup }) =>
        `processing unit \`${name}\`: there is no control group ${cgroup} below ${PLACE}` +
        (hasVersion2()
          ? '; its rules come with it, when its service is started'
          : ', which is not of version 2, so that nft finds none; boot with systemd.unified_cgroup_hierarchy=1'),
    );
