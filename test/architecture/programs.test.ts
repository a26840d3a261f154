import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

/** What of the agent starts programs, and which. Whoever adds one says why files, or nft, can't tell the same. */
const STARTS: Readonly<Record<string, string>> = {
  'clients/enforcer/flows/child.ts': 'tcpdump, conntrack',
  'clients/enforcer/life/service.ts':
    'of an installation: systemctl and journalctl; without systemd setsid and the agent',
  'clients/enforcer/names/system.ts': 'conntrack',
  'clients/enforcer/nft/command.ts': 'nft; conntrack',
  'clients/enforcer/nft/interactive.ts': 'nft',
  'clients/enforcer/nft/monitor.ts': 'nft',
  'clients/enforcer/runner/gap.ts': 'of a runner: nft',
  'clients/enforcer/runner/places.ts':
    'of a runner: systemctl, systemd-run; without systemd flock and setsid',
  'clients/enforcer/runner/steps.ts': 'of a runner: a release',
  'clients/host/host.ts':
    'for own-host.ts nft, and on a node of Kubernetes what knows of the cluster; for a preflight unshare',
};

const sources = ['clients/enforcer', 'clients/host'].flatMap(folder =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.ts'))
    .map(name => join(folder, name)),
);

test('an agent starts programs in few places, and each is known', () => {
  const found = sources.filter(path => readFileSync(path, 'utf8').includes("'node:child_process'"));
  expect(found.sort()).toEqual(Object.keys(STARTS).sort());
});
