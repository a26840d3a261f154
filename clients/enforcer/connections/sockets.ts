import { readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import ipaddr from 'ipaddr.js';

/** A TCP connection, as it was opened: `source` asked, `destination` listened. */
export interface Connection {
  family: 4 | 6;
  source: End;
  destination: End;
}

interface End {
  address: string;
  port: number;
}

/** Lowest port that the kernel gives to who asks for none (ip(7), ip_local_port_range), unless it was set otherwise. */
export const FIRST_EPHEMERAL = 32_768;

const LISTENS = '0A';
/** ESTABLISHED, FIN_WAIT1, FIN_WAIT2, CLOSE_WAIT, LAST_ACK: proc_pid_net(5), and net/tcp_states.h of the kernel. */
const GOES_ON: ReadonlySet<string> = new Set(['01', '04', '05', '08', '09']);

/** One line of /proc/net/tcp: `0: 0100007F:1F90 00000000:0000 0A …`. */
const LINE = /^\s*\d+: ([0-9A-F]+):([0-9A-F]{4}) ([0-9A-F]+):([0-9A-F]{4}) ([0-9A-F]{2}) /;

/** Words of 32 bits, each with its lowest byte first. IPv4 in IPv6's clothes is IPv4 on the wire. */
function addressOf(hex: string): ipaddr.IPv4 | ipaddr.IPv6 {
  const bytes = [...Buffer.from(hex, 'hex')];
  const ordered = bytes.map((_, at) => bytes[at - (at % 4) + 3 - (at % 4)] ?? 0);
  const address = ipaddr.fromByteArray(ordered);
  return address instanceof ipaddr.IPv6 && address.isIPv4MappedAddress() ? address.toIPv4Address() : address;
}

interface Socket {
  local: { address: ipaddr.IPv4 | ipaddr.IPv6; port: number };
  remote: { address: ipaddr.IPv4 | ipaddr.IPv6; port: number };
  state: string;
}

function socketOf(line: string): Socket | undefined {
  const [, local, localPort, remote, remotePort, state] = LINE.exec(line) ?? [];
  if (!local || !localPort || !remote || !remotePort || !state) return undefined;
  return {
    local: { address: addressOf(local), port: Number.parseInt(localPort, 16) },
    remote: { address: addressOf(remote), port: Number.parseInt(remotePort, 16) },
    state,
  };
}

/**
 * Connections of one network namespace, from its /proc/net/tcp and /proc/net/tcp6. Those with a port on which somebody
 * listens were opened by the other end. So were those from a well-known port to one that kernels give out, whose listener is
 * gone. The host's own loopback is left out.
 */
export function connectionsIn(text: string, firstEphemeral = FIRST_EPHEMERAL): Connection[] {
  const sockets = text.split('\n').flatMap(line => socketOf(line) ?? []);
  const listened = new Set(sockets.filter(({ state }) => state === LISTENS).map(({ local }) => local.port));
  return sockets
    .filter(({ state, remote }) => GOES_ON.has(state) && remote.address.range() !== 'loopback')
    .map(({ local, remote }) => {
      const isAsked =
        listened.has(local.port) || (local.port < firstEphemeral && remote.port >= firstEphemeral);
      const [source, destination] = isAsked ? [remote, local] : [local, remote];
      return {
        family: remote.address instanceof ipaddr.IPv4 ? 4 : 6,
        source: { address: source.address.toString(), port: source.port },
        destination: { address: destination.address.toString(), port: destination.port },
      };
    });
}

const OWN = 'self';

/** A process of each network namespace but this one's; ones that end meanwhile are left out. */
async function others(proc: string): Promise<string[]> {
  const namespaceOf = (pid: string) => readlink(join(proc, pid, 'ns/net')).catch(() => undefined);
  const own = await namespaceOf(OWN);
  const found = new Map<string, string>();
  for (const pid of (await readdir(proc)).filter(name => /^\d+$/.test(name))) {
    const namespace = await namespaceOf(pid);
    if (namespace !== undefined && namespace !== own && !found.has(namespace)) found.set(namespace, pid);
  }
  return [...found.values()];
}

const textOf = (...path: string[]): Promise<string> => readFile(join(...path), 'latin1').catch(() => '');

/** `TCP: inuse 4 orphan 0 …`, or `TCP6:`: the kernel counts these, and walks all sockets of the machine for a list. */
const hasSockets = (sockstat: string): boolean => /^TCP6?: inuse [1-9]/m.test(sockstat);

/** Sockets of a process's network namespace, as the kernel lists them; nothing where there are none. */
async function listOf(proc: string, pid: string): Promise<string> {
  const lists = await Promise.all(
    (['', '6'] as const).map(async version =>
      hasSockets(await textOf(proc, pid, `net/sockstat${version}`))
        ? textOf(proc, pid, `net/tcp${version}`)
        : '',
    ),
  );
  return lists.join('\n');
}

/** TCP connections of this host, and of its containers if they are asked for, each once. */
export async function connections({ containers = false, proc = '/proc' } = {}): Promise<Connection[]> {
  const range = await textOf(proc, 'sys/net/ipv4/ip_local_port_range');
  const all = new Map<string, Connection>();
  for (const pid of [OWN, ...(containers ? await others(proc) : [])]) {
    const found = connectionsIn(await listOf(proc, pid), Number.parseInt(range, 10) || FIRST_EPHEMERAL);
    for (const connection of found) all.set(JSON.stringify(connection), connection);
  }
  return [...all.values()];
}
