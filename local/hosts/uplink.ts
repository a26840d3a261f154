import { execFileSync } from 'node:child_process';
import { networkInterfaces } from 'node:os';
import type { Host, Network } from './network.ts';

/** Of the link alone, so that no host tells them as its own. The cloud's own service is at 169.254.169.254. */
const FIRST = 64;
const LAST = 127;

/** Addresses of the control plane, and of the hosts towards it, that no other network of this machine has taken. */
function freeLink(): { here: string; there: (at: number) => string } {
  const all = Object.values(networkInterfaces()).flatMap(links => links ?? []);
  const taken = new Set(all.map(({ address }) => /^169\.254\.(\d+)\./.exec(address)?.[1]));
  const span = LAST - FIRST + 1;
  for (let tried = 0; tried < span; tried++) {
    const third = FIRST + ((process.pid + tried) % span);
    if (!taken.has(String(third)))
      return { here: `169.254.${third}.1`, there: at => `169.254.${third}.${10 + at}` };
  }
  throw new Error(`no network of 169.254.${FIRST}.0 to 169.254.${LAST}.0 is free; end other demos and tests`);
}

const ip = (...args: string[]): void => void execFileSync('ip', args, { stdio: 'pipe' });

/** Joins the hosts with this process's own namespace, where the control plane runs; it goes with the network. */
export async function openUplink({
  hosts,
  bridge,
}: Pick<Network, 'hosts' | 'bridge'>): Promise<{ address: string }> {
  const name = `ms${process.pid}`;
  const { here, there } = freeLink();
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
  ip('addr', 'add', `${here}/24`, 'dev', name);
  ip('link', 'set', name, 'up');
  for (const [at, host] of hosts.entries()) await joinUplink(host, there(at));
  return { address: here };
}

async function joinUplink({ netns, behind }: Host, address: string): Promise<void> {
  if (behind !== undefined) return;
  ip('-n', netns, 'addr', 'add', `${address}/24`, 'dev', 'eth0');
}
