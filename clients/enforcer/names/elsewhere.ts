import ipaddr from 'ipaddr.js';

/** Where no name of the outside leads: this host itself, this link alone, everybody, nobody. */
const NEVER: ReadonlySet<string> = new Set([
  'unspecified',
  'loopback',
  'linkLocal',
  'multicast',
  'broadcast',
]);

/**
 * Whether an answer may be believed. Whoever answers for a name that a policy allows could otherwise lead this host's
 * programs to its own loopback, or to the metadata service of its cloud. Private networks are for networks to say.
 */
export function isElsewhere(address: string): boolean {
  if (!ipaddr.isValid(address)) return false;
  return !NEVER.has(ipaddr.process(address).range());
}
