import { execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';

/** What a host is called and the addresses that it has, IPv4 and IPv6. */
export interface HostPlan {
  name: string;
  addresses: readonly string[];
  /** A host that forwards all of its packets, as a node does for a container. It must come earlier in the list. */
  behind?: string;
}

/** A host: a network namespace with one interface, `eth0`, on the network. */
export interface Host extends HostPlan {
  /** Name of its network namespace, for `ip -n`. */
  netns: string;
  /** What to put before a command line, so that it runs on this host. Cgroups and mounts stay as they are. */
  enter: readonly [string, ...string[]];
  /** Runs a program to its end; rejects when it fails. */
  run(program: string, args: readonly string[], input?: string): Promise<string>;
}

/** Hosts that reach one another, as if all were on one switch, and nothing else. */
export interface Network {
  host(name: string): Host;
  hosts: readonly Host[];
  /** Network namespace of the bridge `br0` that joins them. */
  bridge: string;
  /** Ends the network, and whatever still runs on its hosts. */
  close(): Promise<void>;
}

const PREFIX = 'microseg';

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

/** Namespaces of test runs that were killed: their names tell the process that made them. */
function sweep(): void {
  const all = (() => {
    try {
      return readdirSync('/run/netns');
    } catch {
      return [];
    }
  })();
  for (const name of all) {
    const [prefix, pid] = name.split('-');
    if (prefix !== PREFIX || isAlive(Number(pid))) continue;
    try {
      remove(name);
    } catch (error) {
      // Another run that begins sweeps as well, and may be faster.
      if (existsSync(`/run/netns/${name}`)) throw error;
    }
  }
}

/** Takes a network namespace away. Processes would keep it, without its name, for as long as they run. */
function remove(name: string): void {
  for (const pid of execFileSync('ip', ['netns', 'pids', name], { encoding: 'utf8' }).split('\n')) {
    if (pid !== '' && Number(pid) !== process.pid) kill(Number(pid));
  }
  execFileSync('ip', ['netns', 'del', name]);
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

/**
 * Every address is usable at once. Until the kernel has made sure that nobody else has its link-local address, a host asks
 * nobody for the other end of a packet that it forwards, which takes seconds.
 */
const SURE = ['all', 'default', 'eth0'].map(link => `net.ipv6.conf.${link}.accept_dad=0`);

/** Feeds lines to `ip -batch`, in a namespace or outside. */
const batch = (lines: readonly string[], netns?: string): Promise<unknown> =>
  feed(['ip', ...(netns ? ['-n', netns] : []), '-batch', '-'], `${lines.join('\n')}\n`);

function feed([program = '', ...args]: readonly string[], input: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    let [out, err] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', text => {
      out += text;
    });
    child.stderr.setEncoding('utf8').on('data', text => {
      err += text;
    });
    child.once('error', reject);
    child.once('close', code =>
      code === 0
        ? resolve(out)
        : reject(new Error(`${[program, ...args].join(' ')} ended with ${code}: ${err.slice(0, 2000)}`)),
    );
    child.stdin.on('error', () => undefined).end(input);
  });
}

const isIPv6 = (address: string): boolean => address.includes(':');
const single = (address: string): string => `${address}/${isIPv6(address) ? 128 : 32}`;

/** Every address is one of its own, and all others are on the link: no subnets. */
const hostLines = ({ addresses, behind }: HostPlan): string[] => [
  'link set lo up',
  'link set eth0 up',
  ...addresses.map(address => `addr add ${single(address)} dev eth0${isIPv6(address) ? ' nodad' : ''}`),
  ...(behind
    ? [
        'route add 169.254.1.1 dev eth0',
        'route add default via 169.254.1.1',
        'route add ::/0 via fe80::1 dev eth0',
      ]
    : ['route add default dev eth0', 'route add ::/0 dev eth0']),
];

/** Name of the interface to a container, by its position in the list. */
const port = (at: number): string => `port${at}`;

/** What a node does to have containers: routes to them, answers for them, and a router's address on each link. */
const nodeLines = (containers: readonly [at: number, plan: HostPlan][]): string[] =>
  containers.flatMap(([at, { addresses }]) => [
    `link set ${port(at)} up`,
    `addr add 169.254.1.1/32 dev ${port(at)}`,
    `addr add fe80::1/64 dev ${port(at)} nodad`,
    ...addresses.map(address => `route add ${single(address)} dev ${port(at)}`),
    ...addresses.filter(isIPv6).map(address => `neigh add proxy ${address} dev eth0`),
  ]);

/** Addresses that aren't on the wire they are asked on are answered for. */
const FORWARDING = [
  'net.ipv4.ip_forward=1',
  'net.ipv6.conf.all.forwarding=1',
  'net.ipv4.conf.eth0.proxy_arp=1',
  'net.ipv6.conf.eth0.proxy_ndp=1',
  'net.ipv4.neigh.eth0.proxy_delay=0',
  'net.ipv6.neigh.eth0.proxy_delay=0',
];

/**
 * Who was found once is taken to be there for as long as the network lasts, so that hosts say nothing of their own accord:
 * asking again for an address that a node answers for makes it complain about the question.
 */
const quiet = (link: string): string[] =>
  [4, 6].map(family => `net.ipv${family}.neigh.${link}.base_reachable_time_ms=86400000`);

/** Makes hosts, and a bridge without rules in a namespace of its own that joins them. */
export async function openNetwork(plans: readonly HostPlan[]): Promise<Network> {
  sweep();
  const run = randomBytes(2).toString('hex');
  const nameOf = (host: string): string => `${PREFIX}-${process.pid}-${run}-${host}`;
  const bridge = nameOf('bridge');
  const made = [bridge, ...plans.map(({ name }) => nameOf(name))];
  const removeAll = (): void => {
    for (const name of made.splice(0)) remove(name);
  };
  process.once('exit', removeAll);
  await batch(made.map(name => `netns add ${name}`));
  const numbered = [...plans.entries()];
  await batch(['link add br0 type bridge', 'link set br0 up'], bridge);
  for (const [at, { name, behind }] of numbered)
    await batch(
      [
        `link add ${port(at)} type veth peer name eth0 netns ${nameOf(name)}`,
        ...(behind ? [] : [`link set ${port(at)} master br0`, `link set ${port(at)} up`]),
      ],
      behind ? nameOf(behind) : bridge,
    );
  for (const plan of plans) {
    const host = hostOf(plan, nameOf(plan.name));
    const containers = numbered.filter(([, { behind }]) => behind === plan.name);
    await host.run('sysctl', ['-qw', ...SURE]);
    if (containers.length > 0) {
      await batch(nodeLines(containers), nameOf(plan.name));
      await host.run('sysctl', ['-qw', ...FORWARDING]);
    }
    await batch(hostLines(plan), nameOf(plan.name));
    const links = ['eth0', ...containers.map(([at]) => port(at))];
    await host.run('sysctl', ['-qw', ...links.flatMap(quiet)]);
  }
  const hosts = plans.map(plan => hostOf(plan, nameOf(plan.name)));
  return {
    hosts,
    bridge,
    host: name => {
      const found = hosts.find(host => host.name === name);
      if (!found) throw new Error(`no host ${name}; there are ${plans.map(one => one.name).join(', ')}`);
      return found;
    },
    close: async () => {
      process.off('exit', removeAll);
      removeAll();
    },
  };
}

function hostOf(plan: HostPlan, netns: string): Host {
  const enter: Host['enter'] = ['nsenter', `--net=/run/netns/${netns}`];
  return {
    ...plan,
    netns,
    enter,
    run: async (program, args, input = '') => feed([...enter, program, ...args], input),
  };
}
