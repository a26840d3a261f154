import { describe, expect, it } from 'vitest';
import { openWorkflows } from '../../../local/workflows.ts';
import {
  ask,
  bench,
  call,
  finish,
  machine,
  memoryDatabase,
  quiet,
  WORKFLOW,
} from '../../make/state-machine.ts';
import { timeline } from '../../make/timeline.ts';

const spread = (states: Record<string, unknown>, more: Record<string, unknown> = {}) => ({
  Type: 'Map',
  Items: '{% $states.input.items %}',
  ItemProcessor: {
    ProcessorConfig: { Mode: 'DISTRIBUTED', ExecutionType: 'STANDARD' },
    StartAt: Object.keys(states)[0],
    States: states,
  },
  End: true,
  ...more,
});
const each = machine({ Each: spread({ Do: call('work') }) });
const items = (count: number) => ({ items: Array.from({ length: count }, (_, index) => index) });
const doubled = (count: number) =>
  Array.from({ length: count }, (_, index) => ({
    StatusCode: 200,
    ExecutedVersion: '$LATEST',
    Payload: index * 2,
  }));
const work = async (item: unknown) => Number(item) * 2;

describe('a distributed Map', () => {
  it('gives what each item came to, in the order of the items', async () => {
    const { execute, history } = bench(each, { work });
    expect(await execute(items(7))).toMatchObject({ status: 'SUCCEEDED', output: doubled(7) });
    expect(history()).toEqual([
      'ExecutionStarted',
      'MapStateEntered Each',
      'MapStateStarted Each',
      'MapRunStarted Each',
      'MapRunSucceeded Each',
      'MapStateSucceeded Each',
      'MapStateExited Each',
      'ExecutionSucceeded',
    ]);
  });

  it('of nothing gives nothing', async () => {
    expect(await bench(each, { work }).execute({ items: [] })).toMatchObject({ output: [] });
  });

  it('has a history of its own for each item, so that its own does not grow with them', async () => {
    const [few, many] = [bench(each, { work }), bench(each, { work })];
    expect((await few.execute(items(1))).status).toBe('SUCCEEDED');
    expect((await many.execute(items(400))).status).toBe('SUCCEEDED');
    expect(many.history()).toEqual(few.history());
  });

  it('runs no more at a time than it says', async () => {
    let [running, most] = [0, 0];
    const { execute } = bench(machine({ Each: spread({ Do: call('work') }, { MaxConcurrency: 3 }) }), {
      work: async item => {
        running += 1;
        most = Math.max(most, running);
        await new Promise(resolve => setImmediate(resolve));
        running -= 1;
        return Number(item) * 2;
      },
    });
    expect(await execute(items(20))).toMatchObject({ output: doubled(20) });
    expect(most).toBe(3);
  });

  it('sees its own item and input, and not the variables around it', async () => {
    const text = machine({
      Set: { Type: 'Pass', Assign: { outer: 1 }, Next: 'Each' },
      Each: spread(
        {
          Show: {
            Type: 'Pass',
            Output: { in: '{% $states.input %}', seen: '{% $exists($outer) %}' },
            End: true,
          },
        },
        { ItemSelector: { at: '{% $states.context.Map.Item.Index %}', outer: '{% $outer %}' } },
      ),
    });
    expect((await bench(text).execute(items(2))).output).toEqual([
      { in: { at: 0, outer: 1 }, seen: false },
      { in: { at: 1, outer: 1 }, seen: false },
    ]);
  });

  it('fails when one execution fails; the others are aborted, and a Catch sees why', async () => {
    const text = machine({
      Each: spread(
        { Do: ask('work') },
        { Catch: [{ ErrorEquals: ['States.ALL'], Output: '{% $states.errorOutput %}', Next: 'Caught' }] },
      ),
      Caught: { Type: 'Succeed' },
    });
    const tokens: string[] = [];
    const { workflows, execute } = bench(text, {
      work: async input => void tokens.push((input as { token: string }).token),
    });
    const ended = execute(items(3));
    await workflows.idle();
    await workflows.sendTaskFailure(tokens[1] ?? '', 'Broken', 'it broke');
    await workflows.idle();
    await ended;
    expect(await workflows.describe(WORKFLOW, 'test')).toMatchObject({
      status: 'SUCCEEDED',
      output: {
        Error: 'States.ExceedToleratedFailureThreshold',
        Cause: 'an execution of the Map ended as FAILED: Broken: it broke',
      },
    });
    await expect(workflows.sendTaskSuccess(tokens[0] ?? '', 1)).rejects.toThrow(
      'no task waits for this token',
    );
  });

  it('ends as without faults wherever the process is killed, and does each item', async () => {
    const run = async (kill: number) => {
      const database = memoryDatabase();
      const time = timeline();
      const done = new Set<unknown>();
      let transitions = 0;
      const open = () =>
        openWorkflows({
          database,
          definitions: { [WORKFLOW]: machine({ Each: spread({ Do: call('work') }, { MaxConcurrency: 2 }) }) },
          tasks: {
            work: async item => {
              done.add(item);
              return work(item);
            },
          },
          clock: time,
          timers: time.timers,
          log: quiet,
          onTransition: moment => {
            if (moment === 'after') transitions += 1;
            if (moment === 'after' && transitions === kill) throw new Error('killed');
          },
        });
      let workflows = open();
      await workflows.start(WORKFLOW, 'test', items(4));
      await workflows.idle();
      if (transitions >= kill) workflows = open();
      const execution = await finish(workflows, time);
      return { execution, done: [...done].sort(), transitions };
    };
    const whole = await run(Number.POSITIVE_INFINITY);
    expect(whole.execution).toMatchObject({ status: 'SUCCEEDED', output: doubled(4) });
    for (let kill = 1; kill <= whole.transitions; kill += 1) {
      const { execution, done } = await run(kill);
      expect([kill, execution, done]).toEqual([kill, whole.execution, whole.done]);
    }
    console.log(`distributed Map: ${whole.transitions} crash points`);
  });
});
