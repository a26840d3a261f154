import { canonicalAddress, parseAddress } from '../schema/cidr.ts';
import type { FlowReport } from '../schema/flowreport.ts';
import type { Probe, ProbeResult, Witness } from '../schema/migration.ts';

const NUMBERS = { tcp: 6, udp: 17 } as const;

/** The one spelling of an address; empty: it is none. */
export const addressIn = (text: string): string => (parseAddress(text) ? canonicalAddress(text) : '');

/** Where a probe leads; undefined where it names no address: then nobody knows who is at the other end. */
export function endOf({
  host,
  protocolPort,
}: Probe): Pick<Witness, 'address' | 'protocol' | 'port'> | undefined {
  const address = addressIn(host);
  if (address === '') return undefined;
  const [protocol, port] = protocolPort.split('/');
  return { address, protocol: NUMBERS[protocol as keyof typeof NUMBERS], port: Number(port) };
}

type End = Pick<Witness, 'address' | 'protocol' | 'port'>;

export const sameEnd = (a: End, b: End): boolean =>
  a.address === b.address && a.protocol === b.protocol && a.port === b.port;

const minuteOf = (time: string): string => time.slice(0, 16);

/**
 * A flow that the end of a probe saw, in a minute: kept once. `source`: the unit that it came from, or the address where the
 * witness knows no unit there, since an address may be claimed. No source port: flow records have none.
 */
export const sightingKey = (
  { ID, address, protocol, port }: End & Pick<Witness, 'ID'>,
  source: string,
  action: FlowReport['action'],
  time: string,
): string => `sighting ${ID} ${source} ${address} ${protocol}/${port} ${action} ${minuteOf(time)}`;

/** What of a batch of a host's flow records tells of the probes that it watches for: keys of sightings, each once. */
export function sightingsIn(
  reports: readonly FlowReport[],
  ends: readonly End[],
  ID: Witness['ID'],
): string[] {
  const keys = reports.flatMap(({ timestamp, action, sourceType, sourceID, ...report }) => {
    const { sourceIP = '', destinationIP = '', destinationPort: port = 0, protocol = 0 } = report;
    const end = { ID, address: addressIn(destinationIP), protocol, port };
    if (!ends.some(one => sameEnd(one, end))) return [];
    const source = sourceType === 'ProcessingUnit' ? sourceID : addressIn(sourceIP);
    return [sightingKey(end, source, action, timestamp)];
  });
  return [...new Set(keys)];
}

/** Minutes around the moment in which a probe was told of: it was tried within the minute before, and clocks differ. */
export const minutesAround = (time: string): string[] =>
  [-2, -1, 0, 1].map(minutes => new Date(Date.parse(time) + minutes * 60_000).toISOString());

/**
 * What the other end makes of what a host says of a probe; undefined where both agree. `accepted`: it saw such a flow come in and let
 * it through. Of a probe that must fail it may have seen nothing: the host's own rules may have stopped it.
 */
export function doubtOf(
  { name, expect }: Pick<Probe, 'name' | 'expect'>,
  { ok }: Pick<ProbeResult, 'ok'>,
  { address }: Pick<Witness, 'address'>,
  accepted: boolean,
): string | undefined {
  if (!ok) return undefined;
  if (expect === 'pass' && !accepted) return `probe ${name} was not seen at its other end, ${address}`;
  if (expect === 'fail' && accepted) return `probe ${name} must fail, and ${address} let it in`;
  return undefined;
}
