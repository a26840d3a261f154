import { randomBytes } from 'node:crypto';
import { beforeAll, describe } from 'vitest';
import type { Stage } from '../../local/play.ts';
import { openBucket } from '../../shared/adapters/aws/bucket.ts';
import { openBus } from '../../shared/adapters/aws/bus.ts';
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
});
