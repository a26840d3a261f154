import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readStatus, type Status } from '../../clients/enforcer/agent/status.ts';
import { systemClock } from '../../clients/enforcer/clock.ts';
import { isBelow } from '../../clients/enforcer/processes.ts';
import { type ControlPlane, startControlPlane } from '../../local/control-plane.ts';
import { type Host, type HostPlan, type Network, openNetwork } from '../../local/hosts/network.ts';
import { openUplink } from '../../local/hosts/uplink.ts';
import type { Client } from '../../shared/api/client.ts';
import { Credential } from '../../shared/schema/appcredential.ts';
import { adminClient } from '../make/admin-client.ts';
import { freePort } from '../make/process.ts';
import { until } from './until.ts';

export const PROGRAM = fileURLToPath(new URL('../../clients/enforcer/main.ts', import.meta.url));
export const NODE = [process.execPath, '--disable-warning=ExperimentalWarning'] as const;
export const NAMESPACE = '/tenant/group';
/** Where control groups of version 2 are, if the machine has them. */
export const CGROUPS = /^\S+ (\S+) cgroup2 /m.exec(readFileSync('/proc/mounts', 'utf8'))?.[1];

/** Its first process is not the agent but one that waits for it, as in a container with an init of its own. */
export const CONTAINED = [
  ...['unshare', '--pid', '--fork', '--kill-child', '--mount-proc'],
  ...['sh', '-c', '"$@"; exit $?', 'init'],
];

export interface Member extends HostPlan {
  tags: readonly string[];
  /** Its agent finds control groups of version 2 where nft looks for them, which not every machine has there. */
  cgroups?: boolean;
  /** Its agent finds the links of its network in /sys, as on a host of its own. */
  ownLinks?: boolean;
  /** Its agent lives in a container: with numbers of processes of its own. */
  ownProcesses?: boolean;
  /** Address of the resolver that the agent of this host asks, and programs that are started with `beside`. */
  resolver?: string;
}

/** An agent in a process of its own, on one of the hosts. */
export interface RealAgent {
  /** RFC 3339: before it was started. */
  begun: string;
  host: Host;
  folder: string;
  process: ChildProcess;
  out: () => string;
  err: () => string;
  status: () => Status | undefined;
  kill(signal: NodeJS.Signals): Promise<void>;
}

/** A control plane here, hosts in namespaces of their own, and real agents on them. */
export interface Fleet {
  network: Network;
  client: Client;
  controlPlane: () => ControlPlane;
  place: string;
  start(name: string, ...flags: string[]): Promise<RealAgent>;
  /** What to put before a command line, so that it runs on a host as its agent does. */
  beside(name: string): readonly [string, ...string[]];
  /** Runs the program on a host to its end. */
  command(host: Host, ...argv: string[]): Promise<string>;
  /** Takes away what a host keeps on disk. */
  forget(name: string): void;
  leave(): Promise<void>;
  comeBack(): Promise<void>;
  close(): Promise<void>;
}

const SILENT = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** `releases`: a folder with files of releases, which the control plane serves. */
export async function openFleet(
  members: readonly Member[],
  { releases }: { releases?: string } = {},
): Promise<Fleet> {
  const place = mkdtempSync(join(tmpdir(), 'enforcer-fleet-'));
  const network = await openNetwork(members);
  const { address } = await openUplink(network);
  const port = await freePort();
  const open = () =>
    startControlPlane({
      data: join(place, 'data'),
      host: address,
      port,
      log: SILENT,
      ...(releases === undefined ? {} : { releases }),
    });
  let controlPlane: ControlPlane | undefined = await open();
  const credential = Credential.parse(JSON.parse(readFileSync(controlPlane.administrator, 'utf8')));
  const client = adminClient(credential, systemClock);
  await client.call('createNamespace', { namespace: '/', body: { name: 'tenant', type: 'Tenant' } });
  await client.call('createNamespace', { namespace: '/tenant', body: { name: 'group', type: 'Group' } });
  const agents: RealAgent[] = [];
  const beside = (name: string): [string, ...string[]] => {
    const { enter } = network.host(name);
    const {
      resolver,
      cgroups = false,
      ownProcesses = false,
      ownLinks = false,
    } = members.find(one => one.name === name) ?? {};
    const mounts: string[] = [];
    if (resolver !== undefined) {
      const file = join(place, `${name}.resolv.conf`);
      writeFileSync(file, `nameserver ${resolver}\noptions timeout:1 attempts:2\n`);
      mounts.push(`mount --bind ${file} /etc/resolv.conf`);
    }
    if (ownLinks) mounts.push('mount -t sysfs sysfs /sys');
    if (cgroups) mounts.push(`mount --bind ${CGROUPS} /sys/fs/cgroup`);
    const contained = ownProcesses ? CONTAINED : [];
    if (mounts.length === 0) return [...enter, ...contained];
    const script = [...mounts, 'exec "$@"'].join(' && ');
    return [...enter, 'unshare', '--mount', 'sh', '-c', script, 'sh', ...contained];
  };

  const start = async (name: string, ...flags: string[]): Promise<RealAgent> => {
    const host = network.host(name);
    const member = members.find(one => one.name === name);
    const folder = join(place, name);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const given = ['--creds', join(place, 'data/admin.creds'), '--root', join(place, 'data/root.json')];
    const who = ['-n', NAMESPACE, '--name', name, '--machine-id', name, '--state', folder];
    const tags = (member?.tags ?? []).flatMap(tag => ['--tag', tag]);
    const argv = [...NODE, PROGRAM, 'run', ...given, ...who, ...tags, ...flags];
    const [program, ...args] = [...beside(name), ...argv] as [string, ...string[]];
    const begun = new Date().toISOString();
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let [out, err] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      err += text;
    });
    const ended = once(child, 'close');
    const agent: RealAgent = {
      begun,
      host,
      folder,
      process: child,
      out: () => out,
      err: () => err,
      status: () => readStatus(join(folder, 'status.json')),
      kill: async signal => {
        child.kill(signal);
        await ended;
      },
    };
    agents.push(agent);
    return agent;
  };

  return {
    network,
    client,
    controlPlane: () => {
      if (!controlPlane) throw new Error('the control plane is away');
      return controlPlane;
    },
    place,
    start,
    beside,
    command: (host, ...argv) => host.run(NODE[0], [...NODE.slice(1), PROGRAM, ...argv]),
    forget: name => rmSync(join(place, name), { recursive: true, force: true }),
    leave: async () => {
      await controlPlane?.stop();
      controlPlane = undefined;
    },
    comeBack: async () => {
      controlPlane ??= await open();
    },
    close: async () => {
      for (const agent of agents)
        if (agent.process.exitCode === null) await agent.kill('SIGKILL').catch(() => undefined);
      await controlPlane?.stop();
      await network.close();
      rmSync(place, { recursive: true, force: true });
    },
  };
}

/** Writes a file with a content; for units and damage. */
export const put = (path: string, content: string): void => writeFileSync(path, content);

/** Waits until the agent itself, and not the process before it, says that it enforces a policy that knows its units. */
export const enforcing = (agent: RealAgent): Promise<Status> =>
  takesPolicy(agent).catch(error => {
    throw new Error(`${error.message}: ${agent.out()}${agent.err()}${JSON.stringify(agent.status())}`);
  });

const takesPolicy = (agent: RealAgent): Promise<Status> =>
  until(`${agent.host.name} to enforce`, () => {
    if (agent.process.exitCode !== null)
      throw new Error(`${agent.host.name} ended: ${agent.out()}${agent.err()}`);
    const status = agent.status();
    return status && status.startedAt >= agent.begun && status.active && status.active.units > 0
      ? status
      : undefined;
  });

/** The kernel's list of log groups that somebody reads: the second word of a line is the process. */
const READERS = '/proc/self/net/netfilter/nfnetlink_log';

/** Waits until what the kernel logs is read by a program of this very agent, and not by what an earlier one has left. */
export const recording = ({ host, process: { pid = 0 } }: RealAgent): Promise<true> =>
  until(`a reader of ${host.name}`, async () => {
    const lines = (await host.run('cat', [READERS])).trim().split('\n');
    return lines.some(line => isBelow(Number(line.trim().split(/\s+/)[1] ?? 0), pid)) || undefined;
  });
