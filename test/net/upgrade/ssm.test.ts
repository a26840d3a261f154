import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ControlPlane, startControlPlane } from '../../../local/control-plane.ts';
import { openRunnerPlaces } from '../../../shared/adapters/aws/runner-place.ts';
import { callOf, startScript } from '../../../shared/core/runner-script.ts';
import type { Enforcer } from '../../../shared/schema/enforcer.ts';
import { NamespacePath } from '../../../shared/schema/ids.ts';
import { openSsmEndpoint, type SsmEndpoint } from '../../make/ssm-endpoint.ts';
import { NAMESPACE } from '../fleet.ts';
import { bootSystemd, type Machine, missing, NODE_THERE, statusOf, untilEnforces } from '../hosts/systemd.ts';
import { until } from '../until.ts';
import { openStage, type Stage } from './stage.ts';

const INSTANCE = { account: '123456789012', region: 'eu-west-1', id: 'i-0123456789abcdef0' };
const SILENT = { info: () => undefined, warn: () => undefined, error: () => undefined };

const lacking = missing();
if (lacking.length > 0) console.log(`an instance with a dead agent: skipped: it needs ${lacking.join(', ')}`);

describe.skipIf(lacking.length > 0)('an EC2 instance whose agent is dead', () => {
  let stage: Stage;
  let machine: Machine;
  let ssm: SsmEndpoint;
  let controlPlane: ControlPlane;

  const status = () => statusOf(machine);
  const enforces = (version: string) => untilEnforces(machine, version);
  const enforcer = async (): Promise<Enforcer> => {
    const { items } = await controlPlane.deps.store.list('enforcer', NamespacePath.parse(NAMESPACE), {
      limit: 1,
    });
    const [found] = items;
    if (!found) throw new Error('no enforcer');
    return found;
  };
  /** As five minutes without a poke leave it, and, where it is proven, the AWS identity of its instance before. */
  const gone = async (more: Partial<Enforcer>): Promise<void> => {
    const object = { ...(await enforcer()), unreachable: true, instance: INSTANCE, ...more };
    await controlPlane.deps.store.commit([{ kind: 'refresh', resource: 'enforcer', object }]);
  };
  const upgraded = async () => {
    const { ID, ...ended } = await stage.upgrade({
      targetVersion: '2.0.0',
      canary: 0,
      waves: 1,
      soak: '1s',
      hostTimeout: '1m',
      failureThreshold: '0',
    });
    const asked = { namespace: NAMESPACE, params: { id: ID } };
    const { body } = await stage.fleet.client.call('listUpgradeHosts', asked);
    return { ended, host: body[0] };
  };

  beforeAll(async () => {
    stage = await openStage(
      [{ name: 'web', addresses: ['10.0.0.1'], tags: [] }],
      [{ version: '1.0.0' }, { version: '2.0.0' }],
    );
    const { fleet, files } = stage;
    machine = await bootSystemd(fleet.network.host('web'));
    ssm = await openSsmEndpoint(INSTANCE.id, script =>
      machine.run('sh', '-c', script).then(
        out => ({ code: 0, out, err: '' }),
        error => ({ code: 1, out: '', err: String(error.stderr ?? error) }),
      ),
    );
    const { hostname, port } = new URL(fleet.controlPlane().url);
    await fleet.leave();
    controlPlane = await startControlPlane({
      data: join(fleet.place, 'data'),
      host: hostname,
      port: Number(port),
      log: SILENT,
      releases: dirname(files[0] ?? ''),
      runnerPlaces: openRunnerPlaces({
        account: INSTANCE.account,
        endpoint: ssm.url,
        credentials: { accessKeyId: 'a', secretAccessKey: 's' },
        glance: 100,
      }),
    });
    const { body } = await fleet.client.call('createInstalltoken', { namespace: NAMESPACE, body: {} });
    await machine.run(
      ...([NODE_THERE, files[0] ?? '', 'install', '-n', NAMESPACE, '--api', controlPlane.url] as const),
      ...['--root', join(fleet.place, 'data/root.json'), '--token', body.token ?? ''],
      ...['--opts', '--name web --machine-id web --tag app=web'],
    );
    await enforces('1.0.0');
    await until('the facts', async () => ((await enforcer()).facts ? true : undefined));
    // It dies, and nobody starts it again.
    const dead = '/run/systemd/system/prisma-enforcer.service.d';
    const lines = `mkdir ${dead}; printf '[Service]\nRestart=no\n' > ${dead}/dead.conf; systemctl daemon-reload`;
    await machine.run('sh', '-c', lines);
    await machine.run('systemctl', 'kill', '--signal=KILL', 'prisma-enforcer.service');
    await until('the agent to be dead', async () => ((await status()).running ? undefined : true));
  });
  afterAll(async () => {
    await controlPlane?.stop();
    await ssm?.close();
    await machine?.close();
    await stage?.close();
  });

  test('is sent nothing while the enforcer only says that it is that one', async () => {
    await gone({});
    const { ended, host } = await upgraded();
    expect(ended.status).toBe('Refused');
    expect(host?.reason).toContain(`it is instance ${INSTANCE.id} is its own word alone`);
    expect(ssm.sent).toEqual([]);
    expect((await status()).version).toBe('1.0.0');
  });

  test('is upgraded by the runner that SSM Run Command starts there', async () => {
    await gone({ verifiedInstance: INSTANCE });
    const { ended, host } = await upgraded();
    expect([ended.status, ended.reason, host?.reason]).toEqual(['Succeeded', '', '']);
    expect(host).toMatchObject({
      state: 'Upgraded',
      ranBy: 'ssm',
      instance: INSTANCE.id,
      openMilliseconds: 0,
    });
    await enforces('2.0.0');
    // One call: the runner that it started carried out both directives.
    const [first = ''] = (await enforcer()).migration?.done ?? [];
    expect(ssm.sent).toEqual([startScript(callOf(first))]);
    expect(await machine.run('nft', 'list', 'tables')).toContain('table inet prisma\n');
  });
});
