import { z } from 'zod';
import type { Json } from './json.ts';
import { KNOWN_STATES_ERRORS } from './state-error.ts';
import { compile, isExpression } from './template.ts';

/**
 * The part of the Amazon States Language that this interpreter runs, in its JSONata form, field by field. Every object
 * is strict: a field that is not stated here is refused when the machine is loaded. Strings `{% … %}` come out compiled.
 */
const template = <S extends z.ZodType<Json>>(written: S) =>
  written.transform((value, ctx) => {
    try {
      return compile(value);
    } catch (error) {
      ctx.addIssue({ code: 'custom', message: error instanceof Error ? error.message : String(error) });
      return z.NEVER;
    }
  });

const Template = template(z.json());
const Expression = z.string().refine(isExpression, 'must be an expression, {% … %}');
const numberOr = (number: z.ZodNumber) => template(z.union([number, Expression]));

const Seconds = z.int().min(1).max(99_999_999);
const StateName = z.string().min(1).max(80);

const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]{0,79}$/;
const Assign = z.record(
  z
    .string()
    .regex(VARIABLE, 'a variable is a letter or _ and then up to 79 letters, digits or _')
    .refine(name => name !== 'states', 'the variable $states is taken'),
  Template,
);

const ErrorEquals = z
  .array(
    z
      .string()
      .min(1)
      .refine(name => !name.startsWith('States.') || KNOWN_STATES_ERRORS.includes(name), {
        error: issue =>
          `\`${String(issue.input)}\` is never raised here; known are ${KNOWN_STATES_ERRORS.join(', ')}`,
      }),
  )
  .min(1)
  .refine(names => !names.includes('States.ALL') || names.length === 1, 'States.ALL must stand alone');

const Comment = z.string().optional();

const Retrier = z
  .strictObject({
    Comment,
    ErrorEquals,
    IntervalSeconds: Seconds.default(1),
    MaxAttempts: z.int().min(0).max(99_999_999).default(3),
    BackoffRate: z.number().min(1).default(2),
    MaxDelaySeconds: z.int().min(1).max(31_622_400).optional(),
    JitterStrategy: z.enum(['FULL', 'NONE']).default('NONE'),
  })
  .refine(
    ({ MaxDelaySeconds = Number.POSITIVE_INFINITY, IntervalSeconds }) => MaxDelaySeconds > IntervalSeconds,
    {
      path: ['MaxDelaySeconds'],
      error: 'must be greater than IntervalSeconds',
    },
  );
export type Retrier = z.infer<typeof Retrier>;

const Catcher = z.strictObject({
  Comment,
  ErrorEquals,
  Next: StateName,
  Output: Template.optional(),
  Assign: Assign.optional(),
});
export type Catcher = z.infer<typeof Catcher>;

const wildcardLast = (handlers: { ErrorEquals: string[] }[]) =>
  handlers.slice(0, -1).every(({ ErrorEquals: names }) => !names.includes('States.ALL'));
const LAST = 'States.ALL must be in the last entry; those behind it are never reached';

const handlers = {
  Retry: z.array(Retrier).refine(wildcardLast, LAST).default([]),
  Catch: z.array(Catcher).refine(wildcardLast, LAST).default([]),
};
const common = { Comment, QueryLanguage: z.literal('JSONata').optional() };
const after = { Output: Template.optional(), Assign: Assign.optional() };
const onward = { Next: StateName.optional(), End: z.literal(true).optional() };

const TaskState = z.strictObject({
  ...common,
  Type: z.literal('Task'),
  Resource: z.enum(['arn:aws:states:::lambda:invoke', 'arn:aws:states:::lambda:invoke.waitForTaskToken']),
  Arguments: z.strictObject({ FunctionName: z.string().min(1), Payload: Template }),
  TimeoutSeconds: numberOr(Seconds).optional(),
  HeartbeatSeconds: numberOr(Seconds).optional(),
  ...after,
  ...handlers,
  ...onward,
});
export type TaskState = z.infer<typeof TaskState>;

const ChoiceRule = z.strictObject({
  Comment,
  Condition: template(z.union([z.boolean(), Expression])),
  Next: StateName,
  ...after,
});

const ChoiceState = z.strictObject({
  ...common,
  Type: z.literal('Choice'),
  Choices: z.array(ChoiceRule).min(1),
  Default: StateName.optional(),
  ...after,
});
export type ChoiceState = z.infer<typeof ChoiceState>;

const PassState = z.strictObject({ ...common, Type: z.literal('Pass'), ...after, ...onward });
export type PassState = z.infer<typeof PassState>;

const WaitState = z
  .strictObject({
    ...common,
    Type: z.literal('Wait'),
    Seconds: numberOr(z.int().min(0).max(99_999_999)).optional(),
    Timestamp: template(z.union([z.iso.datetime({ offset: true }), Expression])).optional(),
    ...after,
    ...onward,
  })
  .refine(({ Seconds: seconds, Timestamp }) => !seconds !== !Timestamp, 'needs either Seconds or Timestamp');
export type WaitState = z.infer<typeof WaitState>;

const SucceedState = z.strictObject({ ...common, Type: z.literal('Succeed'), Output: Template.optional() });
export type SucceedState = z.infer<typeof SucceedState>;

const FailState = z.strictObject({
  ...common,
  Type: z.literal('Fail'),
  Error: template(z.string()).optional(),
  Cause: template(z.string()).optional(),
});
export type FailState = z.infer<typeof FailState>;

const ParallelState = z.strictObject({
  ...common,
  Type: z.literal('Parallel'),
  Arguments: Template.optional(),
  get Branches() {
    return z.array(Block).min(1);
  },
  ...after,
  ...handlers,
  ...onward,
});
export type ParallelState = z.infer<typeof ParallelState>;

const MapState = z.strictObject({
  ...common,
  Type: z.literal('Map'),
  Items: template(z.union([z.array(z.json()), Expression])).optional(),
  ItemSelector: Template.optional(),
  MaxConcurrency: numberOr(z.int().min(0)).optional(),
  get ItemProcessor() {
    return Block.extend({
      ProcessorConfig: z
        .union([
          z.strictObject({ Mode: z.literal('INLINE') }),
          z.strictObject({ Mode: z.literal('DISTRIBUTED'), ExecutionType: z.literal('STANDARD') }),
        ])
        .optional(),
    });
  },
  ...after,
  ...handlers,
  ...onward,
});
export type MapState = z.infer<typeof MapState>;

const State = z.discriminatedUnion('Type', [
  TaskState,
  ChoiceState,
  PassState,
  WaitState,
  SucceedState,
  FailState,
  ParallelState,
  MapState,
]);
export type State = z.infer<typeof State>;

/** States that lead to each other: a whole machine, a branch, or what a Map does with an item. */
const Block = z.strictObject({
  Comment,
  QueryLanguage: z.literal('JSONata').optional(),
  StartAt: StateName,
  get States() {
    return z.record(StateName, State);
  },
});
export type Block = z.infer<typeof Block>;

export const StateMachine = Block.extend({
  QueryLanguage: z.literal('JSONata'),
  Version: z.literal('1.0').optional(),
  TimeoutSeconds: Seconds.optional(),
});
export type StateMachine = z.infer<typeof StateMachine>;
