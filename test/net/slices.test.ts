import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Network, openNetwork } from '../../local/hosts/network.ts';
import { bootSystemd, type Machine, missing, NODE_THERE } from './hosts/systemd.ts';

const HOST = fileURLToPath(new URL('../../clients/host/', import.meta.url));

const FILES = {
  // As docs/enforcer.md has it.
  'web.slice':
    '[Unit]\nDefaultDependencies=no\nBefore=prisma-enforcer-boot.service\n[Install]\nWantedBy=sysinit.target\n',
  'web.service': '[Service]\nSlice=web.slice\nExecStart=/bin/sleep 1000\n',
};

describe.skipIf(missing().length > 0)('on a machine with systemd', () => {
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

  test('a unit that is told by a slice of its own has the same control group before its service starts, while it runs, and after it was started again', async () => {
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

  const SERVICES: Readonly<Record<string, string>> = {
    runs: 'ExecStart=/bin/sleep 1000',
    done: 'Type=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true',
    ended: 'Type=oneshot\nExecStart=/bin/true',
    failed: 'Type=oneshot\nExecStart=/bin/false',
    stopped: 'ExecStart=/bin/sleep 1000',
    masked: 'ExecStart=/bin/sleep 1000',
  };

  test('files tell of services what systemctl does', async () => {
    const { run } = machine;
    const names = Object.keys(SERVICES);
    for (const [name, text] of Object.entries(SERVICES)) {
      const file = `/usr/lib/systemd/system/told-${name}.service`;
      await run('sh', '-c', 'printf "[Service]\n$2\n" > "$1"', 'sh', file, text);
    }
    await run('systemctl', 'daemon-reload');
    for (const name of names) await run('systemctl', 'start', `told-${name}`).catch(() => undefined);
    await run('systemctl', 'stop', 'told-stopped');
    await run('systemctl', 'mask', '--now', 'told-masked');
    const script = `
      const { hostAt } = await import('${HOST}host.ts');
      const { stateOf } = await import('${HOST}units.ts');
      for (const unit of process.argv.slice(1)) console.log(await stateOf(hostAt('/'), unit));`;
    const units = [...names, 'nothing'].map(name => `told-${name}.service`);
    const node = [NODE_THERE, '--disable-warning=ExperimentalWarning', '--input-type=module', '-e', script];
    const told = (await run(...node, '--', ...units)).trim().split('\n');
    for (const [at, unit] of units.entries()) {
      const said = await run('systemctl', 'show', '-p', 'LoadState,ActiveState', unit);
      const state = said.includes('ActiveState=active') ? 'active' : 'inactive';
      expect(told[at], unit).toBe(said.includes('LoadState=loaded') ? state : 'absent');
    }
    expect(told).toEqual(['active', 'active', 'inactive', 'inactive', 'inactive', 'absent', 'absent']);
  });
});
