import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Execution, WorkflowName, Workflows } from '../../shared/ports/workflows.ts';

export interface WorkflowsUnderTest {
  workflows: Workflows;
  /** The token that `Ask` was given in an execution, once it was called; absent where no task can run. */
  token?(execution: string): Promise<string>;
  stop(): Promise<void>;
}

const NAME: WorkflowName = 'onboard-account';

/** What the suite runs under the one name that the port has. Its only task, `${Ask}`, is for the cases with a token. */
export const CONTRACT_MACHINE = JSON.stringify({
  QueryLanguage: 'JSONata',
  StartAt: 'Which',
  States: {
    Which: {
      Type: 'Choice',
      Choices: [
        { Condition: "{% $states.input.ask = 'fail' %}", Next: 'Refuse' },
        { Condition: "{% $states.input.ask = 'wait' %}", Next: 'Stay' },
        { Condition: "{% $states.input.ask = 'token' %}", Next: 'Hand' },
      ],
      Default: 'End',
    },
    Refuse: { Type: 'Fail', Error: 'Refused', Cause: "{% 'as ' & $states.input.why %}" },
    Stay: { Type: 'Wait', Seconds: 3600, Next: 'End' },
    Hand: {
      Type: 'Task',
      Resource: 'arn:aws:states:::lambda:invoke.waitForTaskToken',
      Arguments: {
        // biome-ignore lint/suspicious/noTemplateCurlyInString: a substitution of the definition
        FunctionName: '${Ask}',
        Payload: {
          token: '{% $states.context.Task.Token %}',
          execution: '{% $states.context.Execution.Name %}',
        },
      },
      HeartbeatSeconds: 3000,
      Next: 'End',
    },
    End: { Type: 'Succeed', Output: { got: '{% $states.input %}' } },
  },
});

export function workflowsContract(name: string, open: () => Promise<WorkflowsUnderTest>): void {
  describe(`workflows: ${name}`, () => {
    let under: WorkflowsUnderTest;
    beforeAll(async () => {
      under = await open();
    });
    afterAll(() => under.stop());

    const begin = async (input: unknown): Promise<string> => {
      const execution = randomUUID();
      expect(await under.workflows.start(NAME, execution, input)).toEqual({ started: true });
      return execution;
    };
    const ended = (execution: string): Promise<Execution> =>
      vi.waitFor(async () => {
        const found = await under.workflows.describe(NAME, execution);
        if (!found || found.status === 'RUNNING') throw new Error('still running');
        return found;
      }, 10_000);

    it('runs an execution and shows what went in and what came out', async () => {
      const input = { n: 1, list: ['ä'] };
      expect(await ended(await begin(input))).toEqual({ status: 'SUCCEEDED', input, output: { got: input } });
    });

    it('shows with what error and cause an execution failed', async () => {
      const input = { ask: 'fail', why: 'asked' };
      expect(await ended(await begin(input))).toEqual({
        status: 'FAILED',
        input,
        error: 'Refused',
        cause: 'as asked',
      });
    });

    it('starts nothing under a name that is running or was used', async () => {
      const running = await begin({ ask: 'wait' });
      const over = await begin({});
      await ended(over);
      for (const taken of [running, over]) {
        expect(await under.workflows.start(NAME, taken, { ask: 'fail' })).toEqual({ started: false });
      }
      expect(await under.workflows.describe(NAME, running)).toMatchObject({
        status: 'RUNNING',
        input: { ask: 'wait' },
      });
      expect(await under.workflows.describe(NAME, over)).toMatchObject({ status: 'SUCCEEDED' });
    });

    it('starts one of many that race for a name', async () => {
      const execution = randomUUID();
      const starts = await Promise.all(
        Array.from({ length: 5 }, (_, racer) => under.workflows.start(NAME, execution, { racer })),
      );
      expect(starts.filter(({ started }) => started)).toHaveLength(1);
    });

    it('takes the longest name', async () => {
      const execution = `${randomUUID()}-_${'x'.repeat(80)}`.slice(0, 80);
      expect(await under.workflows.start(NAME, execution, {})).toEqual({ started: true });
    });

    it('knows nothing of an execution that was never started', async () => {
      expect(await under.workflows.describe(NAME, randomUUID())).toBeUndefined();
    });

    it('does not know a token that was never given', async () => {
      const token = 'AAAA'.repeat(16);
      await expect(under.workflows.sendTaskSuccess(token, {})).rejects.toMatchObject({ kind: 'not_found' });
      await expect(under.workflows.sendTaskFailure(token, 'E', 'C')).rejects.toMatchObject({
        kind: 'not_found',
      });
      await expect(under.workflows.sendTaskHeartbeat(token)).rejects.toMatchObject({ kind: 'not_found' });
    });

    const handed = async (skip: (why: string) => void): Promise<{ execution: string; token: string }> => {
      if (!under.token) skip('no task can run here');
      const execution = await begin({ ask: 'token' });
      return { execution, token: (await under.token?.(execution)) ?? '' };
    };

    it('ends a task with what is sent for its token, once', async ({ skip }) => {
      const { execution, token } = await handed(skip);
      await under.workflows.sendTaskHeartbeat(token);
      await under.workflows.sendTaskSuccess(token, { answer: 42 });
      expect(await ended(execution)).toMatchObject({ status: 'SUCCEEDED', output: { got: { answer: 42 } } });
      await expect(under.workflows.sendTaskSuccess(token, {})).rejects.toMatchObject({ kind: 'not_found' });
    });

    it('fails a task with what is sent for its token', async ({ skip }) => {
      const { execution, token } = await handed(skip);
      await under.workflows.sendTaskFailure(token, 'Broken', 'cause');
      expect(await ended(execution)).toMatchObject({ status: 'FAILED', error: 'Broken', cause: 'cause' });
    });
  });
}
