import ipaddr from 'ipaddr.js';

/** Where no name of the outside leads: this host itself, this link alone, everybody, nobody. */
const NEVER: ReadonlySet<string> = new Set([
  'unspecified',
  'loopback',
  'linkLocal',
  'multicast',
  'broadcast',
]);

/** Where clouds answer instances over IPv6, in a network that is private otherwise. */
const METADATA: ReadonlySet<string> = new Set(['fd00:ec2::254', 'fd20:ce::254']);

/**
 * Whether an answer may be believed. Whoever answers for a name that a policy allows could otherwise lead this host's
 * programs to its own loopback, or to the metadata service of its cloud. Private networks are for networks to say.
 */
export function isElsewhere(address: string): boolean {
  if (!ipaddr.isValid(address)) return false;
  const one = ipaddr.process(address);
  return !NEVER.has(one.range()) && !METADATA.has(one.toString());
}
