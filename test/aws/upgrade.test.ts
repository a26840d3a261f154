import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { ListCommandsCommand, SSMClient } from '@aws-sdk/client-ssm';
import { beforeAll, describe, expect, test } from 'vitest';
import { clientConfig } from '../../shared/adapters/aws/client.ts';
import { openObjectStore } from '../../shared/adapters/aws/object-store.ts';
import { openPublications } from '../../shared/adapters/aws/publications.ts';
import { systemClock } from '../../shared/adapters/local/clock.ts';
import { type Client, createClient, credentialToken, type UpgradeStatus } from '../../shared/api/client.ts';
import { callOf, startScript } from '../../shared/core/runner-script.ts';
import { Credential } from '../../shared/schema/appcredential.ts';
import { NamespacePath, type ObjectId, tenantOf } from '../../shared/schema/ids.ts';
import { type WireHost, wireHost } from '../make/wire-host.ts';
import type { Fault } from './lane/faults.ts';
import { installation } from './lane/installation.ts';
import { invoke } from './lane/request.ts';

const { config, connection, wire, bootstrap, callsFunctions, has } = installation();

const [OLD, NEW] = ['7.0.0', '8.0.0'];
/** How long an upgrade may take here. */
const PATIENCE = 300_000;

/**
 * Upgrades by Step Functions: the distributed Map and its executions, waits, and task tokens that the functions of the
 * API and of the table's stream give back.
 */
describe.skipIf(!callsFunctions)('an upgrade by Step Functions', () => {
  let client: Client;

  beforeAll(async () => {
    const credential = Credential.parse(await invoke(wire, bootstrap, {}));
    client = createClient({
      api: config.API_URL,
      token: credentialToken(credential, { now: Date.now, randomBytes }),
    });
    for (const version of [OLD, NEW]) {
      const artifact = {
        name: `agent-${version}`,
        platform: 'linux',
        architecture: 'any',
        length: 1,
        sha256: 'a'.repeat(64),
      } as const;
      await client.call('createEnforcerrelease', {
        namespace: '/',
        body: { version, artifacts: [artifact] },
      });
    }
  });

  const fault = (said: Fault) => invoke(wire, 'lane-faults', said);

  const placeOf = (namespace: string, namespaceID: ObjectId) => ({
    api: config.API_URL,
    administrator: client,
    namespace,
    published: async () => {
      const publications = openPublications({ ...connection, tableName: config.TABLE_NAME });
      const tenant = tenantOf(NamespacePath.parse(namespace));
      return (await publications.get(tenant, namespaceID))?.digest ?? '';
    },
  });

  /** Hosts of a namespace of their own, the one of number `broken` of which cannot start the new version. */
  async function fleet(
    name: string,
    { count, broken }: { count: number; broken?: number },
  ): Promise<{ namespace: string; hosts: WireHost[] }> {
    const namespace = `/${name}`;
    const { body: made } = await client.call('createNamespace', { namespace: '/', body: { name } });
    const place = placeOf(namespace, made.ID);
    const hosts: WireHost[] = [];
    for (let number = 0; number < count; number += 1) {
      const cannot = number === broken ? { broken: [NEW] } : {};
      hosts.push(await wireHost(place, { name: `host-${number}`, version: OLD, ...cannot }));
    }
    return { namespace, hosts };
  }

  const begin = async (namespace: string, body: object): Promise<string> =>
    (await client.call('createEnforcerUpgrade', { namespace, body })).body.ID;
  const standing = async (namespace: string, id: string): Promise<UpgradeStatus> =>
    (await client.call('getEnforcerUpgrade', { namespace, params: { id } })).body;

  /** The hosts work until it holds. */
  async function until(
    { namespace, hosts }: { namespace: string; hosts: readonly WireHost[] },
    id: string,
    holds: (status: UpgradeStatus) => boolean,
  ): Promise<UpgradeStatus> {
    const deadline = Date.now() + PATIENCE;
    for (;;) {
      for (const host of hosts) await host.act();
      const status = await standing(namespace, id);
      if (holds(status)) return status;
      if (Date.now() > deadline) throw new Error(`it stands at ${JSON.stringify(status)}`);
      await sleep(500);
    }
  }
  const isOver = ({ endTime }: UpgradeStatus): boolean => endTime !== undefined;

  const SPEC = { targetVersion: NEW, canary: 1, waves: 1, failureThreshold: '1', soak: '1s' };
  const WANTED = {
    status: 'Succeeded',
    // Which host is the canary follows from IDs.
    waves: [1, 3],
    upgraded: 3,
    versions: [NEW, NEW, OLD, NEW],
    failures: [['Restored', 'the runner could not install it: the service did not start']],
  };

  async function upgraded(name: string): Promise<typeof WANTED> {
    const those = await fleet(name, { count: 4, broken: 2 });
    const id = await begin(those.namespace, SPEC);
    const { status, waves, progress } = await until(those, id, isOver);
    return {
      status,
      waves: waves.map(({ counts }) => counts?.hosts ?? 0),
      upgraded: waves.reduce((sum, { counts }) => sum + (counts?.upgraded ?? 0), 0),
      versions: those.hosts.map(({ version }) => version),
      failures: progress.failures.map(({ state, reason }) => [state, reason]),
    };
  }

  test(
    'takes hosts to another version, wave by wave, and the one that cannot start it goes back',
    async () => {
      await fault('none');
      expect(await upgraded('upgraded-plain')).toEqual(WANTED);
    },
    PATIENCE,
  );

  test(
    'ends the same when every task is delivered twice',
    async () => {
      await fault('twice');
      expect(await upgraded('upgraded-twice')).toEqual(WANTED);
      await fault('none');
    },
    PATIENCE,
  );

  test(
    'ends the same when every task dies once, its work done and its answer not given',
    async () => {
      await fault('dies');
      expect(await upgraded('upgraded-dying')).toEqual(WANTED);
      await fault('none');
    },
    PATIENCE,
  );

  test.skipIf(!has('ssm'))(
    'calls the runner of an EC2 instance whose agent is dead by SSM Run Command, whatever dies',
    async () => {
      const ssm = new SSMClient(clientConfig(connection));
      const instance = { account: config.RUNNER_ACCOUNT, region: wire.region, id: 'i-0fedcba9876543210' };
      const commands = async () =>
        (await ssm.send(new ListCommandsCommand({ InstanceId: instance.id }))).Commands ?? [];
      const namespace = '/upgraded-by-ssm';
      const body = { name: 'upgraded-by-ssm' };
      const { body: made } = await client.call('createNamespace', { namespace: '/', body });
      /** Directives that the agent did not see; the first one is what its runner is called for. */
      const called: string[] = [];
      const isDead = async (directive: string) => {
        if (!called.includes(directive)) called.push(directive);
        const said = (await commands()).flatMap(({ Parameters }) => Parameters?.commands ?? []);
        return !said.includes(startScript(callOf(directive)));
      };
      const place = placeOf(namespace, made.ID);
      const host = await wireHost(place, { name: 'dead', version: OLD, instance, isDead });
      const { body: enforcer } = await client.call('getEnforcer', { namespace, params: { id: host.ID } });
      const store = openObjectStore({ ...connection, tableName: config.TABLE_NAME }, systemClock);
      // As five minutes without a poke leave it, and the AWS identity of its instance before.
      const object = { ...enforcer, unreachable: true, verifiedInstance: instance };
      await store.commit([{ kind: 'refresh', resource: 'enforcer', object }]);
      await fault('dies');
      const id = await begin(namespace, { ...SPEC, canary: 0, forceChecks: ['facts'] });
      const { status } = await until({ namespace, hosts: [host] }, id, isOver);
      await fault('none');
      expect(status).toBe('Succeeded');
      const { body: told } = await client.call('listUpgradeHosts', { namespace, params: { id } });
      expect(told).toMatchObject([{ state: 'Upgraded', ranBy: 'ssm', instance: instance.id }]);
      expect(called).toHaveLength(1);
      const script = startScript(callOf(called[0] ?? ''));
      const sent = (await commands()).map(({ DocumentName, InstanceIds, Parameters }) => [
        DocumentName,
        InstanceIds,
        Parameters?.commands,
      ]);
      // One that died before it noted its call calls again. The script is the same, and starts one runner of its name.
      expect([1, 2]).toContain(sent.length);
      expect(sent).toEqual(sent.map(() => ['AWS-RunShellScript', [instance.id], [script]]));
    },
    PATIENCE,
  );

  test(
    'waits while it is paused, goes on when it is resumed, and ends when it is aborted',
    async () => {
      await fault('none');
      const those = await fleet('upgraded-paused', { count: 3 });
      const { namespace } = those;
      const id = await begin(namespace, { ...SPEC, waves: 2 });
      const ask = (verb: 'pauseEnforcerUpgrade' | 'resumeEnforcerUpgrade' | 'abortEnforcerUpgrade') =>
        client.call(verb, { namespace, params: { id } });
      await ask('pauseEnforcerUpgrade');
      const paused = await until(those, id, ({ status }) => status === 'Paused');
      expect(paused.progress.byState.Upgraded ?? 0).toBe(0);
      await ask('resumeEnforcerUpgrade');
      await until(those, id, ({ waves }) => waves[0]?.counts !== undefined);
      await ask('abortEnforcerUpgrade');
      const ended = await until(those, id, isOver);
      expect(ended.status).toBe('Aborted');
      const { body: hosts } = await client.call('listUpgradeHosts', { namespace, params: { id } });
      expect(hosts.filter(({ wave }) => wave === 0)).toMatchObject([{ state: 'Upgraded', reason: '' }]);
    },
    PATIENCE,
  );
});
