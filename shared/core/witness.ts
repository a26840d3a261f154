import ipaddr from 'ipaddr.js';
import type { FlowReport } from '../schema/flowreport.ts';
import type { Probe, ProbeResult, Witness } from '../schema/migration.ts';

const NUMBERS = { tcp: 6, udp: 17 } as const;

export const canonical = (address: string): string =>
  ipaddr.isValid(address) ? ipaddr.process(address).toString() : '';

/** Where a probe leads; undefined where it names no address: then nobody knows who is at the other end. */
export function endOf({
  host,
  protocolPort,
}: Probe): Pick<Witness, 'address' | 'protocol' | 'port'> | undefined {
  const address = canonical(host);
  if (address === '') return undefined;
  const [protocol, port] = protocolPort.split('/');
  return { address, protocol: NUMBERS[protocol as keyof typeof NUMBERS], port: Number(port) };
}

type End = Pick<Witness, 'address' | 'protocol' | 'port'>;

export const sameEnd = (a: End, b: End): boolean =>
  a.address === b.address && a.protocol === b.protocol && a.port === b.port;

/** A flow that the end of a probe saw, in a minute: kept once. */
export interface Sighting {
  key: string;
  /** The unit that it came from, where the witness knew it. */
  sourceID: string;
  sourceNamespace: string;
}

const minuteOf = (time: string): string => time.slice(0, 16);

/** No source port: flow records have none. */
export const sightingKey = (end: End, from: string, action: FlowReport['action'], time: string): string =>
  `sighting ${from} ${end.address} ${end.protocol}/${end.port} ${action} ${minuteOf(time)}`;

/** What of a batch of flow records tells of the probes that are watched for. One of each kind a minute. */
export function sightingsIn(reports: readonly FlowReport[], ends: readonly End[]): Sighting[] {
  const found = new Map<string, Sighting>();
  for (const report of reports) {
    const { sourceIP = '', destinationIP = '', destinationPort: port = 0, protocol = 0 } = report;
    const end = { address: canonical(destinationIP), protocol, port };
    if (!ends.some(one => sameEnd(one, end))) continue;
    const isUnit = report.sourceType === 'ProcessingUnit';
    const key = sightingKey(end, canonical(sourceIP), report.action, report.timestamp);
    found.set(key, {
      key,
      sourceID: isUnit ? report.sourceID : '',
      sourceNamespace: isUnit ? (report.remoteNamespace ?? '') : '',
    });
  }
  return [...found.values()];
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
