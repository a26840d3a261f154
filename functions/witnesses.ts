import { endOf, sameEnd, sightingsIn } from '../shared/core/witness.ts';
import type { Enforcer } from '../shared/schema/enforcer.ts';
import type { EnforcerUpgrade } from '../shared/schema/enforcerupgrade.ts';
import { Failure } from '../shared/schema/failure.ts';
import type { FlowReport } from '../shared/schema/flowreport.ts';
import { type NamespacePath, ObjectId, NamespacePath as Path, tenantOf } from '../shared/schema/ids.ts';
import type { Witness } from '../shared/schema/migration.ts';
import type { Deps } from './deps.ts';
import { rewritten } from './upgrade.ts';

type StoreAndClock = Pick<Deps, 'store' | 'clock'>;

const HOUR = 3_600_000;
/** Milliseconds for which a host looks out for probes; it is asked anew for each part of an upgrade. */
const WATCHED = 24 * HOUR;
/** Ends that one upgrade asks, and that one host looks out at. */
const MOST = 50;

/**
 * Enforcers at the other ends of the probes, by the addresses of the units that they have told of. None of another tenant, whatever
 * a unit says of its enforcer.
 */
export async function findWitnesses(
  { spec, namespace }: Pick<EnforcerUpgrade, 'spec' | 'namespace'>,
  { store }: Pick<Deps, 'store'>,
): Promise<Witness[]> {
  const tenant = tenantOf(namespace);
  const ends = spec.healthProbe.flatMap(probe => endOf(probe) ?? []);
  const wanted = ends.filter((end, at) => ends.findIndex(one => sameEnd(one, end)) === at);
  const found = await Promise.all(
    wanted.map(async end => {
      const units = await store.findBy('processingunit', tenant, 'addresses', end.address);
      const enforcers = new Map<string, Witness>();
      for (const { enforcerID, enforcerNamespace, operationalStatus } of units) {
        if (enforcerID === '' || enforcerNamespace === '' || operationalStatus === 'Terminated') continue;
        const place = Path.parse(enforcerNamespace);
        if (tenantOf(place) !== tenant) continue;
        enforcers.set(enforcerID, { ...end, ID: ObjectId.parse(enforcerID), namespace: place });
      }
      return [...enforcers.values()];
    }),
  );
  return found.flat().slice(0, MOST);
}

/** From now on the flow reports of these hosts are looked through, also for what other upgrades ask of them. */
export async function appoint(witnesses: readonly Witness[], deps: StoreAndClock): Promise<void> {
  const now = deps.clock.now().getTime();
  const at = (time: number): string => new Date(time).toISOString();
  for (const ID of new Set(witnesses.map(witness => witness.ID))) {
    const ends = witnesses.filter(witness => witness.ID === ID);
    const [first] = ends;
    if (!first) continue;
    try {
      await rewritten('enforcer', first, deps, ({ watches = [] }) => {
        const isFresh = (end: Witness): boolean =>
          watches.some(one => sameEnd(one, end) && one.until > at(now + WATCHED - HOUR));
        if (ends.every(isFresh)) return undefined;
        const asked = ends.map(end => ({ ...end, until: at(now + WATCHED) }));
        const others = watches.filter(one => one.until > at(now) && !ends.some(end => sameEnd(one, end)));
        return { watches: [...asked, ...others].slice(0, MOST) };
      });
    } catch (error) {
      // It was deleted: nobody confirms anything.
      if (!(error instanceof Failure && error.kind === 'not_found')) throw error;
    }
  }
}

/** Keeps what a host saw of probes, for a day. Costs nothing where it watches for none. */
export async function noteSightings(
  { ID, namespace }: { ID: ObjectId; namespace: NamespacePath },
  watches: Enforcer['watches'],
  reports: readonly FlowReport[],
  { store, clock }: StoreAndClock,
): Promise<void> {
  const date = clock.now().toISOString();
  const ends = (watches ?? []).filter(({ until }) => until >= date);
  if (ends.length === 0) return;
  await Promise.all(
    sightingsIn(reports, ends, ID).map(async key => {
      const answer = { tenant: tenantOf(namespace), key, request: '', body: {}, messages: [], date };
      try {
        await store.commit([{ kind: 'answer', answer }]);
      } catch (error) {
        // It is kept already.
        if (!(error instanceof Failure && error.kind === 'conflict')) throw error;
      }
    }),
  );
}
