import {
  CommandInvocationStatus,
  GetCommandInvocationCommand,
  SendCommandCommand,
  SSMClient,
} from '@aws-sdk/client-ssm';
import { runsScript, startScript } from '../../core/runner-script.ts';
import type { RunnerPlace, RunnerPlaces } from '../../ports/runner-place.ts';
import { fail } from '../../schema/failure.ts';
import { type Connection, call, clientConfig, isNamed } from './client.ts';

export interface RunnerPlaceOptions extends Connection {
  /** The EC2 instance, or managed node, whose SSM agent runs what it is sent. */
  instance: string;
  /** Milliseconds between two looks at a command; 1,000 when left out. */
  glance?: number;
  /** Folder for locks on hosts without systemd. */
  folder?: string;
}

/** Seconds in which the instance must take a command up, and end it: it only starts what goes on by itself. */
const PATIENCE = 60;

/** About one instance: not allowed, not an instance's ID, nothing with a shell. */
const REFUSALS = ['AccessDeniedException', 'ValidationException', 'UnsupportedPlatformType'];

const GOES_ON: readonly string[] = [
  CommandInvocationStatus.PENDING,
  CommandInvocationStatus.IN_PROGRESS,
  CommandInvocationStatus.DELAYED,
  CommandInvocationStatus.CANCELLING,
];

const wait = (milliseconds: number): Promise<void> => new Promise(done => setTimeout(done, milliseconds));

/** On an EC2 instance, through SSM Run Command: also where the agent of the host does not answer any more. */
export function openRunnerPlace(options: RunnerPlaceOptions): RunnerPlace {
  const client = new SSMClient(clientConfig(options));
  const { instance, glance = 1000, folder } = options;

  /** The invocation appears a moment after its command. */
  const invocationOf = async (CommandId: string) => {
    try {
      return await call('SSM', () =>
        client.send(new GetCommandInvocationCommand({ CommandId, InstanceId: instance })),
      );
    } catch (error) {
      if (isNamed(error, 'InvocationDoesNotExist')) return undefined;
      throw error;
    }
  };

  const run = async (script: string): Promise<string> => {
    const { Command } = await call('SSM', () =>
      client
        .send(
          new SendCommandCommand({
            DocumentName: 'AWS-RunShellScript',
            InstanceIds: [instance],
            Comment: 'microseg: runner of an upgrade',
            TimeoutSeconds: PATIENCE,
            Parameters: { commands: [script], executionTimeout: [String(PATIENCE)] },
          }),
        )
        .catch(error => {
          if (REFUSALS.some(name => isNamed(error, name))) {
            throw fail(
              'forbidden',
              `SSM takes no command for the instance \`${instance}\`; see that it is in this account, runs Linux and has the tag that allows it`,
            );
          }
          if (!isNamed(error, 'InvalidInstanceId')) throw error;
          throw fail(
            'not_found',
            `SSM does not manage the instance \`${instance}\`; see that its agent runs and its profile allows it`,
          );
        }),
    );
    const id = Command?.CommandId ?? '';
    for (let waited = 0; waited < 2 * PATIENCE * 1000; waited += glance) {
      const seen = await invocationOf(id);
      const status = seen?.Status ?? CommandInvocationStatus.PENDING;
      if (status === CommandInvocationStatus.SUCCESS) return seen?.StandardOutputContent ?? '';
      if (!GOES_ON.includes(status)) {
        const why = seen?.StandardErrorContent?.trim() || 'it gave no reason';
        throw fail('unavailable', `command ${id} on ${instance} came to ${status}: ${why}`);
      }
      await wait(glance);
    }
    throw fail('unavailable', `command ${id} was not taken up by ${instance} in time; see its SSM agent`);
  };

  return {
    start: async detached => void (await run(startScript(detached, folder))),
    runs: async name => (await run(runsScript(name, folder))).trim() === 'running',
  };
}

/** On the instances of one account: SSM of their own region. `region` and `instance` follow from each. */
export const openRunnerPlaces = ({
  account,
  ...connection
}: Omit<RunnerPlaceOptions, 'instance' | 'region'> & { account: string }): RunnerPlaces => ({
  on: instance =>
    instance.account === account
      ? openRunnerPlace({ ...connection, region: instance.region, instance: instance.id })
      : undefined,
});
