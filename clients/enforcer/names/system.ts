import { execFile } from 'node:child_process';
import { Resolver } from 'node:dns/promises';
import { promisify } from 'node:util';
import { singleAddress } from '../policy/addresses.ts';
import type { Answer, NamesOptions, Resolve } from './names.ts';

/** Codes of answers that say that there is nothing (RFC 1035: NXDOMAIN, and a name without such a record). */
const NOTHING: ReadonlySet<string> = new Set(['ENOTFOUND', 'ENODATA']);

const orNothing = (error: unknown): Answer[] => {
  if (error instanceof Error && 'code' in error && NOTHING.has(String(error.code))) return [];
  throw error;
};

/** Asks the resolvers of /etc/resolv.conf, or these; the hosts file is not asked, because it tells no time to live. */
export function dnsResolve(servers?: readonly string[]): Resolve {
  return async name => {
    // Anew each time: the resolvers of a host change.
    const resolver = new Resolver({ timeout: 2000, tries: 2 });
    if (servers) resolver.setServers([...servers]);
    const [four, six] = await Promise.all([
      resolver.resolve4(name, { ttl: true }).catch(orNothing),
      resolver.resolve6(name, { ttl: true }).catch(orNothing),
    ]);
    return [...four, ...six];
  };
}

const run = promisify(execFile);

/** Both ends of every connection that the kernel knows: `conntrack -L`. */
export const addressesIn = (listing: string): Set<string> =>
  new Set(
    [...listing.matchAll(/\b(?:src|dst)=(\S+)/g)].flatMap(
      ([, address = '']) => singleAddress(address)?.text ?? [],
    ),
  );

/** `before`: what goes before the program, for another network namespace. */
export const connectedAddresses =
  (before: readonly string[] = []): NamesOptions['inUse'] =>
  async () => {
    const listings = await Promise.all(
      ['ipv4', 'ipv6'].map(async family => {
        const [program = '', ...args] = [...before, 'conntrack', '-L', '-f', family];
        return (await run(program, args, { maxBuffer: 2 ** 30 })).stdout;
      }),
    );
    return addressesIn(listings.join('\n'));
  };
