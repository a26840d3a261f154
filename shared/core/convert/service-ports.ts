import { type FirstPorts, firstGeneration } from '../../schema/first-ports.ts';
import { type PortSet, ProtocolPorts, parseProtocolPorts } from '../../schema/protocol-ports.ts';

/** The ports of a legacy external network as written, over three generations of the format. */
export interface WrittenPorts extends FirstPorts {
  servicePorts: readonly string[];
}

/** Undefined when they cannot be read. None written is any. */
export function readServicePorts(written: WrittenPorts): PortSet | undefined {
  const list = written.servicePorts.length > 0 ? written.servicePorts : firstGeneration(written);
  return list && ProtocolPorts.safeParse(list).success ? parseProtocolPorts(list) : undefined;
}
