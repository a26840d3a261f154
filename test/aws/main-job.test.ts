import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { ListExecutionsCommand, SFNClient } from '@aws-sdk/client-sfn';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Stage } from '../../local/play.ts';
import { ACCOUNTS, accountPath } from '../../local/scenario.ts';
import { openBucket } from '../../shared/adapters/aws/bucket.ts';
import { openBus } from '../../shared/adapters/aws/bus.ts';
import { clientConfig } from '../../shared/adapters/aws/client.ts';
import { createClient, credentialToken } from '../../shared/api/client.ts';
import { Credential } from '../../shared/schema/appcredential.ts';
import { mainJob } from '../journeys/main-job.ts';
import { installation } from './lane/installation.ts';
import { invoke } from './lane/request.ts';

const { config, connection, wire, bootstrap, callsFunctions } = installation();

/**
 * The same job as in one process, over DynamoDB and its stream, EventBridge, Step Functions, KMS, S3 and STS. Needs an
 * endpoint whose services call the functions, which only the lane's own does without containers.
 */
describe.skipIf(!callsFunctions)('the main job over the AWS adapters', () => {
  let stage: Stage;

  beforeAll(async () => {
    const credential = Credential.parse(await invoke(wire, bootstrap, {}));
    const bus = openBus({ ...connection, busName: config.BUS_NAME });
    const root = await openBucket({ ...connection, bucket: config.BUNDLES_BUCKET }).get('root/1.root.json');
    stage = {
      client: createClient({
        api: config.API_URL,
        token: credentialToken(credential, { now: Date.now, randomBytes }),
      }),
      // Every event twice: the bus delivers at least once.
      publish: async event => {
        await bus.publish(event);
        await bus.publish(event);
      },
      root: root.found && root.modified ? root.body : new Uint8Array(),
      now: () => new Date(),
      say: () => {},
    };
  });

  mainJob(() => stage);

  /** Until it is so, or a minute is over. */
  const eventually = async (what: string, holds: () => Promise<boolean>): Promise<void> => {
    for (let waited = 0; waited < 60; waited += 1) {
      if (await holds()) return;
      await sleep(1000);
    }
    throw new Error(`${what} did not come within a minute`);
  };

  test('a mapping that comes moves the units that are there already', async () => {
    const { client } = stage;
    const [account] = ACCOUNTS;
    const namespace = account ? accountPath(account) : '';
    await client.call('createNamespace', { namespace, body: { name: 'mapped' } });
    const input = { name: 'moves', type: 'Docker', associatedTags: ['app=moves'] } as const;
    const { body: unit } = await client.call('createProcessingunit', { namespace, body: { ...input } });
    expect(unit.namespace).toBe(namespace);
    await client.call('createNamespacemappingpolicy', {
      namespace,
      body: { name: 'moves', subject: [['app=moves']], mappedNamespace: 'mapped' },
    });
    await eventually('the move', async () => {
      const { body } = await client.call('listProcessingunit', { namespace: `${namespace}/mapped` });
      return body.some(({ ID }) => ID === unit.ID);
    });
  });

  test('a namespace that comes has the units that a mapping meant for it, and the executions end', async () => {
    const { client } = stage;
    const [account] = ACCOUNTS;
    const namespace = account ? accountPath(account) : '';
    const input = { name: 'waits', type: 'Docker', associatedTags: ['app=waits'] } as const;
    const { body: unit } = await client.call('createProcessingunit', { namespace, body: { ...input } });
    const { messages } = await client.call('createNamespacemappingpolicy', {
      namespace,
      body: { name: 'waits', subject: [['app=waits']], mappedNamespace: 'late' },
    });
    expect(messages).toEqual([
      `there is no namespace ${namespace}/late yet; processing units are moved once it is made`,
    ]);
    await client.call('createNamespace', { namespace, body: { name: 'late' } });
    await eventually('the move', async () => {
      const { body } = await client.call('listProcessingunit', { namespace: `${namespace}/late` });
      return body.some(({ ID }) => ID === unit.ID);
    });
    const sfn = new SFNClient(clientConfig(connection));
    await eventually('the end', async () => {
      const list = new ListExecutionsCommand({ stateMachineArn: config.MOVE_UNITS_ARN });
      const { executions = [] } = await sfn.send(list);
      return executions.length > 0 && executions.every(({ status }) => status === 'SUCCEEDED');
    });
  });

  test('a namespace is removed with all that is below it, by the workflow', async () => {
    const { client } = stage;
    const [account] = ACCOUNTS;
    const parent = account ? accountPath(account) : '';
    const { body: top } = await client.call('createNamespace', { namespace: parent, body: { name: 'old' } });
    const path = `${parent}/old`;
    await client.call('createNamespace', { namespace: path, body: { name: 'below' } });
    const network = { name: 'net', entries: ['192.0.2.0/24'] };
    await client.call('createExternalnetwork', { namespace: `${path}/below`, body: network });
    await client.call('deleteNamespace', {
      namespace: parent,
      params: { id: top.ID },
      query: { recursive: true },
    });
    const { body: seen } = await client.call('listNamespace', {
      namespace: parent,
      query: { recursive: true },
    });
    expect(seen.filter(({ name }) => name.startsWith(path))).toEqual([]);
    // It is hidden at once; its name is free again when nothing is left of it.
    await eventually('the removal', () =>
      client.call('createNamespace', { namespace: parent, body: { name: 'old' } }).then(
        () => true,
        () => false,
      ),
    );
    const { body: left } = await client.call('listExternalnetwork', {
      namespace: path,
      query: { recursive: true },
    });
    expect(left).toEqual([]);
  });

  test('an import of many objects is uploaded, looked at and applied, by the workflow', async () => {
    const { client } = stage;
    const [account] = ACCOUNTS;
    const namespace = account ? accountPath(account) : '';
    const document = JSON.stringify({
      label: 'many',
      data: {
        namespaces: [{ name: 'imported' }],
        externalnetworks: Array.from({ length: 60 }, (_, at) => ({
          name: `n${at}`,
          entries: ['192.0.2.0/24'],
          namespace: 'imported',
        })),
      },
    });
    const body = { size: document.length };
    const { body: created } = await client.call('createImport', { namespace, body });
    const { ID: id, upload } = created;
    const { 'content-length': _, ...headers } = upload?.headers ?? {};
    const put = await fetch(upload?.url ?? '', { method: 'PUT', headers, body: document });
    expect(put.status, await put.text()).toBe(200);
    await client.call('startImport', { namespace, params: { id } });
    const look = async () => (await client.call('getImport', { namespace, params: { id } })).body;
    await eventually('the end of the import', async () => (await look()).endTime !== undefined);
    expect(await look()).toMatchObject({ status: 'Succeeded', total: 61, created: 61, applied: 61 });
    const { body: there } = await client.call('listExternalnetwork', { namespace: `${namespace}/imported` });
    expect(there).toHaveLength(60);
  });

  test('of two imports of a label that are started at one moment one is, and the other when that has ended', async () => {
    const { client } = stage;
    const [account] = ACCOUNTS;
    const namespace = account ? accountPath(account) : '';
    const body = { label: 'alone', mode: 'Remove' } as const;
    const made = await Promise.all([1, 2].map(() => client.call('createImport', { namespace, body })));
    const IDs = made.map(({ body: { ID } }) => ID);
    const starts = IDs.map(id => client.call('startImport', { namespace, params: { id } }));
    const answers = await Promise.allSettled(starts);
    const won = IDs[answers.findIndex(({ status }) => status === 'fulfilled')] ?? '';
    const lost = IDs[answers.findIndex(({ status }) => status === 'rejected')] ?? '';
    const refused = answers.find(answer => answer.status === 'rejected');
    expect(String(refused?.reason)).toContain(`import ${won} with the label`);
    const ended = async (id: string) =>
      (await client.call('getImport', { namespace, params: { id } })).body.endTime !== undefined;
    await eventually('the end of the first', () => ended(won));
    await client.call('startImport', { namespace, params: { id: lost } });
    await eventually('the end of the second', () => ended(lost));
  });

  test('the activity log answers by time', async () => {
    const { client } = stage;
    const [account] = ACCOUNTS;
    const namespace = account ? accountPath(account) : '';
    const { body: all } = await client.call('listActivities', { namespace, query: { startRelative: '1h' } });
    expect(all.length).toBeGreaterThan(3);
    const middle = all[1]?.date ?? '';
    const window = (query: Record<string, string>) => client.call('listActivities', { namespace, query });
    const { body: newer } = await window({ startAbsolute: middle, endRelative: '0s' });
    expect(newer.map(({ ID }) => ID)).toEqual(all.filter(({ date }) => date >= middle).map(({ ID }) => ID));
    const { body: older } = await window({ startAbsolute: '2020-01-01', endAbsolute: middle });
    expect(older.every(({ date }) => date < middle)).toBe(true);
  });
});
