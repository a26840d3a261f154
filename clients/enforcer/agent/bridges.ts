import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import ipaddr from 'ipaddr.js';

/** Where the kernel tells of links and routes. */
export interface Places {
  links: string;
  /** /proc/net of the network namespace. */
  routes: string;
  settings: string;
}
const KERNEL: Places = {
  links: '/sys/class/net',
  routes: '/proc/self/net',
  settings: '/proc/sys/net/bridge',
};

const textOf = (...path: string[]): string => {
  try {
    return readFileSync(join(...path), 'utf8').trim();
  } catch {
    return '';
  }
};

const FAMILIES = [
  { family: 4, setting: 'bridge-nf-call-iptables', own: 'nf_call_iptables' },
  { family: 6, setting: 'bridge-nf-call-ip6tables', own: 'nf_call_ip6tables' },
] as const;
type Family = (typeof FAMILIES)[number];

/** A stretch of addresses that is reached over a link, in bits; `via`: another router, who has what is there. */
interface Route {
  bits: string;
  link: string;
  via: boolean;
}

const bitsOf = (bytes: readonly number[]): string =>
  bytes.map(byte => byte.toString(2).padStart(8, '0')).join('');
const bytesIn = (hex: string): number[] => [...Buffer.from(hex, 'hex')];

/** `Iface Destination Gateway Flags RefCnt Use Metric Mask …`, with the lowest byte first. */
const routes4 = (text: string): Route[] =>
  text
    .split('\n')
    .slice(1)
    .flatMap(line => {
      const [link, to, gateway, , , , , mask] = line.trim().split(/\s+/);
      if (!link || !to || !mask) return [];
      const length = bitsOf(bytesIn(mask)).replaceAll('0', '').length;
      const bits = bitsOf(bytesIn(to).reverse()).slice(0, length);
      return [{ bits, link, via: /[^0]/.test(gateway ?? '') }];
    });

/** `destination length source length gateway metric references used flags link`. */
const routes6 = (text: string): Route[] =>
  text.split('\n').flatMap(line => {
    const [to, length, , , gateway, , , , , link] = line.trim().split(/\s+/);
    if (!to || !length || !link) return [];
    const bits = bitsOf(bytesIn(to)).slice(0, Number.parseInt(length, 16));
    return [{ bits, link, via: /[^0]/.test(gateway ?? '') }];
  });

/** The bridge at which an address is, if it is at one. */
function bridgeOf(bits: string, routes: readonly Route[], bridges: ReadonlySet<string>): string | undefined {
  let best: Route | undefined;
  for (const route of routes)
    if (bits.startsWith(route.bits) && (best === undefined || route.bits.length > best.bits.length))
      best = route;
  return best && !best.via && bridges.has(best.link) ? best.link : undefined;
}

/** Whether what passes a bridge meets the rules: everywhere, or at that one. */
const isDecided = (bridge: string, { setting, own }: Family, { settings, links }: Places): boolean =>
  textOf(settings, setting) === '1' || textOf(links, bridge, 'bridge', own) === '1';

/** Links with a certain folder; sysfs is that of the network namespace in which it was mounted. */
function bridgesIn(links: string): Set<string> {
  const isBridge = (link: string): boolean =>
    statSync(join(links, link, 'bridge'), { throwIfNoEntry: false }) !== undefined;
  try {
    return new Set(readdirSync(links).filter(isBridge));
  } catch {
    return new Set();
  }
}

/**
 * Bridges at which units are, and whose packets from port to port meet no rules of the host, so that nobody decides what units there say to
 * each other. One sentence each, with what to do. `addresses`: of units other than the host.
 */
export function undecidedBridges(addresses: readonly string[], places: Places = KERNEL): string[] {
  const bridges = addresses.length === 0 ? new Set<string>() : bridgesIn(places.links);
  if (bridges.size === 0) return [];
  const parsed = addresses.flatMap(text => (ipaddr.isValid(text) ? [ipaddr.parse(text)] : []));
  return FAMILIES.flatMap(one => {
    const { family, setting } = one;
    const open = new Set([...bridges].filter(bridge => !isDecided(bridge, one, places)));
    if (open.size === 0) return [];
    const routes =
      family === 4 ? routes4(textOf(places.routes, 'route')) : routes6(textOf(places.routes, 'ipv6_route'));
    const own = parsed.filter(address => address instanceof ipaddr.IPv4 === (family === 4));
    const found = own.flatMap(address => bridgeOf(bitsOf(address.toByteArray()), routes, open) ?? []);
    return [...new Set(found)]
      .sort()
      .map(
        bridge =>
          `what processing units on the bridge ${bridge} say to each other over IPv${family} passes no rules: ` +
          `modprobe br_netfilter && sysctl net.bridge.${setting}=1`,
      );
  });
}
