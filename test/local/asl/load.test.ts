import { describe, expect, it } from 'vitest';
import { load } from '../../../local/asl/load.ts';
import { call, machine } from '../../make/state-machine.ts';

const END = { Type: 'Pass', End: true };
const tried = (states: Record<string, unknown>, more = {}) => load('m', machine(states, more), ['T']);

describe('load refuses, with state and field,', () => {
  it.each<[string, Record<string, unknown>, RegExp]>([
    ['fields of the JSONPath form', { ...END, InputPath: '$' }, /state `A`: `InputPath` is not implemented/],
    ['another query language', { ...END, QueryLanguage: 'JSONPath' }, /state `A`, field `QueryLanguage`/],
    [
      'a type of state that is not there',
      { Type: 'Sleep', End: true },
      /state `A`, field `Type`.*not implemented/,
    ],
    [
      'another service',
      { ...call('T'), Resource: 'arn:aws:states:::sqs:sendMessage' },
      /state `A`, field `Resource`/,
    ],
    [
      'other arguments of Lambda',
      { ...call('T'), Arguments: { FunctionName: 'T', Payload: 1, InvocationType: 'Event' } },
      /state `A`, field `Arguments`: `InvocationType` is not implemented/,
    ],
    [
      'a function that is no task',
      call('T', { Arguments: { FunctionName: 'U', Payload: 1 }, End: true }),
      /`U` is no task/,
    ],
    [
      'a reader of items',
      { Type: 'Map', ItemReader: {}, ItemProcessor: { StartAt: 'B', States: { B: END } }, End: true },
      /`ItemReader` is not implemented/,
    ],
    [
      'the mode of a distributed Map',
      {
        Type: 'Map',
        ItemProcessor: { ProcessorConfig: { Mode: 'DISTRIBUTED' }, StartAt: 'B', States: { B: END } },
        End: true,
      },
      /field `ItemProcessor.ProcessorConfig`/,
    ],
    [
      'a field of a branch',
      { Type: 'Parallel', Branches: [{ StartAt: 'B', States: { B: { ...END, Result: 1 } } }], End: true },
      /state `B`: `Result` is not implemented/,
    ],
    [
      'an unknown jitter',
      call('T', { Retry: [{ ErrorEquals: ['E'], JitterStrategy: 'HALF' }], End: true }),
      /field `Retry.0.JitterStrategy`/,
    ],
    [
      'errors that are never raised',
      call('T', { Catch: [{ ErrorEquals: ['States.Permissions'], Next: 'A' }], End: true }),
      /`States.Permissions` is never raised/,
    ],
    [
      'States.ALL beside others',
      call('T', { Retry: [{ ErrorEquals: ['States.ALL', 'E'] }], End: true }),
      /States.ALL must stand alone/,
    ],
    [
      'entries behind States.ALL',
      call('T', { Retry: [{ ErrorEquals: ['States.ALL'] }, { ErrorEquals: ['E'] }], End: true }),
      /States.ALL must be in the last entry/,
    ],
    [
      'expressions that do not parse',
      { ...END, Output: { a: ['{% 1 + %}'] } },
      /state `A`, field `Output`: `1 \+` is not JSONata/,
    ],
    ['expressions that are not closed', { ...END, Output: '{% 1' }, /must end with %}/],
    ['$eval', { ...END, Output: "{% $eval('1') %}" }, /\$eval/],
    ['the variable $states', { ...END, Assign: { states: 1 } }, /field `Assign.states`/],
    [
      'a Wait for two things',
      { Type: 'Wait', Seconds: 1, Timestamp: '2026-01-01T00:00:00Z', End: true },
      /state `A`: needs either/,
    ],
    ['a negative Wait', { Type: 'Wait', Seconds: -1, End: true }, /field `Seconds`/],
    [
      'a Condition that is text',
      { Type: 'Choice', Choices: [{ Condition: 'x', Next: 'A' }] },
      /field `Choices.0.Condition`/,
    ],
    ['neither Next nor End', { Type: 'Pass' }, /state `A` needs either Next or End/],
    ['both', { ...END, Next: 'A' }, /state `A` needs either Next or End/],
    ['a way to nowhere', { Type: 'Pass', Next: 'Z' }, /state `A`: no state `Z` beside it/],
    [
      'a Catch to nowhere',
      call('T', { Catch: [{ ErrorEquals: ['E'], Next: 'Z' }], End: true }),
      /no state `Z` beside it/,
    ],
    [
      'a way out of a branch',
      {
        Type: 'Parallel',
        Branches: [{ StartAt: 'B', States: { B: { Type: 'Pass', Next: 'A' } } }],
        End: true,
      },
      /state `B`: no state `A` beside it/,
    ],
    [
      'a name that is there twice',
      { Type: 'Parallel', Branches: [{ StartAt: 'A', States: { A: END } }], End: true },
      /state `A` is there twice/,
    ],
    [
      'a variable of the states around',
      {
        Type: 'Parallel',
        Assign: { v: 1 },
        Branches: [{ StartAt: 'B', States: { B: { ...END, Assign: { v: 2 } } } }],
        End: true,
      },
      /state `B`: variable `v` belongs to the states around it/,
    ],
  ])('%s', (_, state, message) => {
    expect(() => tried({ A: state })).toThrow(message);
  });

  it('machines in the JSONPath form, and fields that a machine has not', () => {
    expect(() => tried({ A: END }, { QueryLanguage: 'JSONPath' })).toThrow(
      /the machine, field `QueryLanguage`/,
    );
    expect(() => tried({ A: END }, { Timeout: 1 })).toThrow(/the machine: `Timeout` is not implemented/);
    expect(() => tried({ A: END }, { StartAt: 'Z' })).toThrow(/the machine: no state `Z` beside it/);
  });

  it('substitutions that are no task, and text that is no JSON', () => {
    expect(() => tried({ A: call('Other') })).toThrow(/`\$\{Other\}` is no task; known are T/);
    expect(() => load('m', '{', [])).toThrow(/state machine `m` cannot run: it is not JSON/);
  });

  it('all findings at once, as `invalid`', () => {
    const states = { A: { ...END, Result: 1 }, B: { ...END, InputPath: 1 } };
    expect(() => tried(states)).toThrow(expect.objectContaining({ kind: 'invalid' }));
    expect(() => tried(states)).toThrow(/`Result`.*`InputPath`/);
  });
});

it('reads every field that it runs', () => {
  const everything = {
    A: call('T', {
      Comment: 'c',
      QueryLanguage: 'JSONata',
      TimeoutSeconds: '{% 5 %}',
      HeartbeatSeconds: 2,
      Output: 1,
      Assign: { v: 1 },
      Retry: [
        {
          ErrorEquals: ['E'],
          IntervalSeconds: 1,
          MaxAttempts: 0,
          BackoffRate: 1.5,
          MaxDelaySeconds: 9,
          JitterStrategy: 'FULL',
        },
      ],
      Catch: [{ ErrorEquals: ['States.ALL'], Output: 1, Assign: { w: 1 }, Next: 'M' }],
      Next: 'M',
    }),
    M: {
      Type: 'Map',
      Items: [1],
      ItemSelector: {},
      MaxConcurrency: 3,
      ItemProcessor: { ProcessorConfig: { Mode: 'INLINE' }, StartAt: 'I', States: { I: END } },
      Next: 'W',
    },
    W: { Type: 'Wait', Timestamp: '{% $now() %}', Next: 'C' },
    C: {
      Type: 'Choice',
      Choices: [{ Condition: true, Next: 'F', Assign: { x: 1 }, Output: 2 }],
      Default: 'S',
    },
    F: { Type: 'Fail', Error: 'E', Cause: "{% 'c' %}" },
    S: { Type: 'Succeed', Output: null },
  };
  const { states, timeoutSeconds } = tried(everything, { Version: '1.0', Comment: 'c', TimeoutSeconds: 9 });
  expect([...states.keys()]).toEqual(['A', 'M', 'I', 'W', 'C', 'F', 'S']);
  expect(timeoutSeconds).toBe(9);
});
