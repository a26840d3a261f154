import { addressIn, doubtOf, endOf, minutesAround, sameEnd, sightingKey } from '../shared/core/witness.ts';
import type { Enforcer } from '../shared/schema/enforcer.ts';
import type { EnforcerUpgrade } from '../shared/schema/enforcerupgrade.ts';
import { tenantOf } from '../shared/schema/ids.ts';
import type { Probe, ProbeResult, Witness } from '../shared/schema/migration.ts';
import type { ProcessingUnit } from '../shared/schema/processingunit.ts';
import type { Deps } from './deps.ts';
import { unitsOf } from './unit-reach.ts';

type Store = Pick<Deps, 'store'>;

/** By how many names one probe's sources are looked for at most: those of a host with as many addresses as a unit may have. */
const MOST_SOURCES = 40;

const familyOf = (address: string): number => (address.includes(':') ? 6 : 4);

/**
 * By what the other end of a probe may know the host: as units, and by addresses of the probe's family. The runner tries probes where
 * the host itself is, and not in its containers; beside it, what has the address that the host told of. That one comes first.
 */
export function sourcesOf(units: readonly ProcessingUnit[], from: string, end: string): string[] {
  const has = ({ addresses }: ProcessingUnit): boolean => addresses.includes(from);
  const those = units.filter(unit => unit.type === 'Host' || has(unit)).sort((a, b) => +has(b) - +has(a));
  const addresses = those.flatMap(unit => unit.addresses).filter(one => familyOf(one) === familyOf(end));
  return [...new Set([from, ...those.map(({ ID }) => ID), ...addresses])].slice(0, MOST_SOURCES);
}

/** Whether one of them let a flow in from one of the sources, in the minutes in which it was probed. */
async function wasAccepted(
  witnesses: readonly Witness[],
  sources: readonly string[],
  { namespace, migration }: Enforcer,
  { store }: Store,
): Promise<boolean> {
  const times = minutesAround(migration?.probed ?? '');
  const keys = witnesses.flatMap(witness =>
    sources.flatMap(source => times.map(time => sightingKey(witness, source, 'Accept', time))),
  );
  const found = await Promise.all(keys.map(key => store.answered(tenantOf(namespace), key)));
  return found.some(answer => answer !== undefined);
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

/** Why nobody can say whether the probe came: where it was tried from is no address that is known to be the host's. */
function unplaced(
  { name }: Probe,
  { from = '' }: ProbeResult,
  units: readonly ProcessingUnit[],
  { address }: Witness,
): string | undefined {
  const tried = addressIn(from);
  if (tried === '') {
    return `probe ${name} is not confirmed: the host tells no address that it was tried from; see that it has a route to ${address}`;
  }
  if (units.some(({ addresses }) => addresses.includes(tried))) return undefined;
  return `probe ${name} is not confirmed: it was tried from ${tried}, which no processing unit of the host has among its addresses; see that its agent registers it`;
}

/** What the other ends of a host's probes saw otherwise than it says, and what nobody can confirm. */
export async function doubtsAbout(
  host: Enforcer,
  { spec, witnesses = [] }: Pick<EnforcerUpgrade, 'spec' | 'witnesses'>,
  deps: Store,
): Promise<string[]> {
  const { probes = [], probed } = host.migration ?? {};
  if (witnesses.length === 0 || probed === undefined) return [];
  const all = await unitsOf(host, deps);
  const units = all.filter(({ operationalStatus }) => operationalStatus !== 'Terminated');
  const doubt = async (probe: Probe): Promise<string | undefined> => {
    const result = probes.find(({ name }) => name === probe.name);
    const end = endOf(probe);
    // Networks may overlap: then any of those who have the address is good.
    const those = witnesses.filter(one => end && sameEnd(one, end) && one.ID !== host.ID);
    const [witness] = those;
    if (!result || !witness) return undefined;
    const why = unplaced(probe, result, units, witness);
    if (why !== undefined) return why;
    const others = await Promise.all(
      those.map(({ namespace, ID: id }) => deps.store.get({ resource: 'enforcer', namespace, id })),
    );
    const looksOut = ({ watches = [] }: Enforcer): boolean =>
      watches.some(one => sameEnd(one, witness) && one.until >= probed);
    if (others.every(other => !other || wasAway(other, probed) || !looksOut(other))) return undefined;
    const sources = sourcesOf(units, addressIn(result.from ?? ''), witness.address);
    return doubtOf(probe, result, witness, await wasAccepted(those, sources, host, deps));
  };
  return (await Promise.all(spec.healthProbe.map(doubt))).filter(text => text !== undefined);
}
