import { describe, expect, it } from 'vitest';
import { bench, call, machine } from '../../make/state-machine.ts';

const run = async (states: Record<string, unknown>, input: unknown = {}, tasks = {}) =>
  bench(machine(states), tasks).execute(input);

describe('Pass', () => {
  it('hands its input on', async () => {
    expect(await run({ A: { Type: 'Pass', End: true } }, { x: 1 })).toMatchObject({
      status: 'SUCCEEDED',
      output: { x: 1 },
    });
  });

  it('gives what Output says, with expressions at any depth', async () => {
    const Output = {
      list: ['{% $states.input.x + 1 %}', 'plain $states'],
      at: { all: '{% $states.input %}' },
    };
    const { output } = await run({ A: { Type: 'Pass', Output, End: true } }, { x: 1 });
    expect(output).toEqual({ list: [2, 'plain $states'], at: { all: { x: 1 } } });
  });

  it('assigns variables that later states see, and sees the old ones while it does', async () => {
    const { output } = await run({
      A: { Type: 'Pass', Assign: { n: 1 }, Next: 'B' },
      B: { Type: 'Pass', Assign: { n: '{% $n + 1 %}', old: '{% $n %}' }, Output: '{% $n %}', Next: 'C' },
      C: { Type: 'Pass', Output: ['{% $states.input %}', '{% $n %}', '{% $old %}'], End: true },
    });
    expect(output).toEqual([1, 2, 1]);
  });

  it('shows the context: execution, state, machine', async () => {
    const Output = '{% $states.context %}';
    const { output } = await run({ A: { Type: 'Pass', Output, End: true } }, { x: 1 });
    expect(output).toEqual({
      Execution: {
        Id: 'onboard-account:test',
        Input: { x: 1 },
        Name: 'test',
        RedriveCount: 0,
        StartTime: '2026-03-01T12:00:00.000Z',
      },
      State: { EnteredTime: '2026-03-01T12:00:00.000Z', Name: 'A', RetryCount: 0 },
      StateMachine: { Id: 'onboard-account', Name: 'onboard-account' },
    });
  });
});

describe('Choice', () => {
  const states = {
    A: {
      Type: 'Choice',
      Choices: [
        { Condition: '{% $states.input.n > 10 %}', Next: 'Big', Assign: { why: 'over ten' } },
        { Condition: '{% $states.input.n > 5 %}', Next: 'Big', Output: 'over five' },
      ],
      Default: 'Small',
      Assign: { why: 'default' },
    },
    Big: { Type: 'Pass', Output: '{% $exists($why) ? $why : $states.input %}', End: true },
    Small: { Type: 'Pass', Output: '{% $why %}', End: true },
  };

  it.each([
    [11, 'over ten'],
    [6, 'over five'],
    [1, 'default'],
  ])('takes the first rule that holds: %i is %s', async (n, said) => {
    expect((await run(states, { n })).output).toBe(said);
  });

  it('fails with States.NoChoiceMatched when nothing holds and there is no Default', async () => {
    const { A, ...others } = states;
    const { Default: _, ...bare } = A;
    expect(await run({ A: bare, Big: others.Big }, { n: 1 })).toMatchObject({
      status: 'FAILED',
      error: 'States.NoChoiceMatched',
    });
  });

  it('refuses a Condition that is neither true nor false', async () => {
    const odd = { Type: 'Choice', Choices: [{ Condition: '{% 1 %}', Next: 'B' }], Default: 'B' };
    const result = await run({ A: odd, B: { Type: 'Succeed' } });
    expect(result).toMatchObject({ status: 'FAILED', error: 'States.QueryEvaluationError' });
  });
});

describe('Wait', () => {
  it.each([
    ['Seconds', { Seconds: 90 }, 90],
    ['Seconds worked out', { Seconds: '{% $states.input.s %}' }, 7],
    ['a Timestamp', { Timestamp: '2026-03-01T12:01:00Z' }, 60],
    ['a Timestamp that is past', { Timestamp: '2026-03-01T11:00:00+00:00' }, 0],
  ])('waits for %s', async (_, fields, seconds) => {
    const { execute, timeline } = bench(machine({ A: { Type: 'Wait', ...fields, End: true } }));
    const begun = timeline.now().getTime();
    expect(await execute({ s: 7 })).toMatchObject({ status: 'SUCCEEDED', output: { s: 7 } });
    expect(timeline.now().getTime() - begun).toBe(seconds * 1000);
  });

  it('is not over a moment early', async () => {
    const { workflows, timeline } = bench(machine({ A: { Type: 'Wait', Seconds: 10, End: true } }));
    await workflows.start('onboard-account', 'test', {});
    await workflows.idle();
    timeline.advance(9_999);
    await workflows.idle();
    expect(await workflows.describe('onboard-account', 'test')).toMatchObject({ status: 'RUNNING' });
    timeline.advance(1);
    await workflows.idle();
    expect(await workflows.describe('onboard-account', 'test')).toMatchObject({ status: 'SUCCEEDED' });
  });

  it.each([-1, 1.5, 'soon'])('refuses to wait for %s seconds', async s => {
    const result = await run({ A: { Type: 'Wait', Seconds: '{% $states.input.s %}', End: true } }, { s });
    expect(result).toMatchObject({ status: 'FAILED', error: 'States.QueryEvaluationError' });
  });
});

describe('Succeed and Fail', () => {
  it('ends with what Succeed gives', async () => {
    expect((await run({ A: { Type: 'Succeed', Output: '{% $states.input.x %}' } }, { x: 5 })).output).toBe(5);
  });

  it('fails with the error and the cause that Fail works out', async () => {
    const Fail = { Type: 'Fail', Error: '{% $states.input.e %}', Cause: "{% 'since ' & $states.input.c %}" };
    expect(await run({ A: Fail }, { e: 'Broken', c: 'noon' })).toMatchObject({
      status: 'FAILED',
      error: 'Broken',
      cause: 'since noon',
    });
  });
});

describe('Task', () => {
  it("gives the task its payload and shows Lambda's answer as $states.result", async () => {
    const given: unknown[] = [];
    const task = call('Double', {
      Output: '{% $states.result %}',
      Assign: { n: '{% $states.result.Payload %}' },
      Next: 'B',
    });
    const end = { Type: 'Pass', Output: ['{% $states.input %}', '{% $n %}'], End: true };
    const Double = async (payload: unknown) => {
      given.push(payload);
      return 42;
    };
    const { output } = await run({ A: task, B: end }, { n: 21 }, { Double });
    expect(given).toEqual([{ n: 21 }]);
    expect(output).toEqual([{ ExecutedVersion: '$LATEST', Payload: 42, StatusCode: 200 }, 42]);
  });

  it('takes no answer for null', async () => {
    const { output } = await run({ A: call('Nothing') }, {}, { Nothing: async () => undefined });
    expect(output).toMatchObject({ Payload: null });
  });
});

describe('Parallel', () => {
  const branch = (name: string, Output: unknown, more = {}) => ({
    StartAt: name,
    States: { [name]: { Type: 'Pass', Output, End: true, ...more } },
  });

  it('gives the results of its branches in their order, whichever ends first', async () => {
    const slow = {
      StartAt: 'Slow',
      States: {
        Slow: { Type: 'Wait', Seconds: 5, Next: 'Late' },
        Late: { Type: 'Pass', Output: 'slow', End: true },
      },
    };
    const states = { A: { Type: 'Parallel', Branches: [slow, branch('Fast', 'fast')], End: true } };
    expect((await run(states)).output).toEqual(['slow', 'fast']);
  });

  it('gives every branch its Arguments, and Output the result', async () => {
    const A = {
      Type: 'Parallel',
      Arguments: { n: '{% $states.input.n * 2 %}' },
      Branches: [branch('X', '{% $states.input.n %}'), branch('Y', '{% $states.input.n + 1 %}')],
      Output: '{% $sum($states.result) %}',
      End: true,
    };
    expect((await run({ A }, { n: 10 })).output).toBe(41);
  });

  it('lets branches see the variables around them, and keeps theirs inside', async () => {
    const Branches = [branch('X', '{% $outer %}', { Assign: { inner: 1 } })];
    const states = {
      S: { Type: 'Pass', Assign: { outer: 'seen' }, Next: 'A' },
      A: { Type: 'Parallel', Branches, Next: 'E' },
      E: { Type: 'Pass', Output: ['{% $states.input %}', '{% $exists($inner) %}'], End: true },
    };
    expect((await run(states)).output).toEqual([['seen'], false]);
  });

  it('fails with the error of the branch that failed, and stops the others', async () => {
    const broken = { StartAt: 'F', States: { F: { Type: 'Fail', Error: 'Broken', Cause: 'cause' } } };
    const waiting = { StartAt: 'W', States: { W: { Type: 'Wait', Seconds: 1000, End: true } } };
    const { execute, timeline } = bench(
      machine({ A: { Type: 'Parallel', Branches: [waiting, broken], End: true } }),
    );
    const begun = timeline.now();
    expect(await execute()).toMatchObject({ status: 'FAILED', error: 'Broken', cause: 'cause' });
    expect(timeline.now()).toEqual(begun);
  });
});

describe('Map', () => {
  const each = (state: Record<string, unknown>, more = {}) => ({
    Type: 'Map',
    ItemProcessor: { ProcessorConfig: { Mode: 'INLINE' }, StartAt: 'Each', States: { Each: state } },
    End: true,
    ...more,
  });

  it('gives the results in the order of the items', async () => {
    const A = each(
      { Type: 'Pass', Output: '{% $states.input * 2 %}', End: true },
      { Items: '{% $states.input.list %}' },
    );
    expect((await run({ A }, { list: [1, 2, 3] })).output).toEqual([2, 4, 6]);
  });

  it('maps its input when there are no Items, and nothing to nothing', async () => {
    const A = each({ Type: 'Pass', End: true });
    expect((await run({ A }, ['a'])).output).toEqual(['a']);
    expect((await run({ A }, [])).output).toEqual([]);
  });

  it('shows item and index to ItemSelector and inside', async () => {
    const A = each(
      { Type: 'Pass', Output: ['{% $states.input %}', '{% $states.context.Map.Item.Index %}'], End: true },
      { ItemSelector: "{% $states.context.Map.Item.Value & '-' & $states.input[0] %}" },
    );
    expect((await run({ A }, ['a', 'b'])).output).toEqual([
      ['a-a', 0],
      ['b-a', 1],
    ]);
  });

  it.each([
    [3, 3],
    [0, 40],
    [100, 40],
  ])('runs MaxConcurrency %i with at most %i at a time', async (MaxConcurrency, most) => {
    let now = 0;
    let peak = 0;
    const Count = async () => {
      now += 1;
      peak = Math.max(peak, now);
      await new Promise(setImmediate);
      await new Promise(resolve => setTimeout(resolve, 5));
      now -= 1;
    };
    const items = Array.from({ length: 60 }, (_, i) => i);
    const A = each(call('Count', { Output: '{% $states.input %}', End: true }), { MaxConcurrency });
    expect((await run({ A }, items, { Count })).output).toEqual(items);
    expect(peak).toBe(most);
  });

  it('refuses Items that are no array', async () => {
    const A = each({ Type: 'Pass', End: true }, { Items: '{% $states.input.n %}' });
    expect(await run({ A }, { n: 1 })).toMatchObject({
      status: 'FAILED',
      error: 'States.QueryEvaluationError',
    });
  });

  it('nests', async () => {
    const inner = {
      Type: 'Map',
      ItemProcessor: {
        StartAt: 'Inner',
        States: { Inner: { Type: 'Pass', Output: '{% $states.input + 1 %}', End: true } },
      },
      End: true,
    };
    expect((await run({ A: each(inner) }, [[1, 2], [3]])).output).toEqual([[2, 3], [4]]);
  });
});

it('keeps the history in order, with the names that Step Functions gives', async () => {
  const { execute, history } = bench(machine({ A: { Type: 'Pass', Next: 'B' }, B: call('T') }), {
    T: async () => 1,
  });
  await execute();
  expect(history()).toEqual([
    'ExecutionStarted',
    'PassStateEntered A',
    'PassStateExited A',
    'TaskStateEntered B',
    'TaskScheduled B',
    'TaskStarted B',
    'TaskSucceeded B',
    'TaskStateExited B',
    'ExecutionSucceeded',
  ]);
});
