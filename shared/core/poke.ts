import { type Enforcer, LIFE, lostAt, type ReportedBundle } from '../schema/enforcer.ts';
import type { ProcessingUnit } from '../schema/processingunit.ts';

/** What an agent says of itself with a poke; what is absent stays as it was said before. */
export interface Said {
  operationalStatus?: Enforcer['operationalStatus'];
  enforcementStatus?: Enforcer['enforcementStatus'];
  currentVersion?: string;
  bundle?: ReportedBundle;
}

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

const age = (time: string | undefined, now: Date): number =>
  time === undefined ? Number.POSITIVE_INFINITY : now.getTime() - Date.parse(time);

/** The enforcer after a poke; undefined when the poke says what is on record, and the record is fresh enough. */
export function poked(enforcer: Enforcer, said: Said, now: Date): Enforcer | undefined {
  const news = Object.entries(said).some(([key, value]) => !same(value, Reflect.get(enforcer, key)));
  if (!news && !enforcer.unreachable && age(enforcer.lastPokeTime, now) < LIFE.noted) return undefined;
  const time = now.toISOString();
  return { ...enforcer, ...said, unreachable: false, lastPokeTime: time, lastSyncTime: time };
}

/** True when an enforcer that says it runs was not heard of for too long. */
export const isLost = (enforcer: Enforcer, now: Date): boolean => {
  const at = lostAt(enforcer);
  return at !== undefined && now.getTime() > at;
};

/** A processing unit after a poke of it; undefined when nothing is new and the record is fresh enough. */
export function unitPoked(
  unit: ProcessingUnit,
  said: Partial<Pick<ProcessingUnit, 'operationalStatus' | 'enforcementStatus'>>,
  now: Date,
): ProcessingUnit | undefined {
  const news = Object.entries(said).some(([key, value]) => !same(value, Reflect.get(unit, key)));
  if (!news && !unit.unreachable && age(unit.lastSyncTime, now) < LIFE.noted) return undefined;
  return { ...unit, ...said, unreachable: false, lastSyncTime: now.toISOString() };
}
