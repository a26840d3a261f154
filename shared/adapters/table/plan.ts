import type { Activity, Answered, Key, Stored, Write } from '../../ports/object-store.ts';
import { LIMITS } from '../../schema/config.ts';
import { type Failure, fail } from '../../schema/failure.ts';
import { type NamespacePath, parentPath, ROOT } from '../../schema/ids.ts';
import { isHidden } from '../../schema/namespace.ts';
import { type Identity, resourceOf } from '../../schema/resources.ts';
import {
  activityKey,
  answerKey,
  dueKey,
  elementRefsOf,
  guardKey,
  type ItemKey,
  objectKey,
  pointerKey,
  refKey,
  refsOf,
  sumKey,
  treeKey,
  uniqueOf,
} from './keys.ts';
import { weightOf } from './whole.ts';

/** An item as it lies in the table. `object` is JSON text, so that both stores hold, and measure, the same bytes. */
export interface Item extends ItemKey {
  object?: string;
  /** Of objects and guards: what conditions look at. */
  id?: string;
  /** A guard of a namespace has it as long as objects may be created in there. */
  updateTime?: string;
  treePk?: string;
  treeSk?: string;
  refPk?: string;
  refSk?: string;
  duePk?: string;
  dueSk?: string;
  /** Seconds since the epoch. */
  expires?: number;
}

/**
 * What must hold of the item that lies there before a step is done. `open`: it has an `updateTime`. `expiredBy`, seconds since the epoch: there is none,
 * or it expired by then and was not removed yet.
 */
export type Condition =
  | 'absent'
  | 'present'
  | 'open'
  | { updateTime: string }
  | { id: string }
  | { expiredBy: number };

/** One item action of a transaction, the same for DynamoDB and SQLite. */
export interface Step {
  action: { put: Item } | { delete: ItemKey } | { check: ItemKey } | { add: ItemKey; by: bigint };
  when?: Condition;
  /** Why the transaction is refused when `when` does not hold; `found`: whether there was an item at all. */
  otherwise: (found: boolean) => Failure;
  /** Set on the step that writes the object itself: what the change feed reports. */
  emits?: { resource: Identity; operation: 'create' | 'update' | 'delete' };
}

export const stepKey = ({ action }: Step): ItemKey =>
  'put' in action
    ? action.put
    : 'delete' in action
      ? action.delete
      : 'check' in action
        ? action.check
        : action.add;

const MEGABYTE = 1024 * 1024;
/** DynamoDB's limit for all items of one transaction together. */
const TRANSACTION_BYTES = 4 * MEGABYTE;

/** Bytes as DynamoDB counts them: names and values in UTF-8; numbers a little generously. */
export const itemBytes = (item: Item): number =>
  Object.entries(item).reduce(
    (sum, [name, value]) =>
      sum +
      name.length +
      (typeof value === 'string' ? Buffer.byteLength(value) : value === undefined ? 0 : 8),
    0,
  );

const label = (resource: Identity, object: Stored): string =>
  `${resource} ${object.ID} in ${object.namespace}`;

const never = (): Failure =>
  fail('unavailable', 'the store refused a write that has no condition; try again');

function objectSteps(write: Exclude<Write, { kind: 'require' | 'activity' | 'answer' }>): Step[] {
  const { resource, object, kind } = write;
  const key = { resource, namespace: object.namespace, id: object.ID };
  const unique = uniqueOf(resource, object);
  const guard = unique ? [guardKey(resource, object.namespace, unique.value)] : [];
  const pointers = refsOf(resource, object).map(({ attribute, value }) => ({
    at: pointerKey(key, attribute),
    index: value === '' ? undefined : refKey(key, attribute, value),
  }));
  const gone = (found: boolean): Failure =>
    found
      ? fail(
          'conflict',
          `${label(resource, object)} was changed meanwhile; read it again and repeat the change`,
        )
      : fail('not_found', `there is no ${label(resource, object)}`);
  const emits = { resource, operation: kind === 'refresh' ? ('update' as const) : kind };

  if (kind === 'delete')
    return [
      { action: { delete: objectKey(key) }, when: { updateTime: write.seen }, otherwise: gone, emits },
      ...guard.map(at => ({ action: { delete: at }, when: { id: object.ID }, otherwise: gone })),
      ...pointers.map(({ at }) => ({ action: { delete: at }, otherwise: never })),
      ...elementSteps(key, elementRefsOf(resource, object), []),
    ];

  const body = { object: JSON.stringify(object), id: object.ID, updateTime: object.updateTime };
  const indexes = { ...treeKey(key), ...refKey(key, 'ID', object.ID), ...dueKey(resource, object) };
  const item: Item = { ...objectKey(key), ...body, ...indexes };
  const taken = (): Failure =>
    fail(
      'duplicate',
      `there is already a ${resource} with ${unique?.attribute} \`${unique?.value}\` in ${object.namespace}; choose another`,
      unique && { ...unique },
    );
  const seen = kind === 'update' ? write.seen : object.updateTime;
  const before = kind === 'update' && write.before ? elementRefsOf(resource, write.before) : [];
  return [
    kind === 'create'
      ? {
          action: { put: item },
          when: 'absent',
          otherwise: () => fail('conflict', `${label(resource, object)} exists already`),
          emits,
        }
      : { action: { put: item }, when: { updateTime: seen }, otherwise: gone, emits },
    ...guard.map((at): Step => {
      const action = { put: { ...at, ...guardBody(resource, object) } };
      return kind === 'create'
        ? { action, when: 'absent', otherwise: taken }
        : { action, when: { id: object.ID }, otherwise: gone };
    }),
    ...(kind === 'refresh' ? [] : pointers).map(({ at, index }) => ({
      action: index ? { put: { ...at, ...index } } : { delete: at },
      otherwise: never,
    })),
    ...(kind === 'refresh' ? [] : elementSteps(key, before, elementRefsOf(resource, object))),
  ];
}

type ElementRef = ReturnType<typeof elementRefsOf>[number];

/** Pointers of elements that are gone go, those of new elements come, and the others are left alone. */
function elementSteps(key: Key, before: readonly ElementRef[], after: readonly ElementRef[]): Step[] {
  const without = (some: readonly ElementRef[], others: readonly ElementRef[]): ElementRef[] =>
    some.filter(one => !others.some(other => other.attribute === one.attribute && other.value === one.value));
  return [
    ...without(before, after).map(({ attribute, value }) => ({
      action: { delete: pointerKey(key, attribute, value) },
      otherwise: never,
    })),
    ...without(after, before).map(({ attribute, value }) => ({
      action: { put: { ...pointerKey(key, attribute, value), ...refKey(key, attribute, value) } },
      otherwise: never,
    })),
  ];
}

/**
 * What a guard holds beside its key. That of a namespace that is being deleted lacks `updateTime`, so that nothing can
 * be created in there, and once it is hidden `object` too, so that it is not found while its name stays taken.
 */
function guardBody(resource: Identity, object: Stored): Pick<Item, 'object' | 'id' | 'updateTime'> {
  const { ID: id, updateTime } = object;
  const text = { object: JSON.stringify(object) };
  if (resource !== 'namespace') return { ...text, id, updateTime };
  const namespace = object as Stored<'namespace'>;
  if (isHidden(namespace)) return { id };
  return namespace.deletion === undefined ? { ...text, id, updateTime } : { ...text, id };
}

const DAY = 24 * 3600;

const activityStep = (activity: Activity, days: number): Step => ({
  action: {
    put: {
      ...activityKey(activity),
      object: JSON.stringify(activity),
      ...(days === 0 ? {} : { expires: secondsOf(activity.date) + days * DAY }),
    },
  },
  otherwise: never,
});

/** Seconds for which an answer is kept. */
const ANSWER_LIFE = 24 * 3600;
const secondsOf = (date: string): number => Math.floor(Date.parse(date) / 1000);

/** Whether an answer still counts. */
export const isCurrent = ({ date }: Answered, now: Date): boolean =>
  secondsOf(date) + ANSWER_LIFE > Math.floor(now.getTime() / 1000);

function answerStep(answer: Answered): Step {
  const at = secondsOf(answer.date);
  return {
    action: {
      put: {
        ...answerKey(answer.tenant, answer.key),
        object: JSON.stringify(answer),
        expires: at + ANSWER_LIFE,
      },
    },
    when: { expiredBy: at },
    otherwise: () =>
      fail('conflict', `the Idempotency-Key \`${answer.key}\` was used meanwhile; repeat the request`),
  };
}

const noNamespace = (namespace: NamespacePath): Failure => fail('not_found', `no namespace \`${namespace}\``);

const requireStep = (namespace: NamespacePath): Step[] =>
  namespace === ROOT
    ? []
    : [
        {
          action: { check: guardKey('namespace', parentPath(namespace), namespace) },
          when: 'open',
          otherwise: () => noNamespace(namespace),
        },
      ];

/** What a write does to the sum that its namespace keeps, where it does; conditions see to it that what is `seen` is what was there. */
function sumSteps(write: Exclude<Write, { kind: 'require' | 'activity' | 'answer' }>): Step[] {
  const { resource, object, kind } = write;
  if (!resourceOf(resource).summed || kind === 'refresh') return [];
  const gone = kind === 'create' ? 0n : weightOf({ ...object, updateTime: write.seen });
  const come = kind === 'delete' ? 0n : weightOf(object);
  return [{ action: { add: sumKey(resource, object.namespace), by: come - gone }, otherwise: never }];
}

const stepsOf = (write: Write, activityDays: number): Step[] =>
  write.kind === 'require'
    ? requireStep(write.namespace)
    : write.kind === 'activity'
      ? [activityStep(write.activity, activityDays)]
      : write.kind === 'answer'
        ? [answerStep(write.answer)]
        : [...objectSteps(write), ...sumSteps(write)];

/**
 * The item actions of a commit. Names each item once, as DynamoDB wants it: a `require` of a namespace that the same
 * commit makes is dropped. Entries of the activity log expire after `activityDays`, unless it is 0. Fails with `too_large` beyond 100 items, 400 KB an item or 4 MB in all.
 */
export function plan(writes: readonly Write[], activityDays = 0): Step[] {
  const steps = new Map<string, Step>();
  for (const step of writes.flatMap(write => stepsOf(write, activityDays))) {
    const { pk, sk } = stepKey(step);
    const key = `${pk}\n${sk}`;
    const other = steps.get(key);
    if (other) {
      const kept = merge(other, step);
      if (kept instanceof Error) throw kept;
      steps.set(key, kept);
    } else steps.set(key, step);
  }
  const all = [...steps.values()];
  withinLimits(all);
  return all;
}

/** The same conditions, and nothing written. */
export const rehearsal = (steps: readonly Step[]): Step[] =>
  steps.flatMap(({ emits: _, ...step }) =>
    step.when === undefined ? [] : [{ ...step, action: { check: stepKey(step) } }],
  );

/** Two steps of one commit on one item: fine only when one of them is a mere check that the other one settles, or both add. */
function merge(first: Step, second: Step): Step | Failure {
  if ('add' in first.action && 'add' in second.action)
    return { ...first, action: { ...first.action, by: first.action.by + second.action.by } };
  const [check, other] = 'check' in first.action ? [first, second] : [second, first];
  if (!('check' in check.action)) {
    return first.when === 'absent' && second.when === 'absent'
      ? second.otherwise(true)
      : fail('bad_request', `one commit writes ${stepKey(first).sk} twice; write it once`);
  }
  return 'delete' in other.action ? check.otherwise(false) : other;
}

function withinLimits(steps: readonly Step[]): void {
  if (steps.length > LIMITS.transaction)
    throw fail(
      'too_large',
      `one commit writes ${steps.length} items, with names and look-ups; at most ${LIMITS.transaction} go together, so split it`,
    );
  let sum = 0;
  for (const { action } of steps) {
    if (!('put' in action)) continue;
    const bytes = itemBytes(action.put);
    sum += bytes;
    if (bytes > LIMITS.item)
      throw fail(
        'too_large',
        `${action.put.sk} has ${bytes} bytes; an object may have ${LIMITS.item}, so make it smaller`,
      );
  }
  if (sum > TRANSACTION_BYTES)
    throw fail(
      'too_large',
      `one commit has ${sum} bytes; at most ${TRANSACTION_BYTES} go together, so split it`,
    );
}
