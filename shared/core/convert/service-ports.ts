import { type PortSet, ProtocolPorts, parseProtocolPorts } from '../../schema/protocol-ports.ts';
import { protocolName } from '../../schema/protocols.ts';

/** The ports of a legacy external network as written, over three generations of the format. */
export interface WrittenPorts {
  servicePorts: readonly string[];
  /** The first generation: lists that belong together, `80`, `80:90`, with `tcp`, `udp`, or a protocol's number. */
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
function firstGeneration({ protocols, ports }: WrittenPorts): string[] | undefined {
  if (ports.length === 0) return protocols.map(protocol => entryOf(protocol, undefined));
  if (protocols.length === ports.length) return protocols.map((protocol, at) => entryOf(protocol, ports[at]));
  const [protocol] = protocols;
  if (protocol !== undefined && protocols.length === 1) return ports.map(port => entryOf(protocol, port));
  return ports.length === 1 ? protocols.map(protocol => entryOf(protocol, ports[0])) : undefined;
}

/** Undefined when they cannot be read. None written is any. */
export function readServicePorts(written: WrittenPorts): PortSet | undefined {
  const list = written.servicePorts.length > 0 ? written.servicePorts : firstGeneration(written);
  return list && ProtocolPorts.safeParse(list).success ? parseProtocolPorts(list) : undefined;
}
