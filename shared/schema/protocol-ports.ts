import { z } from 'zod';
import { fail } from './failure.ts';
import { protocolNumber } from './protocols.ts';

export const TCP = 6;
export const UDP = 17;
export const ICMP = 1;
export const ICMP6 = 58;

/** Both ends belong to it. */
export interface Range {
  from: number;
  to: number;
}

/** One entry, parsed. `protocol` is the IANA number. */
export type ProtocolPort =
  /** tcp or udp: ports 0 to 65535. */
  | { kind: 'ports'; protocol: typeof TCP | typeof UDP; ports: Range }
  /** icmp or icmp6. `type` alone means all its codes; neither means every message. */
  | { kind: 'icmp'; protocol: typeof ICMP | typeof ICMP6; type?: number; codes?: readonly Range[] }
  /** Any other protocol, whole. */
  | { kind: 'protocol'; protocol: number };

/** A parsed list. `any` when the list was empty or said so. */
export type PortSet = 'any' | readonly ProtocolPort[];

type Read = { ok: true; entry: ProtocolPort } | { ok: false; message: string };

/** `n` or `a:b` with a < b. Undefined when it is neither or out of bounds. */
const readRange = (text: string, highest: number): Range | undefined => {
  const found = /^(\d{1,5})(?::(\d{1,5}))?$/.exec(text);
  if (!found) return undefined;
  const from = Number(found[1]);
  const to = found[2] === undefined ? from : Number(found[2]);
  if (from > highest || to > highest || (found[2] !== undefined && from >= to)) return undefined;
  return { from, to };
};

const refuse = (text: string, advice: string): Read => ({
  ok: false,
  message: `\`${text}\` ${advice}`,
});

const readPorts = (text: string, name: 'tcp' | 'udp', rest: readonly string[]): Read => {
  const [ports, ...more] = rest;
  if (ports === undefined || ports === '')
    return refuse(text, `names no port; write ${name}/80, or ${name}/0:65535 for all of them`);
  if (more.length > 0 || ports.includes(','))
    return refuse(text, `names more than one port or range; write one entry for each, such as ${name}/80`);
  const range = readRange(ports, 65535);
  if (!range)
    return refuse(
      text,
      `needs a port from 0 to 65535, or a range with the lower port first, such as ${name}/80:100`,
    );
  return { ok: true, entry: { kind: 'ports', protocol: name === 'tcp' ? TCP : UDP, ports: range } };
};

const readIcmp = (text: string, name: 'icmp' | 'icmp6', rest: readonly string[]): Read => {
  const protocol = name === 'icmp' ? ICMP : ICMP6;
  const [type, codes, ...more] = rest;
  if (type === undefined) return { ok: true, entry: { kind: 'icmp', protocol } };
  const advice = `must be ${name}, ${name}/<type> or ${name}/<type>/<codes>, numbers from 0 to 255, codes as 0 or 0,3:5`;
  const typed = readRange(type, 255);
  if (!typed || type.includes(':') || more.length > 0) return refuse(text, advice);
  if (codes === undefined) return { ok: true, entry: { kind: 'icmp', protocol, type: typed.from } };
  const ranges = codes.split(',').map(code => readRange(code, 255));
  if (!ranges.every(range => range !== undefined)) return refuse(text, advice);
  return { ok: true, entry: { kind: 'icmp', protocol, type: typed.from, codes: ranges } };
};

/** One entry that is not `any`. */
function readEntry(text: string): Read {
  const lower = text.toLowerCase();
  const [name = '', ...rest] = lower.split('/');
  if (name === 'tcp' || name === 'udp') return readPorts(text, name, rest);
  if (name === 'icmp' || name === 'icmp6') return readIcmp(text, name, rest);
  const whole = protocolNumber(lower);
  if (whole === ICMP || whole === ICMP6) return { ok: true, entry: { kind: 'icmp', protocol: whole } };
  if (whole !== undefined) return { ok: true, entry: { kind: 'protocol', protocol: whole } };
  if (lower === '')
    return refuse(text, 'is empty; write an entry such as tcp/443, or leave the list empty for any');
  if (/^[\d:]+$/.test(name))
    return refuse(
      text,
      rest.length > 0
        ? 'starts with a protocol number; write its name, such as tcp/80'
        : 'has no protocol; write tcp/ or udp/ in front, such as tcp/80',
    );
  if (protocolNumber(name) !== undefined)
    return refuse(text, `has ports, which ${name} has not; write ${name} alone`);
  return refuse(
    text,
    'is no protocol; write tcp/80, udp/53, icmp, any, or an IANA protocol name such as esp',
  );
}

const isAny = (text: string): boolean => text.toLowerCase() === 'any';

const NOT_ALONE = 'stands beside other entries; `any` must be the only one';

/**
 * Ports of a rule, as the API takes them. Empty means any.
 * Source: the original's `ValidateServicePorts`; names are looked up in any case.
 */
export const ProtocolPorts = z
  .array(z.string())
  .superRefine((list, ctx) => {
    for (const [index, text] of list.entries()) {
      const issue = (message: string) =>
        ctx.addIssue({ code: 'custom', path: [index], input: text, message });
      if (isAny(text)) {
        if (list.length > 1) issue(`\`${text}\` ${NOT_ALONE}`);
        continue;
      }
      const read = readEntry(text);
      if (!read.ok) issue(read.message);
    }
  })
  .describe('Such as `tcp/443`, `udp/8000:8999`, `icmp/8/0`, `esp` or `any`; empty means any.');
export type ProtocolPorts = z.infer<typeof ProtocolPorts>;

/** The parsed form of a valid list, entries in the given order. Fails with `invalid` on anything else. */
export function parseProtocolPorts(list: readonly string[]): PortSet {
  if (list.length === 0 || (list.length === 1 && isAny(list[0] ?? ''))) return 'any';
  return list.map(text => {
    if (isAny(text)) throw fail('invalid', `\`${text}\` ${NOT_ALONE}`, { value: text });
    const read = readEntry(text);
    if (!read.ok) throw fail('invalid', read.message, { value: text });
    return read.entry;
  });
}
