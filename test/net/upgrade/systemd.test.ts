import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { NAMESPACE } from '../fleet.ts';
import { bootSystemd, type Machine, missing, NODE_THERE, untilEnforces } from '../hosts/systemd.ts';
import { until } from '../until.ts';
import { openStage, SHORT_SOAK, type Stage } from './stage.ts';

const RUNNER = 'prisma-enforcer-upgrade.service';

const lacking = missing();
if (lacking.length > 0) console.log(`a host with systemd: skipped: it needs ${lacking.join(', ')}`);

describe.skipIf(lacking.length > 0)('a host with systemd', () => {
  let stage: Stage;
  let machine: Machine;

  const install = async (node: string) => {
    const { fleet, files } = stage;
    const { body } = await fleet.client.call('createInstalltoken', { namespace: NAMESPACE, body: {} });
    return machine.run(
      ...[node, files[0] ?? '', 'install', '-n', NAMESPACE, '--api', fleet.controlPlane().url],
      ...['--root', join(fleet.place, 'data/root.json'), '--token', body.token ?? ''],
      ...['--opts', '--name web --machine-id web --tag app=web'],
    );
  };
  const isActive = (unit: string) =>
    machine.run('systemctl', 'is-active', unit).then(
      () => true,
      () => false,
    );
  const enforces = (version: string) => untilEnforces(machine, version);

  /** Whichever fails first is the test's failure: neither is left to fail when nobody listens any more. */
  const upgradedWhile = async (spec: object, meanwhile: () => Promise<void>): Promise<string> => {
    const [{ status: ended }] = await Promise.all([stage.upgrade(spec), meanwhile()]);
    return ended;
  };

  beforeAll(async () => {
    stage = await openStage(
      [{ name: 'web', addresses: ['10.0.0.1'], tags: [] }],
      [{ version: '1.0.0' }, { version: '2.0.0' }],
    );
    machine = await bootSystemd(stage.fleet.network.host('web'));
  });
  afterAll(async () => {
    await machine?.close();
    await stage?.close();
  });

  test('a service of a Node among the temporary files is refused, and nothing is installed', async () => {
    const folder = (await machine.run('mktemp', '--directory')).trim();
    await machine.run('cp', NODE_THERE, folder);
    await expect(install(join(folder, 'node'))).rejects.toThrow(
      `the service would start ${folder}/node, and sees no temporary folders`,
    );
    expect(await machine.run('find', '/etc', '/usr/sbin', '/var/lib', '-name', 'prisma-enforcer*')).toBe('');
    await machine.run('rm', '-r', folder);
  });

  test('a service that does not start is refused with what systemctl says', async () => {
    const unit = '/etc/systemd/system/prisma-enforcer-boot.service.d';
    await machine.run('mkdir', unit);
    await machine.run('sh', '-c', `printf '[Service]\nExecStartPre=/bin/false\n' > ${unit}/broken.conf`);
    await expect(install(NODE_THERE)).rejects.toThrow(
      /could not start the service; .*\nJob for prisma-enforcer-boot.service failed because/,
    );
    await machine.run('rm', '-r', unit);
    await machine.run('prisma-enforcer', 'uninstall');
  });

  test('is installed, and enforces', async () => {
    await install(NODE_THERE);
    await enforces('1.0.0');
  });

  test('the confined agent hands its order over, and the runner is a unit of its own that survives it', async () => {
    const to = { targetVersion: '2.0.0', canary: 1, soak: SHORT_SOAK, hostTimeout: '4m' };
    const ended = await upgradedWhile(to, async () => {
      await until('the runner', async () => ((await isActive(RUNNER)) ? true : undefined));
      const resumes = await machine.run('systemctl', 'is-enabled', 'prisma-enforcer-resume.service');
      expect(resumes).toBe('enabled\n');
      const group = await machine.run('systemctl', 'show', '-p', 'ControlGroup', '--value', RUNNER);
      expect(group).toBe(`/system.slice/${RUNNER}\n`);
      await until('the agent to be gone', async () =>
        (await isActive('prisma-enforcer.service')) ? undefined : true,
      );
      // All of the unit at once, and systemd starts it again.
      await machine.run('systemctl', 'kill', '--kill-whom=all', '--signal=KILL', RUNNER);
    });
    expect(ended).toBe('Succeeded');
    await enforces('2.0.0');
    await until('the runner to leave', async () => ((await isActive(RUNNER)) ? undefined : true));
    for (const unit of ['prisma-enforcer.service', 'prisma-enforcer-runner.path'])
      expect(await isActive(unit), unit).toBe(true);
    const { body } = await stage.fleet.client.call('listEnforcer', { namespace: NAMESPACE });
    expect(body.map(({ migration }) => migration?.openMilliseconds)).toEqual([0]);
  });

  test('a reset while no agent is installed: the rules are back at once, and the runner goes on', async () => {
    const back = {
      targetVersion: '1.0.0',
      allowDowngrade: true,
      canary: 1,
      soak: SHORT_SOAK,
      hostTimeout: '4m',
    };
    const isGone = 'test -e /var/lib/prisma-enforcer/installed.json || echo gone';
    const ended = await upgradedWhile(back, async () => {
      await until('the agent to be gone', async () =>
        (await machine.run('sh', '-c', isGone)) === 'gone\n' ? true : undefined,
      );
      await machine.reset();
      expect(await machine.run('nft', 'list', 'tables')).toContain('table inet prisma\n');
    });
    expect(ended).toBe('Succeeded');
    await enforces('1.0.0');
    await until('the runner to leave', async () => ((await isActive(RUNNER)) ? undefined : true));
  });

  test('an uninstall after it leaves no unit, no file, no process and no rule', async () => {
    await machine.run('prisma-enforcer', 'uninstall');
    const files = "find /etc /usr/sbin /usr/lib /var/lib /run -xdev -name '*prisma-enforcer*'";
    expect(await machine.run('sh', '-c', files)).toBe('');
    expect(await machine.run('sh', '-c', "systemctl list-units --all --no-legend 'prisma*'")).toBe('');
    expect(await machine.run('nft', 'list', 'ruleset')).toBe('');
    expect(await machine.run('sh', '-c', 'pgrep -f "[p]risma-enforcer" || true')).toBe('');
  });
});
