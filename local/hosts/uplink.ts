import { execFileSync } from 'node:child_process';
import type { Host, Network } from './network.ts';

/** Address of the control plane, and of the hosts towards it: of the link alone, so that no host tells them as its own. */
const HERE = '169.254.77.1';
const there = (at: number): string => `169.254.77.${10 + at}`;

const ip = (...args: string[]): void => void execFileSync('ip', args, { stdio: 'pipe' });

/** Joins the hosts with this process's own namespace, where the control plane runs; it goes with the network. */
export async function openUplink({
  hosts,
  bridge,
}: Pick<Network, 'hosts' | 'bridge'>): Promise<{ address: string }> {
  const name = `ms${process.pid}`;
  ip(
    '-n',
    bridge,
    'link',
    'add',
    'uplink',
    'type',
    'veth',
    'peer',
    'name',
    name,
    'netns',
    String(process.pid),
  );
  ip('-n', bridge, 'link', 'set', 'uplink', 'master', 'br0', 'up');
  ip('addr', 'add', `${HERE}/24`, 'dev', name);
  ip('link', 'set', name, 'up');
  for (const [at, host] of hosts.entries()) await joinUplink(host, at);
  return { address: HERE };
}

async function joinUplink({ netns, behind }: Host, at: number): Promise<void> {
  if (behind !== undefined) return;
  ip('-n', netns, 'addr', 'add', `${there(at)}/24`, 'dev', 'eth0');
}
