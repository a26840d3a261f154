import { Resolver } from 'node:dns/promises';
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { setTimeout as wait } from 'node:timers/promises';

/** What says how a host looks names up. Texts are empty where there is no such file. */
export interface NameFiles {
  /** /etc/hosts. */
  hosts: string;
  /** /etc/nsswitch.conf. */
  order: string;
  /** /etc/resolv.conf. */
  resolver: string;
  /** Whether systemd-resolved answers: it knows the host by the name that the host gives itself. */
  resolved: boolean;
}

/** The name that an answer is about, after all aliases; undefined: there is none. */
export type Canonical = (name: string) => Promise<string | undefined>;

const words = (line: string): string[] =>
  line
    .replace(/#.*/, '')
    .split(/\s+/)
    .filter(word => word !== '');

const lastOf = (text: string, ...keywords: string[]): string[] =>
  text
    .split('\n')
    .map(words)
    .findLast(([keyword = '']) => keywords.includes(keyword))
    ?.slice(1) ?? [];

/** The first name of the first line that has it. Source: hosts(5). */
function inHosts(text: string, name: string): string | undefined {
  for (const line of text.split('\n')) {
    const [, ...names] = words(line);
    if (names.some(one => one.toLowerCase() === name.toLowerCase())) return names[0];
  }
  return undefined;
}

/** Below each domain that is searched, and as it is: first where it has a dot. Source: resolv.conf(5). */
function candidates(resolver: string, name: string): string[] {
  const below = lastOf(resolver, 'search', 'domain').map(domain => `${name}.${domain.replace(/\.$/, '')}`);
  return name.includes('.') ? [name, ...below] : [...below, name];
}

/**
 * The full name of the host as `hostname -f` has it, which is as the system looks its short one up, in the order of nsswitch.conf(5). What
 * other sources say, such as a directory, is not asked.
 */
export async function fullName(
  name: string,
  { hosts, order, resolver, resolved }: NameFiles,
  canonical: Canonical,
): Promise<string> {
  const listed = lastOf(order.replace(/^hosts:/gm, 'hosts: '), 'hosts:');
  for (const source of listed.length > 0 ? listed : ['files', 'dns']) {
    const found = source === 'files' ? inHosts(hosts, name) : undefined;
    if (found !== undefined) return found;
    if (source === 'myhostname' || (source === 'resolve' && resolved)) return name;
    if (source !== 'dns') continue;
    for (const candidate of candidates(resolver, name)) {
      const said = await canonical(candidate);
      if (said !== undefined) return said;
    }
  }
  return name;
}

const ALIASES = 8;
/** Milliseconds: the agent begins after it. */
const PATIENCE = 5000;

const ask: Canonical = async asked => {
  const resolver = new Resolver({ timeout: 2000, tries: 1 });
  const isThere = async (name: string): Promise<boolean> =>
    (await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)])).some(
      ({ status }) => status === 'fulfilled',
    );
  if (!(await isThere(asked))) return undefined;
  let name = asked;
  for (let at = 0; at < ALIASES; at++) {
    const [next] = await resolver.resolveCname(name).catch(() => []);
    if (next === undefined) return name;
    name = next;
  }
  return name;
};

const textOf = (path: string): Promise<string> => readFile(path, 'utf8').catch(() => '');

/** Its full name as its own system tells it; the short one where there is no other. */
export async function fqdn(canonical: Canonical = ask): Promise<string> {
  const [hosts, order, resolver] = await Promise.all(
    ['/etc/hosts', '/etc/nsswitch.conf', '/etc/resolv.conf'].map(textOf),
  );
  const stub = await textOf('/run/systemd/resolve/stub-resolv.conf');
  const files = { hosts: hosts ?? '', order: order ?? '', resolver: resolver ?? '', resolved: stub !== '' };
  const late = wait(PATIENCE, hostname(), { ref: false });
  return Promise.race([fullName(hostname(), files, canonical), late]);
}
