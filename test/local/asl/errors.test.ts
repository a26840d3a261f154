import { describe, expect, it } from 'vitest';
import { retry } from '../../../local/asl/retry.ts';
import { fail } from '../../../shared/schema/failure.ts';
import { ask, bench, call, machine } from '../../make/state-machine.ts';

const named = (name: string, message = 'went wrong') => Object.assign(new Error(message), { name });
const failing = (name: string) => async () => {
  throw named(name);
};
const caught = { Type: 'Pass', Output: '{% $states.input %}', End: true };
const RETRY = {
  ErrorEquals: ['States.ALL'],
  IntervalSeconds: 2,
  BackoffRate: 3,
  MaxAttempts: 4,
  MaxDelaySeconds: 20,
};

/** Seconds after the start at which a task that always fails was called. */
async function callTimes(Retry: unknown[], error = 'Oops'): Promise<{ at: number[]; status: string }> {
  const at: number[] = [];
  const T = async () => {
    at.push((under.timeline.now().getTime() - begun) / 1000);
    throw named(error);
  };
  const under = bench(machine({ A: call('T', { Retry, End: true }) }), { T });
  const begun = under.timeline.now().getTime();
  const { status } = await under.execute();
  return { at, status };
}

describe('Retry', () => {
  it('waits Interval × Backoff to the power of the times before, at most MaxDelaySeconds', async () => {
    expect(await callTimes([RETRY])).toEqual({ at: [0, 2, 8, 26, 46], status: 'FAILED' });
  });

  it('tries three times more after 1, 2 and 4 seconds when nothing else is said', async () => {
    expect((await callTimes([{ ErrorEquals: ['Oops'] }])).at).toEqual([0, 1, 3, 7]);
  });

  it('lets the first entry that holds decide, also with no attempts', async () => {
    expect((await callTimes([{ ErrorEquals: ['Oops'], MaxAttempts: 0 }, RETRY])).at).toEqual([0]);
  });

  it('counts each entry for itself', async () => {
    const errors = ['X', 'Y', 'X', 'Y'];
    let calls = 0;
    const T = async () => {
      const error = errors[calls++];
      if (error) throw named(error);
    };
    const Retry = ['X', 'Y'].map(name => ({ ErrorEquals: [name], MaxAttempts: 2 }));
    expect(await bench(machine({ A: call('T', { Retry, End: true }) }), { T }).execute()).toMatchObject({
      status: 'SUCCEEDED',
    });
  });

  it('begins to count anew when the state is entered again', async () => {
    let calls = 0;
    const T = async () => {
      calls += 1;
      if (calls % 2 === 1) throw named('Oops');
      return calls;
    };
    const loop = {
      A: call('T', {
        Retry: [{ ErrorEquals: ['Oops'], MaxAttempts: 1 }],
        Output: '{% $states.result.Payload %}',
        Next: 'B',
      }),
      B: { Type: 'Choice', Choices: [{ Condition: '{% $states.input < 6 %}', Next: 'A' }], Default: 'C' },
      C: { Type: 'Succeed' },
    };
    expect(await bench(machine(loop), { T }).execute()).toMatchObject({ status: 'SUCCEEDED', output: 6 });
  });

  it('shows in the context how often it was', async () => {
    const seen: unknown[] = [];
    const T = async (payload: unknown) => {
      seen.push(payload);
      throw named('Oops');
    };
    const Arguments = { FunctionName: 'T', Payload: '{% $states.context.State.RetryCount %}' };
    await bench(machine({ A: call('T', { Arguments, Retry: [RETRY], End: true }) }), { T }).execute();
    expect(seen).toEqual([0, 1, 2, 3, 4]);
  });

  it('runs all branches of a Parallel again, and its own tries begin anew', async () => {
    let calls = 0;
    const T = async () => {
      calls += 1;
      if (calls < 3) throw named('Oops');
    };
    const Branches = [
      { StartAt: 'X', States: { X: call('T') } },
      { StartAt: 'Y', States: { Y: { Type: 'Pass', Output: 'y', End: true } } },
    ];
    const A = { Type: 'Parallel', Branches, Retry: [RETRY], Output: '{% $states.result[1] %}', End: true };
    expect(await bench(machine({ A }), { T }).execute()).toMatchObject({ status: 'SUCCEEDED', output: 'y' });
  });

  const full = {
    ErrorEquals: ['E'],
    IntervalSeconds: 10,
    BackoffRate: 2,
    MaxAttempts: 5,
    MaxDelaySeconds: undefined,
    JitterStrategy: 'FULL' as const,
  };
  it.each([
    [0x00, 0],
    [0x80, 5_000],
    [0xff, 10_000],
  ])('takes a random share of the delay with JitterStrategy FULL (%i)', (byte, delay) => {
    const again = retry([full], [], 'E', { randomBytes: size => new Uint8Array(size).fill(byte) });
    expect(again?.delay).toBeGreaterThanOrEqual(delay * 0.99);
    expect(again?.delay).toBeLessThanOrEqual(delay * 1.01);
  });
});

describe('Catch', () => {
  const Catch = [
    {
      ErrorEquals: ['Mine'],
      Next: 'C',
      Output: "{% 'caught ' & $states.errorOutput.Error & ' of ' & $states.input.n %}",
    },
    { ErrorEquals: ['States.ALL'], Next: 'C', Assign: { e: '{% $states.errorOutput.Error %}' } },
  ];
  const under = (error: string) =>
    bench(machine({ A: call('T', { Catch, End: true }), C: caught }), { T: failing(error) });

  it('leads on with its Output', async () => {
    expect((await under('Mine').execute({ n: 7 })).output).toBe('caught Mine of 7');
  });

  it("gives error and Lambda's cause when it has no Output", async () => {
    const cause = { errorType: 'Other', errorMessage: 'went wrong', trace: [] };
    expect((await under('Other').execute()).output).toEqual({ Error: 'Other', Cause: JSON.stringify(cause) });
  });

  it('comes after Retry', async () => {
    const { execute, timeline } = bench(
      machine({ A: call('T', { Retry: [RETRY], Catch, End: true }), C: caught }),
      { T: failing('Mine') },
    );
    const begun = timeline.now().getTime();
    expect((await execute({ n: 1 })).output).toBe('caught Mine of 1');
    expect(timeline.now().getTime() - begun).toBe(46_000);
  });

  it('catches what a branch and an iteration failed with', async () => {
    const ItemProcessor = { StartAt: 'F', States: { F: { Type: 'Fail', Error: 'Mine' } } };
    const Branches = [
      { StartAt: 'M', States: { M: { Type: 'Map', Items: [1, 2], ItemProcessor, End: true } } },
    ];
    const states = { A: { Type: 'Parallel', Branches, Catch, End: true }, C: caught };
    expect((await bench(machine(states)).execute({ n: 3 })).output).toBe('caught Mine of 3');
  });

  it('does not catch what its own Output cannot work out', async () => {
    const broken = [{ ErrorEquals: ['States.ALL'], Next: 'C', Output: '{% $nothing.there %}' }];
    const result = await bench(machine({ A: call('T', { Catch: broken, End: true }), C: caught }), {
      T: failing('X'),
    }).execute();
    expect(result).toMatchObject({ status: 'FAILED', error: 'States.QueryEvaluationError' });
  });

  it('names failures of our own by their kind', async () => {
    const T = async () => {
      throw fail('not_found', 'no namespace `/a`');
    };
    expect(await bench(machine({ A: call('T') }), { T }).execute()).toMatchObject({
      error: 'Microseg.not_found',
    });
  });
});

describe('wildcards', () => {
  const catches = (pattern: string, state: Record<string, unknown>, tasks = {}) =>
    bench(
      machine({
        A: { ...state, Catch: [{ ErrorEquals: [pattern], Next: 'C', Output: 'caught' }], End: true },
        C: caught,
      }),
      tasks,
    ).execute({ big: 'x'.repeat(200_000) });
  const over = call('T', { Output: ['{% $states.input %}', '{% $states.input %}'] });
  const late = { ...call('Never'), TimeoutSeconds: 5 };
  const undefinedOutput = call('T', { Output: '{% $states.input.nothing %}' });
  const tasks = { T: async () => 1, Never: () => new Promise(() => {}), Bad: failing('Bad') };

  it.each([
    ['States.ALL', 'Bad', true],
    ['States.TaskFailed', 'Bad', true],
    ['Good', 'Bad', false],
  ])('%s holds for %s: %s', async (pattern, name, holds) => {
    expect((await catches(pattern, call(name), tasks)).status).toBe(holds ? 'SUCCEEDED' : 'FAILED');
  });

  it.each([
    ['States.ALL', false],
    ['States.TaskFailed', false],
    ['States.DataLimitExceeded', true],
  ])('%s holds for an output over 256 KB: %s', async (pattern, holds) => {
    const result = await catches(pattern, over, tasks);
    expect(result.status).toBe(holds ? 'SUCCEEDED' : 'FAILED');
    if (!holds) expect(result.error).toBe('States.DataLimitExceeded');
  });

  it.each(['States.ALL', 'States.QueryEvaluationError'])(
    '%s holds for an Output that gives nothing',
    async pattern => {
      expect((await catches(pattern, undefinedOutput, tasks)).status).toBe('SUCCEEDED');
    },
  );

  it.each([
    ['States.ALL', true],
    ['States.Timeout', true],
    ['States.TaskFailed', false],
  ])('%s holds for a timeout: %s', async (pattern, holds) => {
    const Catch = [{ ErrorEquals: [pattern], Next: 'C', Output: 'caught' }];
    const { workflows, timeline } = bench(machine({ A: { ...late, Catch, End: true }, C: caught }), tasks);
    await workflows.start('onboard-account', 'test', {});
    await expect.poll(() => workflows.history('onboard-account', 'test').length).toBe(4);
    timeline.advance(4_999);
    await expect.poll(() => workflows.history('onboard-account', 'test').length).toBe(4);
    timeline.advance(1);
    await expect
      .poll(async () => (await workflows.describe('onboard-account', 'test'))?.status)
      .toBe(holds ? 'SUCCEEDED' : 'FAILED');
  });
});

describe('timeouts', () => {
  it('ends an execution as TIMED_OUT at the TimeoutSeconds of its machine', async () => {
    const { execute, timeline } = bench(
      machine({ A: { Type: 'Wait', Seconds: 100, End: true } }, { TimeoutSeconds: 60 }),
    );
    const begun = timeline.now().getTime();
    expect(await execute()).toMatchObject({ status: 'TIMED_OUT', error: 'States.Timeout' });
    expect(timeline.now().getTime() - begun).toBe(60_000);
  });

  it('does not hear a task that answers after its timeout', async () => {
    const answers: ((value: string) => void)[] = [];
    const T = () => new Promise<string>(answer => answers.push(answer));
    const Retry = [{ ErrorEquals: ['States.Timeout'] }];
    const A = call('T', { TimeoutSeconds: 5, Retry, Output: '{% $states.result.Payload %}', End: true });
    const { workflows, timeline } = bench(machine({ A }), { T });
    await workflows.start('onboard-account', 'test', {});
    await expect.poll(() => answers.length).toBe(1);
    timeline.advance(5_000);
    await expect.poll(() => workflows.history('onboard-account', 'test').at(-1)?.type).toBe('TaskTimedOut');
    timeline.advance(1_000);
    await expect.poll(() => answers.length).toBe(2);
    answers[0]?.('late');
    answers[1]?.('in time');
    await workflows.idle();
    expect(await workflows.describe('onboard-account', 'test')).toMatchObject({ output: 'in time' });
  });
});

describe('a task token', () => {
  const waiting = async (more: Record<string, unknown>, status = 'RUNNING') => {
    const tokens: string[] = [];
    const Ask = async (payload: unknown) => {
      tokens.push((payload as { token: string }).token);
    };
    const Catch = [{ ErrorEquals: ['States.ALL'], Next: 'C' }];
    const text = machine({ A: ask('Ask', { Catch, ...more, Next: 'C' }), C: caught });
    const under = bench(text, { Ask });
    const execution = await under.execute();
    expect(execution.status).toBe(status);
    return { ...under, token: tokens[0] ?? '', tokens };
  };
  const outcome = async ({ workflows }: { workflows: Awaited<ReturnType<typeof waiting>>['workflows'] }) => {
    await workflows.idle();
    return workflows.describe('onboard-account', 'test');
  };

  it('ends its task with the output that is sent', async () => {
    const under = await waiting({});
    await under.workflows.sendTaskSuccess(under.token, { done: 1 });
    expect(await outcome(under)).toMatchObject({ status: 'SUCCEEDED', output: { done: 1 } });
  });

  it('fails its task with the error that is sent', async () => {
    const under = await waiting({});
    await under.workflows.sendTaskFailure(under.token, 'Refused', 'because');
    expect(await outcome(under)).toMatchObject({ output: { Error: 'Refused', Cause: 'because' } });
  });

  it('works once', async () => {
    const { workflows, token } = await waiting({});
    await workflows.sendTaskSuccess(token, {});
    await expect(workflows.sendTaskSuccess(token, {})).rejects.toMatchObject({ kind: 'not_found' });
  });

  it('is new with every attempt, and the old one is void', async () => {
    const Retry = [{ ErrorEquals: ['States.Timeout'], MaxAttempts: 1 }];
    const { workflows, tokens } = await waiting({ TimeoutSeconds: 10, Retry }, 'SUCCEEDED');
    expect(new Set(tokens).size).toBe(2);
    for (const token of tokens) {
      await expect(workflows.sendTaskSuccess(token, {})).rejects.toMatchObject({ kind: 'not_found' });
    }
  });

  it('must be heard of within HeartbeatSeconds', async () => {
    const tokens: string[] = [];
    const Ask = async (payload: unknown) => {
      tokens.push((payload as { token: string }).token);
    };
    const under = bench(machine({ A: ask('Ask', { HeartbeatSeconds: 10, End: true }) }), { Ask });
    const { workflows, timeline } = under;
    await workflows.start('onboard-account', 'test', {});
    await workflows.idle();
    for (const _ of [1, 2, 3]) {
      timeline.advance(9_000);
      await workflows.sendTaskHeartbeat(tokens[0] ?? '');
    }
    timeline.advance(9_999);
    expect(await outcome(under)).toMatchObject({ status: 'RUNNING' });
    timeline.advance(1);
    expect(await outcome(under)).toMatchObject({ status: 'FAILED', error: 'States.HeartbeatTimeout' });
  });
});

describe('quotas', () => {
  it('refuses an input over 256 KB', async () => {
    const { execute } = bench(machine({ A: { Type: 'Succeed' } }));
    await expect(execute('x'.repeat(256 * 1024))).rejects.toMatchObject({ kind: 'too_large' });
    expect((await execute('x'.repeat(256 * 1024 - 2))).status).toBe('SUCCEEDED');
  });

  it('ends an execution at 25,000 events of history', { timeout: 20_000 }, async () => {
    const loop = { A: { Type: 'Pass', Next: 'B' }, B: { Type: 'Pass', Next: 'A' } };
    const { execute, history } = bench(machine(loop));
    expect(await execute()).toMatchObject({ status: 'FAILED', error: 'States.Runtime' });
    expect(history()).toHaveLength(25_000);
    expect(history().at(-1)).toBe('ExecutionFailed');
  });
});
