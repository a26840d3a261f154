import { lookup } from 'node:dns/promises';
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import type { Endpoint, HostPolicy } from '../data-plane.ts';

/** Addresses that a name led to once are let through for so long: services behind names change them all the time. */
const KEPT = 60 * 60_000;
/** Addresses that count of one answer, and of all that are kept: whoever answers for a name must not fill the kernel's rules. */
const MOST = { answered: 64, kept: 512 } as const;
/** Milliseconds between two look-ups of a name. */
const EVERY = 60_000;
/** The cloud's own metadata service, which gives the agent its credentials. */
const METADATA: Endpoint = { address: '169.254.169.254', port: 80 };

const RESOLV_CONF = '/etc/resolv.conf';
/** Whom systemd-resolved asks (systemd-resolved.service(8)), where the other file names only itself. */
const UPSTREAM_CONF = '/run/systemd/resolve/resolv.conf';

/** Resolvers on the host itself: what they ask in turn has to get out. */
const isLoopback = (address: string): boolean => address === '::1' || address.startsWith('127.');

/** Addresses after `nameserver` (resolv.conf(5)), without a zone. */
export const resolversIn = (text: string): string[] =>
  text
    .split('\n')
    .map(line => /^\s*nameserver\s+([0-9a-fA-F:.]+)/.exec(line)?.[1] ?? '')
    .filter(address => isIP(address) !== 0);

const resolversAt = async (path: string): Promise<string[]> =>
  resolversIn(await readFile(path, 'utf8').catch(() => ''));

type Lookup = (host: string) => Promise<string[]>;

const bySystem: Lookup = async host => {
  if (isIP(host)) return [host];
  return (await lookup(host, { all: true })).map(({ address }) => address);
};

const placeOf = (url: string): { host: string; port: number } => {
  const { hostname, port, protocol } = new URL(url);
  return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port) || (protocol === 'https:' ? 443 : 80) };
};

/** Where the agent itself must always get to: the control plane, its bundles, and the resolvers that lead there. */
export class Infrastructure {
  readonly #urls = new Set<string>();
  /** `address port` → milliseconds since the epoch when it was last found. */
  readonly #found = new Map<string, number>();
  readonly #lookup: Lookup;
  readonly #resolvConf: string;
  readonly #upstreamConf: string;
  readonly #more: readonly Endpoint[];
  #resolvers: string[] = [];
  #last = Number.NEGATIVE_INFINITY;

  /** `cloud`: the host runs in one, whose metadata service the agent asks. */
  constructor({
    cloud = false,
    lookup = bySystem,
    resolvConf = RESOLV_CONF,
    upstreamConf = UPSTREAM_CONF,
  } = {}) {
    this.#more = cloud ? [METADATA] : [];
    this.#lookup = lookup;
    this.#resolvConf = resolvConf;
    this.#upstreamConf = upstreamConf;
  }

  /** A URL that the agent calls. */
  add(url: string): void {
    const { origin } = new URL(url);
    if (this.#urls.has(origin)) return;
    this.#urls.add(origin);
    this.#last = Number.NEGATIVE_INFINITY;
  }

  /** Looks the names up again when it is time. A name that can't be looked up keeps its addresses. */
  async refresh(now: number): Promise<void> {
    if (now - this.#last < EVERY && now >= this.#last) return;
    this.#last = now;
    const named = await resolversAt(this.#resolvConf);
    const asked = named.some(isLoopback) ? await resolversAt(this.#upstreamConf) : [];
    if (named.length > 0) this.#resolvers = [...new Set([...named, ...asked])];
    for (const url of this.#urls) {
      const { host, port } = placeOf(url);
      const addresses = await this.#lookup(host).catch(() => []);
      for (const address of addresses.slice(0, MOST.answered)) {
        const key = `${address} ${port}`;
        // Again at the end: those that were seen last stay.
        this.#found.delete(key);
        this.#found.set(key, now);
      }
    }
    for (const [key, seen] of this.#found)
      if (now - seen > KEPT || this.#found.size > MOST.kept) this.#found.delete(key);
  }

  /** Sorted, so that equal ones are equal. */
  get current(): HostPolicy['infrastructure'] {
    const found = [...this.#found.keys()].sort().map((key): Endpoint => {
      const [address = '', port] = key.split(' ');
      return { address, port: Number(port) };
    });
    return { controlPlane: [...found, ...this.#more], resolvers: this.#resolvers.toSorted() };
  }
}
