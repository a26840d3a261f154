import { execFileSync } from 'node:child_process';
import type { Host, Network } from './network.ts';

/** Of the link alone, so that no host tells them as its own. The cloud's own service is at 169.254.169.254. */
const FIRST = 64;
const LAST = 127;

const ip = (...args: string[]): string => execFileSync('ip', args, { stdio: 'pipe', encoding: 'utf8' });

/** Links of this machine that have an address of that network, also those that are not up yet. */
const holders = (third: number): string[] =>
  ip('-o', '-4', 'addr', 'show', 'to', `169.254.${third}.0/24`).split('\n').filter(Boolean);

/** Gives a link the first address of a network that no other link of this machine has, and says which: the third byte. */
function takeNetwork(link: string): number {
  const span = LAST - FIRST + 1;
  for (let tried = 0; tried < span; tried++) {
    const third = FIRST + ((process.pid + tried) % span);
    if (holders(third).length > 0) continue;
    const address = [`169.254.${third}.1/24`, 'dev', link];
    ip('addr', 'add', ...address);
    // Another run may have looked at the same moment: whoever sees that there are two goes on.
    if (holders(third).length === 1) return third;
    ip('addr', 'del', ...address);
  }
  throw new Error(`no network of 169.254.${FIRST}.0 to 169.254.${LAST}.0 is free; end other demos and tests`);
}

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
  const third = takeNetwork(name);
  ip('link', 'set', name, 'up');
  for (const [at, host] of hosts.entries()) await joinUplink(host, `169.254.${third}.${10 + at}`);
  return { address: `169.254.${third}.1` };
}

async function joinUplink({ netns, behind }: Host, address: string): Promise<void> {
  if (behind !== undefined) return;
  ip('-n', netns, 'addr', 'add', `${address}/24`, 'dev', 'eth0');
}
