import { z } from 'zod';
import { type Cidr, cidrKey, contains, parseAddress, parseCidr, widened } from './cidr.ts';
import { fail } from './failure.ts';

/** One parsed entry of an external network. */
export type NetworkEntry =
  | { kind: 'cidr'; cidr: Cidr; excluded: boolean }
  /** In lower case, without the trailing dot. `wildcard`: any name that ends in `.name`, but not the name itself. */
  | { kind: 'name'; name: string; wildcard: boolean };

/** Source: the original's attribute definition, `externalnetwork.entries`. */
const DNS_NAME = /^(\*\.)?[a-zA-Z0-9_][a-zA-Z0-9_-]{0,62}(\.[a-zA-Z0-9_][a-zA-Z0-9_-]{0,62})*[._]?$/;

/** The last label of a name is never a number: such text is a mistyped address (RFC 1123, 2.1; WHATWG URL). */
const ENDS_IN_NUMBER = /(^|\.)\d+\.?$/;

type Read = { ok: true; entry: NetworkEntry } | { ok: false; message: string };

const refuse = (text: string, advice: string): Read => ({ ok: false, message: `\`${text}\` ${advice}` });

/**
 * `10.0.0.0/8`, `!10.1.0.0/16` or a bare address. The original took a bare IPv4 address for a DNS name, which never
 * resolved, and refused a bare IPv6 one; here both are the single host.
 */
function readCidr(text: string): Read {
  const excluded = text.startsWith('!');
  const cidr = parseCidr(excluded ? text.slice(1) : text);
  if (cidr) return { ok: true, entry: { kind: 'cidr', cidr, excluded } };
  if (text.startsWith('!!')) return refuse(text, 'has more than one `!`; write one, as in !10.1.0.0/16');
  return refuse(text, 'is not a CIDR; write 10.0.0.0/8, 2001:db8::/32, or !10.1.0.0/16 to leave a part out');
}

/** Whether an entry holds names that nobody can list: those below `example.com` for `*.example.com`. */
export const isWildcardName = (text: string): boolean => text.startsWith('*.');

function readEntry(text: string): Read {
  if (text.startsWith('!') || text.includes('/') || text.includes(':') || parseAddress(text))
    return readCidr(text);
  if (ENDS_IN_NUMBER.test(text))
    return refuse(
      text,
      'looks like an address but is none; write four parts from 0 to 255, such as 10.0.0.1',
    );
  if (!DNS_NAME.test(text))
    return refuse(
      text,
      'is neither a CIDR, !CIDR nor a DNS name; write 10.0.0.0/8, !10.1.0.0/16 or www.example.com',
    );
  const wildcard = isWildcardName(text);
  const name = (wildcard ? text.slice(2) : text).replace(/\.$/, '').toLowerCase();
  return { ok: true, entry: { kind: 'name', name, wildcard } };
}

interface Finding {
  index: number;
  message: string;
}

/** Whether a network of the set, given by their keys, has all of this one in it. Takes no longer for a longer list. */
function isInside(cidr: Cidr, included: ReadonlySet<string>): boolean {
  for (let length = 0; length <= cidr.length; length += 1) {
    if (included.has(cidrKey(widened(cidr, length)))) return true;
  }
  return false;
}

/** Rules over a whole list. Source: the original's `netutils.ValidateCIDRs`. */
function listFindings(texts: readonly string[], entries: readonly NetworkEntry[]): Finding[] {
  const first = new Map<string, number>();
  const included = new Set(
    entries.flatMap(entry => (entry.kind === 'cidr' && !entry.excluded ? [cidrKey(entry.cidr)] : [])),
  );
  return entries.flatMap((entry, index): Finding[] => {
    if (entry.kind !== 'cidr') return [];
    const key = cidrKey(entry.cidr);
    const earlier = first.get(key);
    if (earlier !== undefined)
      return [
        {
          index,
          message: `\`${texts[index]}\` is the same network as \`${texts[earlier]}\`; keep one of them`,
        },
      ];
    first.set(key, index);
    return entry.excluded && !isInside(entry.cidr, included)
      ? [
          {
            index,
            message: `\`${texts[index]}\` leaves out a network that no entry includes; add one around it, such as ${entry.cidr.family === 4 ? '0.0.0.0/0' : '::/0'}`,
          },
        ]
      : [];
  });
}

/** Wrong entries that are told; a list with more is no list of networks. */
const MOST_FINDINGS = 100;

const entryList = (
  read: (text: string) => Read,
  more?: (entries: NetworkEntry[], texts: string[]) => Finding[],
) =>
  z.array(z.string()).superRefine((texts, ctx) => {
    const issue = ({ index, message }: Finding) =>
      ctx.addIssue({ code: 'custom', path: [index], input: texts[index], message });
    const entries: NetworkEntry[] = [];
    for (const [index, text] of texts.entries()) {
      const result = read(text);
      if (result.ok) entries.push(result.entry);
      else issue({ index, message: result.message });
      if (index + 1 - entries.length > MOST_FINDINGS) return;
    }
    if (entries.length < texts.length) return;
    for (const finding of [...listFindings(texts, entries), ...(more?.(entries, texts) ?? [])])
      issue(finding);
  });

const MULTICAST = ['224.0.0.0/4', 'ff00::/8'].map(text => ({ text, cidr: parseCidr(text) }));

/** Multicast must not be in the set, unless one `!` entry leaves all of it out and nothing includes it again. */
const multicastFindings = (entries: NetworkEntry[], texts: string[]): Finding[] =>
  MULTICAST.flatMap(({ text, cidr }) => {
    if (!cidr) return [];
    const excluded = entries.filter(
      entry => entry.kind === 'cidr' && entry.excluded && contains(entry.cidr, cidr),
    );
    const longest = Math.max(-1, ...excluded.map(entry => (entry.kind === 'cidr' ? entry.cidr.length : -1)));
    return entries.flatMap((entry, index): Finding[] => {
      if (entry.kind !== 'cidr' || entry.excluded) return [];
      const touches = contains(entry.cidr, cidr) || contains(cidr, entry.cidr);
      return touches && entry.cidr.length > longest
        ? [{ index, message: `\`${texts[index]}\` reaches into multicast; add !${text}, or leave it out` }]
        : [];
    });
  });

export const NetworkEntries = entryList(readEntry)
  .min(1, 'name at least one CIDR or DNS name, such as 10.0.0.0/8')
  .describe(
    '`10.0.0.0/8`, `!10.1.0.0/16` to leave a part out, `www.example.com`, `*.example.com`; at least one.',
  );
export type NetworkEntries = z.infer<typeof NetworkEntries>;

export const CidrList = entryList(readCidr)
  .default([])
  .describe('`10.0.0.0/8`, and `!10.1.0.0/16` to leave a part out; may be empty.');
export type CidrList = z.infer<typeof CidrList>;

/** A CIDR list without multicast (the original's `ValidateUDPCIDRs`, with `ff00::/8` as well). */
export const UnicastCidrList = entryList(readCidr, multicastFindings).default([]);
export type UnicastCidrList = z.infer<typeof UnicastCidrList>;

/** The parsed form of valid entries, in the given order. Fails with `invalid` on anything else. */
export function parseNetworkEntries(texts: readonly string[]): NetworkEntry[] {
  return texts.map(text => {
    const read = readEntry(text);
    if (!read.ok) throw fail('invalid', read.message, { value: text });
    return read.entry;
  });
}
