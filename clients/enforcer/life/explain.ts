import type { NetworkEnd, SideDecision, UnitEnd } from '../../../shared/core/decision.ts';
import { decide } from '../../../shared/core/evaluate.ts';
import { describeSide } from '../../../shared/core/explain.ts';
import { modelFromPayload } from '../../../shared/core/policy.ts';
import { readTraffic } from '../../../shared/core/traffic.ts';
import type { Payloads } from '../../../shared/schema/bundle.ts';
import { parseAddress } from '../../../shared/schema/cidr.ts';
import { fail } from '../../../shared/schema/failure.ts';
import type { Active } from '../agent/activation.ts';
import { homeOf, type KnownUnit } from '../agent/host-policy.ts';
import { isHost } from '../agent/units.ts';
import { namesAt } from '../names/at.ts';
import { held } from './held.ts';
import type { Io } from './program.ts';

interface Asked {
  source: string;
  destination: string;
  traffic: string;
  folder: string;
  json?: boolean;
}

interface Place {
  /** A processing unit of this host. */
  unit?: KnownUnit;
  end: UnitEnd | NetworkEnd;
}

const unitEnd = (unit: KnownUnit, payloads: Payloads, address: string | undefined): UnitEnd => ({
  kind: 'processing unit',
  namespace: homeOf(unit, payloads),
  tags: unit.normalizedTags,
  ...(address === undefined ? {} : { address }),
});

/** Whoever is meant: a unit of this host by name or address, a peer of the bundle, or an address of anybody. */
function placeOf(text: string, units: readonly KnownUnit[], payloads: Payloads): Place {
  const named = units.find(({ name }) => name === text);
  if (named) return { unit: named, end: unitEnd(named, payloads, named.addresses[0]) };
  if (!parseAddress(text))
    throw fail(
      'bad_request',
      `\`${text}\` is neither an address nor a processing unit of this host; there are ${units.map(({ name }) => name).join(', ') || 'none'}`,
    );
  const owner =
    units.find(one => !isHost(one) && one.addresses.includes(text)) ??
    units.find(one => one.addresses.includes(text));
  if (owner) return { unit: owner, end: unitEnd(owner, payloads, text) };
  const peer = payloads['peers.json'].identities.find(({ addresses }) => addresses.includes(text));
  if (!peer) return { end: { kind: 'network', address: text } };
  const { namespace, tags } = peer;
  return { end: { kind: 'processing unit', namespace, tags, address: text } };
}

/** Decides each end that is of this host, with the very code that the control plane decides with. */
export function decideHere(
  asked: Asked,
  { units, names }: Pick<Active, 'units' | 'names'>,
  payloads: Payloads,
): SideDecision[] {
  const traffic = readTraffic(asked.traffic, 'the traffic');
  const from = placeOf(asked.source, units, payloads);
  const to = placeOf(asked.destination, units, payloads);
  const model = modelFromPayload(payloads['policy.json']);
  const named = (end: Place['end']): Place['end'] =>
    end.address === undefined ? end : { ...end, names: namesAt(names, end.address) };
  return [
    { side: 'source' as const, own: from, other: to },
    { side: 'destination' as const, own: to, other: from },
  ].flatMap(({ side, own: { unit, end }, other }) => {
    if (!unit || end.kind !== 'processing unit') return [];
    return [decide(model.at(end.namespace), side, end, named(other.end), traffic)];
  });
}

export async function explain(asked: Asked, { out, clock }: Pick<Io, 'out' | 'clock'>): Promise<void> {
  const holding = await held(asked.folder, clock);
  const { active } = holding;
  if (!active)
    throw fail(
      'not_found',
      `${asked.folder} holds no verified policy; run the agent first, or name its --state`,
    );
  const sides = decideHere(asked, active, active.content.payloads);
  if (sides.length === 0)
    throw fail(
      'bad_request',
      'neither end is of this host, so that nobody here decides; ask where one of them runs, or POST /decisions',
    );
  const { lockdown } = holding;
  const { revision } = active.content;
  if (asked.json) {
    const verdict = lockdown || sides.some(side => side.verdict === 'reject') ? 'reject' : 'allow';
    return out(`${JSON.stringify({ verdict, revision, lockdown, sides }, undefined, 2)}\n`);
  }
  const rejected = sides.some(({ verdict }) => verdict === 'reject');
  out(`${rejected ? 'rejected' : 'allowed'}, by revision ${revision}\n`);
  for (const side of sides)
    out(`  ${side.side === 'source' ? asked.source : asked.destination}: ${describeSide(side)}\n`);
  if (lockdown) out('  and shut out in any case: the bundle is too old, and its profile says lockdown\n');
}
