import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Network, openNetwork } from '../../local/hosts/network.ts';
import { bootSystemd, type Machine, missing } from './hosts/systemd.ts';

const FILES = {
  // As docs/enforcer.md has it.
  'web.slice':
    '[Unit]\nDefaultDependencies=no\nBefore=prisma-enforcer-boot.service\n[Install]\nWantedBy=sysinit.target\n',
  'web.service': '[Service]\nSlice=web.slice\nExecStart=/bin/sleep 1000\n',
};

describe.skipIf(missing().length > 0)('a unit that is told by a slice of its own', () => {
  let network: Network;
  let machine: Machine;
  beforeAll(async () => {
    network = await openNetwork([{ name: 'one', addresses: ['10.0.0.1'] }]);
    machine = await bootSystemd(network.host('one'));
  }, 120_000);
  afterAll(async () => {
    await machine?.close();
    await network?.close();
  });

  test('has the same control group before its service starts, while it runs, and after it was started again', async () => {
    const { run } = machine;
    for (const [name, text] of Object.entries(FILES))
      await run('sh', '-c', 'printf %s "$2" > "/etc/systemd/system/$1"', 'sh', name, text);
    await run('systemctl', 'daemon-reload');
    await run('systemctl', 'enable', '--now', 'web.slice');
    const group = () => run('stat', '-c', '%i', '/sys/fs/cgroup/web.slice');
    const before = await group();
    for (const verb of ['start', 'restart', 'stop', 'start']) {
      await run('systemctl', verb, 'web.service');
      expect(await group(), verb).toBe(before);
    }
    expect(await run('systemctl', 'show', '-P', 'ControlGroup', 'web.service')).toBe(
      '/web.slice/web.service\n',
    );
  });
});
