import { fail } from '../schema/failure.ts';
import { parseProtocolPorts } from '../schema/protocol-ports.ts';
import type { Traffic } from './ports.ts';

/** One protocol and port as a packet has them, `tcp/443`, `icmp/8/0` or `gre`: no range, no `any`. `name`: for the failure. */
export function readTraffic(text: string, name: string): Traffic {
  const wrong = (why: string) =>
    fail('invalid', `${name} is \`${text}\`: ${why}; write tcp/443, icmp/8/0 or gre`, {
      attribute: 'protocolPort',
      value: text,
    });
  let parsed: ReturnType<typeof parseProtocolPorts>;
  try {
    parsed = parseProtocolPorts([text]);
  } catch (error) {
    throw wrong(error instanceof Error ? error.message : 'it is no protocol and port');
  }
  const entry = parsed === 'any' ? undefined : parsed[0];
  if (!entry) throw wrong('a packet has one protocol');
  if (entry.kind === 'protocol') return entry;
  if (entry.kind === 'ports') {
    if (entry.ports.from !== entry.ports.to) throw wrong('a packet has one port');
    return { kind: 'ports', protocol: entry.protocol, port: entry.ports.from };
  }
  const [codes] = entry.codes ?? [];
  if (entry.type === undefined || !codes || codes.from !== codes.to)
    throw wrong('give one ICMP type and code');
  return { kind: 'icmp', protocol: entry.protocol, type: entry.type, code: codes.from };
}
