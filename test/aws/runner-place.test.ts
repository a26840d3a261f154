import { ListCommandsCommand, SSMClient } from '@aws-sdk/client-ssm';
import { describe, expect, it } from 'vitest';
import { clientConfig } from '../../shared/adapters/aws/client.ts';
import { openRunnerPlace } from '../../shared/adapters/aws/runner-place.ts';
import { startScript } from '../../shared/core/runner-script.ts';
import { installation } from './lane/installation.ts';

const { connection, has } = installation();
const INSTANCE = 'i-0123456789abcdef0';

/** The endpoint notes commands and runs none; test/adapters/runner-place.test.ts runs them, by the whole contract. */
describe.skipIf(!has('ssm'))('SSM Run Command', () => {
  it('is sent the script that starts the runner, for that instance alone', async () => {
    const detached = { name: 'prisma-enforcer-upgrade', command: ['node', 'runner.mjs', "it's"] } as const;
    await openRunnerPlace({ ...connection, instance: INSTANCE, glance: 20 }).start(detached);
    const client = new SSMClient(clientConfig(connection));
    const { Commands = [] } = await client.send(new ListCommandsCommand({ InstanceId: INSTANCE }));
    expect(Commands).toHaveLength(1);
    expect(Commands[0]).toMatchObject({
      DocumentName: 'AWS-RunShellScript',
      InstanceIds: [INSTANCE],
      Parameters: { commands: [startScript(detached)] },
    });
  });
});
