import {
  DescribeExecutionCommand,
  SendTaskFailureCommand,
  SendTaskHeartbeatCommand,
  SendTaskSuccessCommand,
  SFNClient,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import type { Execution, WorkflowName, Workflows } from '../../ports/workflows.ts';
import { fail } from '../../schema/failure.ts';
import { type Connection, call, clientConfig, isNamed } from './client.ts';

export interface WorkflowsOptions extends Connection {
  /** ARN of the state machine of each workflow that is started or described. */
  machines: Readonly<Partial<Record<WorkflowName, string>>>;
}

/** `arn:…:stateMachine:name` and an execution's name → `arn:…:execution:name:execution` */
const executionArn = (machine: string, name: string): string =>
  `${machine.replace(':stateMachine:', ':execution:')}:${name}`;

const NAME = /^[A-Za-z0-9_-]{1,80}$/;

export function openWorkflows(options: WorkflowsOptions): Workflows {
  const client = new SFNClient(clientConfig(options));
  const machineOf = (workflow: WorkflowName): string => {
    const arn = options.machines[workflow];
    if (arn !== undefined) return arn;
    throw fail('unavailable', `no state machine is given for the workflow \`${workflow}\``);
  };
  const describe = async (workflow: WorkflowName, name: string): Promise<Execution | undefined> => {
    const arn = executionArn(machineOf(workflow), name);
    try {
      return toExecution(
        await call('Step Functions', () => client.send(new DescribeExecutionCommand({ executionArn: arn }))),
      );
    } catch (error) {
      if (isNamed(error, 'ExecutionDoesNotExist')) return undefined;
      throw error;
    }
  };
  const answer = async (work: () => Promise<unknown>): Promise<void> => {
    try {
      await call('Step Functions', work);
    } catch (error) {
      if (isNamed(error, 'TaskDoesNotExist', 'TaskTimedOut', 'InvalidToken'))
        throw fail('not_found', 'no task waits for this token; it ended, timed out or was answered before');
      throw error;
    }
  };

  return {
    /**
     * Asks before it starts, because a second start with the same input while the first runs is answered as if it were
     * the first. Two starts that race may both say `started`; one execution comes of it all the same.
     */
    async start(workflow, name, input) {
      if (!NAME.test(name))
        throw fail('bad_request', `\`${name}\` is no execution name; use 1 to 80 of A-Z a-z 0-9 - _`);
      if (await describe(workflow, name)) return { started: false };
      const start = new StartExecutionCommand({
        stateMachineArn: machineOf(workflow),
        name,
        input: JSON.stringify(input),
      });
      try {
        await call('Step Functions', () => client.send(start));
        return { started: true };
      } catch (error) {
        if (isNamed(error, 'ExecutionAlreadyExists')) return { started: false };
        throw error;
      }
    },
    describe,
    sendTaskSuccess: (taskToken, output) =>
      answer(() => client.send(new SendTaskSuccessCommand({ taskToken, output: JSON.stringify(output) }))),
    sendTaskFailure: (taskToken, error, cause) =>
      answer(() => client.send(new SendTaskFailureCommand({ taskToken, error, cause }))),
    sendTaskHeartbeat: taskToken => answer(() => client.send(new SendTaskHeartbeatCommand({ taskToken }))),
  };
}

interface Described {
  status?: Execution['status'] | 'PENDING_REDRIVE' | undefined;
  input?: string | undefined;
  output?: string | undefined;
  error?: string | undefined;
  cause?: string | undefined;
}

function toExecution({ status = 'RUNNING', input, output, error, cause }: Described): Execution {
  return {
    status: status === 'PENDING_REDRIVE' ? 'RUNNING' : status,
    input: JSON.parse(input ?? 'null'),
    ...(output !== undefined && { output: JSON.parse(output) }),
    ...(error !== undefined && { error }),
    ...(cause !== undefined && { cause }),
  };
}
