import { z } from 'zod';
import { protocolName } from './protocols.ts';

const Written = z.array(z.union([z.string(), z.number()])).catch([]);

/** The first generation: lists that belong together, `80`, `80:90`, with `tcp`, `udp`, or a protocol's number. */
export interface FirstPorts {
  protocols: readonly (string | number)[];
  ports: readonly (string | number)[];
}

/** A protocol's name in rules, by name or number. */
const nameOf = (protocol: string | number): string =>
  /^\d+$/.test(String(protocol)) ? protocolName(Number(protocol)) : String(protocol).toLowerCase();

const entryOf = (protocol: string | number, port: string | number | undefined): string => {
  const name = nameOf(protocol);
  if (name !== 'tcp' && name !== 'udp') return name;
  const [from = '0', to = from] = port === undefined ? ['0', '65535'] : String(port).split(/[:-]/);
  return from === to ? `${name}/${from}` : `${name}/${from}:${to}`;
};

/** Pairs of equal lists; one protocol goes with every port and the other way round. Undefined for anything else. */
export function firstGeneration({ protocols, ports }: FirstPorts): string[] | undefined {
  if (ports.length === 0) return protocols.map(protocol => entryOf(protocol, undefined));
  if (protocols.length === ports.length) return protocols.map((protocol, at) => entryOf(protocol, ports[at]));
  const [protocol] = protocols;
  if (protocol !== undefined && protocols.length === 1) return ports.map(port => entryOf(protocol, port));
  return ports.length === 1 ? protocols.map(protocol => entryOf(protocol, ports[0])) : undefined;
}

/** What such lists say in the grammar of rules; undefined for lists that do not belong together. */
export const firstPorts = ({ ports, protocols }: Readonly<Record<string, unknown>>): string[] | undefined =>
  firstGeneration({ ports: Written.parse(ports), protocols: Written.parse(protocols) });
