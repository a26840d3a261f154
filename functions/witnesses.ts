import {
  canonical,
  doubtOf,
  endOf,
  minutesAround,
  sameEnd,
  sightingKey,
  sightingsIn,
} from '../shared/core/witness.ts';
import type { Enforcer } from '../shared/schema/enforcer.ts';
import type { EnforcerUpgrade } from '../shared/schema/enforcerupgrade.ts';
import { Failure } from '../shared/schema/failure.ts';
import type { FlowReport } from '../shared/schema/flowreport.ts';
import { type NamespacePath, ObjectId, NamespacePath as Path, tenantOf } from '../shared/schema/ids.ts';
import type { Probe, ProbeResult, Witness } from '../shared/schema/migration.ts';
import type { Deps } from './deps.ts';
import { rewritten } from './upgrade.ts';

type StoreAndClock = Pick<Deps, 'store' | 'clock'>;

/** Milliseconds for which a host looks out for probes: no wave takes longer. */
const WATCHED = 24 * 3600_000;
/** Units that are read at a time. */
const PAGE = 1000;

/** Enforcers at the other ends of the probes, by the addresses of the units that they have told of. */
export async function findWitnesses(
  { spec, namespace }: Pick<EnforcerUpgrade, 'spec' | 'namespace'>,
  { store }: Pick<Deps, 'store'>,
): Promise<Witness[]> {
  const ends = spec.healthProbe.flatMap(probe => endOf(probe) ?? []);
  const wanted = ends.filter((end, at) => ends.findIndex(one => sameEnd(one, end)) === at);
  const found: Witness[] = [];
  let after: string | undefined;
  while (wanted.length > 0) {
    const query = { limit: PAGE, ...(after === undefined ? {} : { after }) };
    const page = await store.listTree('processingunit', tenantOf(namespace), query);
    for (const { addresses, enforcerID, enforcerNamespace, operationalStatus } of page.items) {
      if (enforcerID === '' || enforcerNamespace === '' || operationalStatus === 'Terminated') continue;
      const own = addresses.map(canonical);
      for (const end of wanted)
        if (own.includes(end.address))
          found.push({ ...end, ID: ObjectId.parse(enforcerID), namespace: Path.parse(enforcerNamespace) });
    }
    after = page.next;
    if (after === undefined) break;
  }
  return found.slice(0, 50);
}

/** From now on the flow reports of these hosts are looked through. */
export async function appoint(witnesses: readonly Witness[], deps: StoreAndClock): Promise<void> {
  const until = new Date(deps.clock.now().getTime() + WATCHED).toISOString();
  for (const ID of new Set(witnesses.map(witness => witness.ID))) {
    const ends = witnesses.filter(witness => witness.ID === ID);
    const [first] = ends;
    if (!first) continue;
    try {
      await rewritten('enforcer', first, deps, () => ({ watches: { until, ends } }));
    } catch (error) {
      // It was deleted: nobody confirms anything.
      if (!(error instanceof Failure && error.kind === 'not_found')) throw error;
    }
  }
}

/** Keeps what a host saw of probes, for a day. Costs nothing where it watches for none. */
export async function noteSightings(
  namespace: NamespacePath,
  watches: Enforcer['watches'],
  reports: readonly FlowReport[],
  { store, clock }: StoreAndClock,
): Promise<void> {
  const now = clock.now().toISOString();
  if (!watches || watches.until < now) return;
  await Promise.all(
    sightingsIn(reports, watches.ends).map(async ({ key, sourceID, sourceNamespace }) => {
      const answer = {
        tenant: tenantOf(namespace),
        key,
        request: '',
        body: { sourceID, sourceNamespace },
        messages: [],
        date: now,
      };
      try {
        await store.commit([{ kind: 'answer', answer }]);
      } catch (error) {
        // It is kept already.
        if (!(error instanceof Failure && error.kind === 'conflict')) throw error;
      }
    }),
  );
}

/** Whether the sighting is of that host: an address may be claimed, a unit belongs to one enforcer. */
async function isOf(body: unknown, host: Enforcer, { store }: Pick<Deps, 'store'>): Promise<boolean> {
  const { sourceID: id, sourceNamespace } = body as { sourceID: string; sourceNamespace: string };
  if (id === '' || sourceNamespace === '') return true;
  const place = { namespace: Path.parse(sourceNamespace), id: ObjectId.parse(id) };
  const unit = await store.get({ resource: 'processingunit', ...place });
  return unit?.enforcerID === host.ID;
}

async function wasAccepted(
  witness: Witness,
  { from = '' }: ProbeResult,
  host: Enforcer,
  deps: Pick<Deps, 'store'>,
): Promise<boolean> {
  const tenant = tenantOf(host.namespace);
  const keys = minutesAround(host.migration?.probed ?? '').map(time =>
    sightingKey(witness, canonical(from), 'Accept', time),
  );
  const found = await Promise.all(keys.map(key => deps.store.answered(tenant, key)));
  const owned = await Promise.all(found.map(answer => (answer ? isOf(answer.body, host, deps) : false)));
  return owned.includes(true);
}

/** A host whose agent was away when the probe was tried saw nothing, and says nothing. */
function wasAway({ migration, unreachable }: Enforcer, probed: string): boolean {
  if (unreachable) return true;
  if (!migration?.started) return false;
  const minute = 60_000;
  const [begun, ended] = [Date.parse(migration.started), Date.parse(migration.ended ?? probed)];
  const tried = Date.parse(probed);
  return begun <= tried && tried - 3 * minute <= ended;
}

/** What the other ends of a host's probes saw otherwise than it says. */
export async function doubtsAbout(
  host: Enforcer,
  { spec, witnesses = [] }: Pick<EnforcerUpgrade, 'spec' | 'witnesses'>,
  deps: Pick<Deps, 'store'>,
): Promise<string[]> {
  const { probes = [], probed } = host.migration ?? {};
  if (witnesses.length === 0 || probed === undefined) return [];
  const doubt = async (probe: Probe): Promise<string | undefined> => {
    const result = probes.find(({ name }) => name === probe.name);
    const end = endOf(probe);
    // Networks may overlap: then any of those who have the address is good.
    const those = witnesses.filter(one => end && sameEnd(one, end) && one.ID !== host.ID);
    const [witness] = those;
    if (!result || !witness) return undefined;
    const others = await Promise.all(
      those.map(({ namespace, ID: id }) => deps.store.get({ resource: 'enforcer', namespace, id })),
    );
    if (others.every(other => !other || wasAway(other, probed))) return undefined;
    return doubtOf(probe, result, witness, await wasAccepted(witness, result, host, deps));
  };
  return (await Promise.all(spec.healthProbe.map(doubt))).filter(text => text !== undefined);
}
