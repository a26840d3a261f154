import { createHash, randomBytes } from 'node:crypto';
import { CreateStateMachineCommand, SFNClient } from '@aws-sdk/client-sfn';
import { describe, expect, it, vi } from 'vitest';
import { openBucket } from '../../shared/adapters/aws/bucket.ts';
import { openBundleAccess } from '../../shared/adapters/aws/bundle-access.ts';
import { openBus } from '../../shared/adapters/aws/bus.ts';
import { openChangeFeed } from '../../shared/adapters/aws/change-feed.ts';
import { openConnections } from '../../shared/adapters/aws/connections.ts';
import { openFlowStore } from '../../shared/adapters/aws/flow-store.ts';
import { openObjectStore } from '../../shared/adapters/aws/object-store.ts';
import { openPublications } from '../../shared/adapters/aws/publications.ts';
import { openSigner } from '../../shared/adapters/aws/signer.ts';
import { openUploads } from '../../shared/adapters/aws/uploads.ts';
import { openWorkflows } from '../../shared/adapters/aws/workflows.ts';
import { systemClock } from '../../shared/adapters/local/clock.ts';
import { bucketContract } from '../contract/bucket.ts';
import { bundleAccessContract } from '../contract/bundle-access.ts';
import { busContract } from '../contract/bus.ts';
import { changeFeedContract } from '../contract/change-feed.ts';
import { connectionsContract } from '../contract/connections.ts';
import { flowStoreContract } from '../contract/flow-store.ts';
import { ACTIVITY_DAYS } from '../contract/object-store/given.ts';
import { objectStoreContract } from '../contract/object-store.ts';
import { publicationsContract } from '../contract/publications.ts';
import { signerContract } from '../contract/signer.ts';
import { uploadsContract } from '../contract/uploads.ts';
import { CONTRACT_MACHINE, workflowsContract } from '../contract/workflows.ts';
import { testClock } from '../make/clock.ts';
import { partition } from './lane/delivery.ts';
import { clientOf } from './lane/gateway.ts';
import { installation } from './lane/installation.ts';
import { listen } from './lane/listen.ts';
import { invoke } from './lane/request.ts';
import { freshTable } from './lane/table.ts';

const { config, connection, wire, has, callsFunctions: isMoto } = installation();
/** Runs a suite, or says that the endpoint lacks its service. */
const on = (service: string, suite: () => void): void => {
  if (has(service)) suite();
  else describe.skip(`${service}: this endpoint lacks it`, () => it('is not run', () => {}));
};

const stop = async (): Promise<void> => {};
/** Chance that differs from run to run, time that is the test's. */
const clock = { ...testClock(), randomBytes: (size: number) => randomBytes(size) };

on('dynamodb', () =>
  objectStoreContract(
    'DynamoDB',
    async () => {
      const { tableName, drop } = await freshTable(connection);
      const store = () => openObjectStore({ ...connection, tableName, activityDays: ACTIVITY_DAYS }, clock);
      return { store: store(), other: store(), clock, stop: drop };
    },
    { histories: 5 },
  ),
);

on('dynamodb', () =>
  changeFeedContract('DynamoDB Streams', async () => {
    const { tableName, drop } = await freshTable(connection);
    const table = { ...connection, tableName };
    return { store: openObjectStore(table, clock), feed: openChangeFeed(table), stop: drop };
  }),
);

on('dynamodb', () =>
  publicationsContract('DynamoDB', async () => {
    const { tableName, drop } = await freshTable(connection);
    return { publications: openPublications({ ...connection, tableName }), stop: drop };
  }),
);

on('dynamodb', () =>
  connectionsContract('DynamoDB and API Gateway', async () => {
    const { tableName, drop } = await freshTable(connection);
    const gateway = { ...connection, endpoint: config.EVENTS_URL.replace(/^ws/, 'http') };
    return {
      connections: openConnections({ ...connection, tableName, gateway }, systemClock),
      open: async id => {
        const client = clientOf(config.EVENTS_URL, id);
        await client.open();
        return client;
      },
      stop: drop,
    };
  }),
);

on('s3', () =>
  bucketContract(
    'S3',
    async () => ({ bucket: openBucket({ ...connection, bucket: config.BUNDLES_BUCKET }), stop }),
    {
      racers: 20,
      runs: 10,
    },
  ),
);

on('s3', () =>
  uploadsContract('S3', async () => {
    const place = { ...connection, bucket: config.BUNDLES_BUCKET };
    const now = () => new Date();
    // moto looks at no signature.
    return { uploads: openUploads(place, { now }), bucket: openBucket(place), now, enforces: !isMoto, stop };
  }),
);

on('kms', () =>
  signerContract(
    'KMS',
    async () => ({ signer: openSigner({ ...connection, keyId: config.TARGETS_KEY_ID }), stop }),
    // moto hashes a digest once more. That it verifies so proves that the digest which was sent is the right one.
    data =>
      isMoto && (data.length === 0 || data.length > 4096) ? createHash('sha256').update(data).digest() : data,
  ),
);

on('events', () =>
  busContract('EventBridge', async () => {
    const { received, stop: hangUp } = await listen(wire, config.BUS_NAME);
    return { bus: openBus({ ...connection, busName: config.BUS_NAME }), received, stop: hangUp };
  }),
);

on('sts', () =>
  bundleAccessContract('STS', async () => {
    const access = openBundleAccess({
      ...connection,
      bucket: config.BUNDLES_BUCKET,
      roleArn: config.BUNDLE_READER_ROLE_ARN,
    });
    return { access, now: () => new Date(), mayRead: async () => true, enforces: false, stop };
  }),
);

on('stepfunctions', () =>
  workflowsContract('Step Functions', async () => {
    const client = new SFNClient(connection);
    const { stateMachineArn = '' } = await client.send(
      new CreateStateMachineCommand({
        name: `contract-${randomBytes(6).toString('hex')}`,
        // biome-ignore lint/suspicious/noTemplateCurlyInString: a substitution of the definition
        definition: CONTRACT_MACHINE.replace('${Ask}', 'lane-ask'),
        roleArn: config.BUNDLE_READER_ROLE_ARN,
      }),
    );
    const token = (execution: string) =>
      vi.waitFor(async () => {
        const found = await invoke(wire, 'lane-asked', execution);
        return typeof found === 'string' ? found : expect.fail('the task has not begun');
      }, 10_000);
    const workflows = openWorkflows({ ...connection, machines: { 'onboard-account': stateMachineArn } });
    // moto's SendTaskFailure drops the cause.
    return { workflows, ...(isMoto && { token }), stop };
  }),
);

on('kinesisfirehose', () =>
  flowStoreContract('Firehose and S3', async () => ({
    flows: openFlowStore({ ...connection, stream: config.FLOW_STREAM, bucket: config.FLOWS_BUCKET }),
    delivered: () => partition(wire, config.FLOWS_BUCKET),
    stop,
  })),
);
