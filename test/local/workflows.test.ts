import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Invoke } from '../../local/asl/runner.ts';
import { systemTimers } from '../../local/asl/timers.ts';
import { openWorkflows, readStateMachines, type WorkflowsOptions } from '../../local/workflows.ts';
import { systemClock } from '../../shared/adapters/local/clock.ts';
import type { Database } from '../../shared/adapters/local/database.ts';
import { CONTRACT_MACHINE, workflowsContract } from '../contract/workflows.ts';
import { type DataDirectory, dataDirectory } from '../make/data-directory.ts';
import { ask, bench, call, finish, machine, memoryDatabase, quiet, WORKFLOW } from '../make/state-machine.ts';
import { timeline } from '../make/timeline.ts';

workflowsContract('SQLite', async () => {
  const { open, stop } = dataDirectory();
  const tokens = new Map<string, string>();
  const Ask: Invoke = async payload => {
    const { execution, token } = payload as { execution: string; token: string };
    tokens.set(execution, token);
  };
  const workflows = openWorkflows({
    database: open(),
    definitions: { [WORKFLOW]: CONTRACT_MACHINE },
    tasks: { Ask },
    clock: systemClock,
    timers: systemTimers,
    log: quiet,
  });
  return {
    workflows,
    token: execution => vi.waitFor(() => tokens.get(execution) ?? Promise.reject(new Error('not asked yet'))),
    stop: () => workflows.stop().then(stop),
  };
});

/** Every kind of state, with a task that fails once, a wait, and a token. */
const EVERYTHING = machine(
  {
    Begin: { Type: 'Pass', Assign: { sum: 0 }, Next: 'Fetch' },
    Fetch: call('Fetch', {
      Retry: [{ ErrorEquals: ['Flaky'] }],
      Assign: { sum: '{% $sum + $states.result.Payload %}' },
      Output: [1, 2, 3],
      Next: 'Each',
    }),
    Each: {
      Type: 'Map',
      MaxConcurrency: 2,
      ItemProcessor: {
        StartAt: 'Double',
        States: { Double: call('Double', { Output: '{% $states.result.Payload %}', End: true }) },
      },
      Next: 'Both',
    },
    Both: {
      Type: 'Parallel',
      Branches: [
        { StartAt: 'Rest', States: { Rest: { Type: 'Wait', Seconds: 60, End: true } } },
        {
          StartAt: 'Try',
          States: {
            Try: call('Broken', {
              Catch: [{ ErrorEquals: ['Broken'], Output: 'caught', Next: 'Ok' }],
              End: true,
            }),
            Ok: { Type: 'Pass', End: true },
          },
        },
      ],
      Next: 'Ask',
    },
    Ask: ask('Ask', { Assign: { both: '{% $states.input %}' }, Next: 'Which' }),
    Which: { Type: 'Choice', Choices: [{ Condition: '{% $sum = 5 %}', Next: 'Good' }], Default: 'Bad' },
    Good: { Type: 'Succeed', Output: ['{% $both %}', '{% $states.input %}'] },
    Bad: { Type: 'Fail', Error: 'WrongSum' },
  },
  { Comment: 'No TimeoutSeconds: time would move there while the token is waited for' },
);

/** What the tasks' world holds; it outlives every restart. */
function world() {
  const fetched = new Set<string>();
  const tokens: string[] = [];
  let calls = 0;
  const counted =
    (task: Invoke): Invoke =>
    async payload => {
      calls += 1;
      return task(payload);
    };
  const tasks = {
    Fetch: counted(async () => {
      if (fetched.size === 0) {
        fetched.add('once');
        throw Object.assign(new Error('try again'), { name: 'Flaky' });
      }
      return 5;
    }),
    Double: counted(async n => Number(n) * 2),
    Broken: counted(async () => {
      throw Object.assign(new Error('no'), { name: 'Broken' });
    }),
    Ask: counted(async payload => {
      tokens.push((payload as { token: string }).token);
    }),
  };
  return { tasks, tokens, calls: () => calls };
}
const DONE = { status: 'SUCCEEDED', output: [[[2, 4, 6], 'caught'], 'answered'] };

/** Runs EVERYTHING to its end over as many starts as it takes; `die` is asked at each transition of the first one, and every later transition of it finds it dead. */
async function withKill(die: (point: number, moment: 'before' | 'after', events: string[]) => boolean) {
  const database = memoryDatabase();
  const time = timeline();
  const { tasks, tokens, calls } = world();
  let points = 0;
  const open = (onTransition?: WorkflowsOptions['onTransition']) =>
    openWorkflows({
      database,
      definitions: { [WORKFLOW]: EVERYTHING },
      tasks,
      clock: time,
      timers: time.timers,
      log: quiet,
      ...(onTransition ? { onTransition } : {}),
    });
  const answer = async (workflows: ReturnType<typeof open>) => {
    const answers = tokens.map(token => workflows.sendTaskSuccess(token, 'answered').catch(() => {}));
    await Promise.all(answers);
  };
  let dead = false;
  let workflows = open((moment, { history }) => {
    points += 1;
    dead = die(
      points,
      moment,
      history.map(({ type }) => type),
    );
    if (dead) throw new Error('killed');
  });
  await workflows.start(WORKFLOW, 'test', [1]);
  await finish(workflows, time);
  await answer(workflows);
  await finish(workflows, time);
  if (dead) workflows = open();
  await finish(workflows, time);
  await answer(workflows);
  const execution = await finish(workflows, time);
  return { execution, points, calls: calls() };
}

describe('kill -9', () => {
  it('at every transition, before and after it is recorded: the execution ends as without', async () => {
    const plain = await withKill(() => false);
    expect(plain.execution).toMatchObject(DONE);
    const kills = Array.from({ length: plain.points }, (_, index) => index + 1);
    for (const at of kills) {
      const { execution } = await withKill(point => point === at);
      expect(execution, `killed at point ${at}`).toMatchObject(DONE);
    }
    console.info(`killed at each of ${kills.length} points of ${kills.length / 2} transitions`);
  });

  it('between the end of a task and its record invokes the task again', async () => {
    const plain = await withKill(() => false);
    const { calls, execution } = await withKill(
      (_, moment, events) => moment === 'before' && events.includes('TaskSucceeded'),
    );
    expect(execution).toMatchObject(DONE);
    expect(calls).toBeGreaterThan(plain.calls);
  });
});

describe('over a real database', () => {
  let directory: DataDirectory | undefined;
  const databases: Database[] = [];
  const open = (): Database => {
    directory ??= dataDirectory();
    const database = directory.open();
    databases.push(database);
    return database;
  };
  afterEach(async () => {
    for (const database of databases.splice(0)) if (database.handle.isOpen) database.close();
    await directory?.stop();
    directory = undefined;
  });

  it('goes on after the file was closed and opened again', async () => {
    const { tasks, tokens } = world();
    const time = timeline();
    const first = bench(EVERYTHING, tasks, { time, database: open() });
    expect(await first.execute([1])).toMatchObject({ status: 'RUNNING' });
    await first.workflows.stop();
    databases[0]?.close();
    const second = bench(EVERYTHING, tasks, { time, database: open() });
    await second.workflows.sendTaskSuccess(tokens[0] ?? '', 'answered');
    expect(await finish(second.workflows, time)).toMatchObject(DONE);
  });

  it('ends a wait at its time, however long the process was away', async () => {
    const time = timeline();
    const first = bench(
      machine({ A: { Type: 'Wait', Seconds: 60, End: true } }),
      {},
      { time, database: open() },
    );
    await first.workflows.start(WORKFLOW, 'test', {});
    await first.workflows.stop();
    databases[0]?.close();
    time.advance(3_600_000);
    const now = time.now();
    const second = bench(
      machine({ A: { Type: 'Wait', Seconds: 60, End: true } }),
      {},
      { time, database: open() },
    );
    expect(await finish(second.workflows, time)).toMatchObject({ status: 'SUCCEEDED' });
    expect(time.now()).toEqual(now);
  });
});

it.each(['header', 'thread', 'text'])(
  'does not open, and says where, when a %s was changed on disk',
  async column => {
    const database = memoryDatabase();
    const text = machine({ A: { Type: 'Wait', Seconds: 60, End: true } });
    const { workflows } = bench(text, {}, { database });
    await workflows.start(WORKFLOW, 'test', {});
    await workflows.stop();
    const table = { header: 'workflow_executions', thread: 'workflow_threads', text: 'workflow_definitions' }[
      column
    ];
    database.handle.exec(`UPDATE ${table} SET ${column} = replace(${column}, 'A', 'B')`);
    database.handle.exec(`UPDATE ${table} SET ${column} = replace(${column}, '2026', '2027')`);
    expect(() => bench(text, {}, { database })).toThrow(expect.objectContaining({ kind: 'unavailable' }));
    expect(() => bench(text, {}, { database })).toThrow(/^memory is damaged/);
  },
);

describe('a change of the definition', () => {
  const waits = (Output: string) =>
    machine({ A: { Type: 'Wait', Seconds: 60, Next: 'B' }, B: { Type: 'Pass', Output, End: true } });

  it('is for executions that start after it', async () => {
    const time = timeline();
    const database = memoryDatabase();
    const before = bench(waits('old'), {}, { time, database });
    await before.workflows.start(WORKFLOW, 'one', {});
    await before.workflows.stop();
    const after = bench(waits('new'), {}, { time, database });
    await after.workflows.start(WORKFLOW, 'two', {});
    expect(await finish(after.workflows, time, 'one')).toMatchObject({ output: 'old' });
    expect(await finish(after.workflows, time, 'two')).toMatchObject({ output: 'new' });
  });

  it('that takes away a task leaves what needs it, says so, and runs the rest', async () => {
    const time = timeline();
    const database = memoryDatabase();
    const before = bench(
      machine({ W: { Type: 'Wait', Seconds: 1, Next: 'A' }, A: call('Gone') }),
      { Gone: async () => 1 },
      { time, database },
    );
    await before.workflows.start(WORKFLOW, 'one', {});
    await before.workflows.stop();
    const errors: unknown[] = [];
    const log = { ...quiet, error: (_: string, fields?: Record<string, unknown>) => errors.push(fields) };
    const after = bench(waits('new'), {}, { time, database, log });
    expect(await after.execute({}, 'two')).toMatchObject({ status: 'SUCCEEDED' });
    expect(await after.workflows.describe(WORKFLOW, 'one')).toMatchObject({ status: 'RUNNING' });
    expect(errors).toEqual([expect.objectContaining({ execution: 'one' })]);
  });
});

describe('delivery', () => {
  it('more than once gives the task as often, and the execution one answer', async () => {
    let calls = 0;
    const T = async () => {
      calls += 1;
      return calls;
    };
    const duplicateDelivery = (task: string) => (task === 'T' ? 2 : 0);
    const { execute, history } = bench(machine({ A: call('T') }), { T }, { duplicateDelivery });
    expect(await execute()).toMatchObject({ status: 'SUCCEEDED' });
    expect(calls).toBe(3);
    expect(history().filter(event => event === 'TaskSucceeded A')).toHaveLength(1);
  });

  it('gives every delivery a payload of its own', async () => {
    const seen: unknown[] = [];
    const T = async (payload: unknown) => {
      seen.push(structuredClone(payload));
      (payload as { list: number[] }).list.push(2);
    };
    await bench(machine({ A: call('T') }), { T }, { duplicateDelivery: () => 1 }).execute({ list: [1] });
    expect(seen).toEqual([{ list: [1] }, { list: [1] }]);
  });
});

describe('stop', () => {
  it('records what running tasks answer and begins nothing new', async () => {
    const answers: (() => void)[] = [];
    const Slow = () => new Promise<void>(answer => answers.push(answer));
    let later = 0;
    const Later = async () => {
      later += 1;
    };
    const database = memoryDatabase();
    const { workflows } = bench(
      machine({ A: call('Slow', { Next: 'B' }), B: call('Later') }),
      { Slow, Later },
      { database },
    );
    await workflows.start(WORKFLOW, 'test', {});
    await expect.poll(() => answers.length).toBe(1);
    const stopped = workflows.stop();
    answers[0]?.();
    await stopped;
    expect(workflows.history(WORKFLOW, 'test').at(-1)).toMatchObject({ type: 'TaskStateExited', state: 'A' });
    expect(later).toBe(0);
    await expect(workflows.start(WORKFLOW, 'more', {})).rejects.toMatchObject({ kind: 'unavailable' });
  });
});

it('tries again when a transition could not be written', async () => {
  const database = memoryDatabase();
  let broken = 0;
  const write: typeof database.write = async work => {
    if (broken > 0) {
      broken -= 1;
      throw new Error('disk full');
    }
    return database.write(work);
  };
  let calls = 0;
  const T = async () => {
    calls += 1;
    broken = calls === 1 ? 2 : broken;
  };
  const { execute, timeline: time } = bench(
    machine({ A: call('T') }),
    { T },
    { database: { ...database, write } },
  );
  const begun = time.now().getTime();
  expect(await execute()).toMatchObject({ status: 'SUCCEEDED' });
  expect(calls).toBe(3);
  expect(time.now().getTime() - begun).toBe(2000);
});

it('forgets what ended more than 90 days ago, and only that', async () => {
  const database = memoryDatabase();
  const time = timeline();
  const text = machine({
    A: { Type: 'Choice', Choices: [{ Condition: '{% $states.input.wait %}', Next: 'W' }], Default: 'S' },
    W: { Type: 'Wait', Seconds: 90_000_000, Next: 'S' },
    S: { Type: 'Succeed' },
  });
  const before = bench(text, {}, { database, time });
  await before.execute({ wait: false }, 'old');
  await before.workflows.start(WORKFLOW, 'running', { wait: true });
  await before.workflows.idle();
  time.advance(89 * 86_400_000);
  await before.execute({ wait: false }, 'young');
  await before.workflows.stop();
  time.advance(2 * 86_400_000);
  const { workflows } = bench(text, {}, { database, time });
  const status = async (name: string) => (await workflows.describe(WORKFLOW, name))?.status;
  expect([await status('old'), await status('young'), await status('running')]).toEqual([
    undefined,
    'SUCCEEDED',
    'RUNNING',
  ]);
});

it('refuses a name that Step Functions refuses', async () => {
  const { workflows } = bench(machine({ A: { Type: 'Succeed' } }));
  for (const name of ['', 'a b', 'x'.repeat(81), 'a/b']) {
    await expect(workflows.start(WORKFLOW, name, {})).rejects.toMatchObject({ kind: 'invalid' });
  }
});

it('does not open with a definition that it cannot run in full', () => {
  const definitions = { [WORKFLOW]: machine({ A: { Type: 'Pass', InputPath: '$', End: true } }) };
  expect(() =>
    openWorkflows({ database: memoryDatabase(), definitions, tasks: {}, clock: timeline(), log: quiet }),
  ).toThrow(/`InputPath` is not implemented/);
});

it('finds the state machines beside itself', () => {
  expect(JSON.parse(readStateMachines()[WORKFLOW])).toMatchObject({ QueryLanguage: 'JSONata' });
});
