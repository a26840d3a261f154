import type { HostFacts } from '../../shared/schema/host-facts.ts';
import { clusterOf } from './cluster.ts';
import type { Host } from './host.ts';
import { refusedRules } from './ruleset.ts';
import { isStarted, stateOf } from './units.ts';

/** Bits of the kernel's capability sets. Source: linux/capability.h. */
const CAPABILITIES: Readonly<Record<string, number>> = {
  NET_ADMIN: 12,
  NET_RAW: 13,
  SYS_MODULE: 16,
  SYS_PTRACE: 19,
  SYS_ADMIN: 21,
  SYS_RESOURCE: 24,
};

const field = (text: string | undefined, name: string): string =>
  new RegExp(`^${name}[=:]\\s*"?([^"\\n]*)`, 'm').exec(text ?? '')?.[1]?.trim() ?? '';

function capabilitiesOf(status: string | undefined): string[] {
  const set = BigInt(`0x${field(status, 'CapEff') || '0'}`);
  return Object.keys(CAPABILITIES)
    .filter(name => (set >> BigInt(CAPABILITIES[name] ?? 0)) & 1n)
    .sort();
}

/**
 * What tells best of kernel features is whether the kernel takes rules that need them; nothing is changed by `-c`. A rule that
 * reads the state of connections would all the same have the kernel track some for a moment, of which it meets many in the
 * middle and remembers the wrong end as the one that asked: `notrack` is of the same module.
 */
export const PROBE =
  'add table inet probe; add chain inet probe c; add rule inet probe c notrack log group 1 accept';
const PROBED = ['nf_tables', 'nf_conntrack', 'nft_ct', 'nfnetlink_log', 'nft_log'];

async function modulesOf(host: Host, kernel: string): Promise<string[]> {
  const folder = `/lib/modules/${kernel}`;
  const lists = await Promise.all(
    ['/proc/modules', `${folder}/modules.builtin`, `${folder}/modules.dep`].map(path => host.read(path)),
  );
  const named = lists.flatMap(text =>
    (text ?? '')
      .split('\n')
      .map(line => /^(?:.*\/)?([\w-]+)(?:\.ko[.\w]*)?(?::|\s|$)/.exec(line)?.[1] ?? '')
      .filter(name => name !== ''),
  );
  const probed = (await host.run('nft', '-c', PROBE)) === undefined ? [] : PROBED;
  const wanted = new Set([...named, ...probed].map(name => name.replaceAll('-', '_')));
  return PROBED.filter(name => wanted.has(name)).sort();
}

const PROGRAMS = ['/usr/sbin', '/usr/bin', '/sbin', '/bin'];
async function hasProgram(host: Host, name: string): Promise<boolean> {
  const found = await Promise.all(PROGRAMS.map(folder => host.exists(`${folder}/${name}`)));
  return found.includes(true);
}

async function firewallsOf(host: Host): Promise<HostFacts['firewalls']> {
  // Its unit is active whether or not ufw is on.
  const ufw = field(await host.read('/etc/ufw/ufw.conf'), 'ENABLED');
  return {
    firewalld: await stateOf(host, 'firewalld.service'),
    iptables: await stateOf(host, 'iptables.service'),
    ufw: ufw === '' ? 'absent' : ufw === 'yes' ? 'active' : 'inactive',
  };
}

/** What an agent leaves, under today's and the original's name. */
const TRACES = [
  '/etc/systemd/system/prisma-enforcer.service',
  '/lib/systemd/system/prisma-enforcer.service',
  '/lib/systemd/system/enforcerd.service',
  '/var/lib/prisma-enforcer',
  '/etc/enforcer.conf',
];

/** Root reads it from what the installation made; others ask the program. */
async function agentVersion(host: Host): Promise<string> {
  const installed = await host.read('/var/lib/prisma-enforcer/installed.json');
  const said = /"version":\s*"([^"]*)"/.exec(installed ?? '')?.[1];
  const words = said ?? (await host.run('prisma-enforcer', '--version')) ?? '';
  return /\d+\.\d+\.\d+[\w.+-]*/.exec(words)?.[0] ?? '';
}

async function agentOf(host: Host): Promise<HostFacts['agent']> {
  const files = await Promise.all(TRACES.map(async path => ((await host.exists(path)) ? [path] : [])));
  const tables = ((await host.run('nft', 'list', 'tables')) ?? '').includes('table inet prisma');
  const traces = [...files.flat(), ...(tables ? ['nftables table inet prisma'] : [])];
  if (traces.length === 0) return undefined;
  return {
    version: await agentVersion(host),
    running: await isStarted(host, 'prisma-enforcer.service'),
    traces,
  };
}

/** Other products, each by a folder that it makes. */
const CONFLICTS: Readonly<Record<string, string>> = {
  'CN-Series': '/var/log/pan-appinfo',
  'Cortex XDR': '/opt/traps',
};

async function conflictsOf(host: Host): Promise<string[]> {
  const found = await Promise.all(
    Object.entries(CONFLICTS).map(async ([name, path]) => ((await host.exists(path)) ? [name] : [])),
  );
  return found.flat();
}

/** What a Linux host tells of itself. Nothing on it is changed. */
export async function collect(host: Host): Promise<HostFacts> {
  const [release, status, memory, cpus, mounts, disk, nft] = await Promise.all([
    host.read('/etc/os-release'),
    host.read('/proc/self/status'),
    host.read('/proc/meminfo'),
    host.read('/proc/cpuinfo'),
    host.read('/proc/mounts'),
    host.free('/var/lib'),
    host.run('nft', '--version'),
  ]);
  const kernel = ((await host.read('/proc/sys/kernel/osrelease')) ?? '').trim();
  const agent = await agentOf(host);
  const kubernetes = await clusterOf(host);
  const refused = await refusedRules(host);
  const programs = ['conntrack', 'tcpdump'];
  const there = await Promise.all(programs.map(name => hasProgram(host, name)));
  return {
    platform: 'linux',
    distribution: field(release, 'ID'),
    distributionVersion: field(release, 'VERSION_ID'),
    kernel,
    processors: [...(cpus ?? '').matchAll(/^processor\s*:/gm)].length,
    memory: Number.parseInt(field(memory, 'MemTotal') || '0', 10) * 1024,
    diskFree: disk ?? 0,
    clockSkew: null,
    capabilities: capabilitiesOf(status),
    modules: await modulesOf(host, kernel),
    ...(refused ? { refusedRules: refused } : {}),
    cgroup2: /\scgroup2\s/.test(mounts ?? ''),
    nft: /v(\d+(?:\.\d+)+)/.exec(nft ?? '')?.[1] ?? '',
    packages: programs.filter((_, index) => there[index]),
    systemd: await host.exists('/run/systemd/system'),
    firewalls: await firewallsOf(host),
    ...(agent ? { agent } : {}),
    egress: {},
    interceptedBy: '',
    ...((await host.exists('/var/lib/twistlock')) ? { defender: { cnnf: null, waas: null } } : {}),
    conflicts: await conflictsOf(host),
    ...(kubernetes ? { kubernetes } : {}),
  };
}
