import { setTimeout as sleep } from 'node:timers/promises';
import { ConditionalCheckFailedException, TransactionCanceledException } from '@aws-sdk/client-dynamodb';
import type { TransactWriteCommandInput } from '@aws-sdk/lib-dynamodb';
import { type DynamoDBDocumentClient, PutCommand, TransactWriteCommand } from '@aws-sdk/lib-dynamodb';
import type { Clock } from '../../ports/clock.ts';
import { fail } from '../../schema/failure.ts';
import { TABLE } from '../../schema/table.ts';
import type { Condition, Step } from '../table/plan.ts';
import { call, isNamed } from './client.ts';

type TransactItem = NonNullable<TransactWriteCommandInput['TransactItems']>[number];

const expressionOf = (when: Condition) => {
  if (when === 'absent') return { ConditionExpression: 'attribute_not_exists(pk)' };
  if (when === 'present') return { ConditionExpression: 'attribute_exists(pk)' };
  if (when === 'open') return { ConditionExpression: 'attribute_exists(updateTime)' };
  if ('expiredBy' in when) {
    return {
      ConditionExpression: 'attribute_not_exists(pk) OR #ttl <= :now',
      ExpressionAttributeNames: { '#ttl': TABLE.ttl },
      ExpressionAttributeValues: { ':now': when.expiredBy },
    };
  }
  const [name, value] = 'id' in when ? ['id', when.id] : ['updateTime', when.updateTime];
  return {
    ConditionExpression: '#seen = :seen',
    ExpressionAttributeNames: { '#seen': name },
    ExpressionAttributeValues: { ':seen': value },
  };
};

function toItem(TableName: string, { action, when }: Step): TransactItem {
  const condition = when && {
    ...expressionOf(when),
    ReturnValuesOnConditionCheckFailure: 'ALL_OLD' as const,
  };
  if ('put' in action) return { Put: { TableName, Item: action.put, ...condition } };
  if ('add' in action) {
    const Update = {
      TableName,
      Key: { pk: action.add.pk, sk: action.add.sk },
      UpdateExpression: 'ADD #weight :by',
      ExpressionAttributeNames: { '#weight': 'weight' },
      ExpressionAttributeValues: { ':by': action.by },
    };
    return { Update };
  }
  const key = { [TABLE.pk]: keyOf(action).pk, [TABLE.sk]: keyOf(action).sk };
  if ('delete' in action) return { Delete: { TableName, Key: key, ...condition } };
  return { ConditionCheck: { TableName, Key: key, ...(condition ?? expressionOf('present')) } };
}

const keyOf = (action: Exclude<Step['action'], { put: unknown } | { add: unknown }>) =>
  'delete' in action ? action.delete : action.check;

/** Milliseconds; the whole of it with full jitter stays within a second or two. */
const FIRST = 20;
const LONGEST = 500;
const ATTEMPTS = 10;

/**
 * Runs a plan as one TransactWriteItems, or one PutItem where it is a single item. Two transactions that meet on an item cancel each other: that one is repeated,
 * with jitter, until it is clear whose condition holds. The SDK's request token makes its own retries harmless.
 */
export function committing(client: DynamoDBDocumentClient, tableName: string, { randomBytes }: Clock) {
  const chance = (): number => (randomBytes(1)[0] ?? 0) / 256;

  return async (steps: readonly Step[]): Promise<void> => {
    const [first] = steps;
    if (!first) return;
    const items = steps.map(step => toItem(tableName, step));
    const alone = items.length === 1 ? items[0]?.Put : undefined;
    const attemptIt = alone
      ? () => put(client, alone, first)
      : () => transact(client, { TransactItems: items }, steps);
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      if (await call('DynamoDB', attemptIt)) return;
      await sleep(chance() * Math.min(LONGEST, FIRST * 2 ** attempt));
    }
    throw fail('unavailable', 'others keep writing the same objects; try again in a moment');
  };
}

/** One item alone needs no transaction, which would cost twice as much. False when it met another one's transaction. */
async function put(
  client: DynamoDBDocumentClient,
  command: NonNullable<TransactItem['Put']>,
  step: Step,
): Promise<boolean> {
  try {
    await client.send(new PutCommand(command));
    return true;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) throw step.otherwise(error.Item !== undefined);
    if (isNamed(error, 'TransactionConflictException')) return false;
    throw error;
  }
}

/** False when it met another transaction on one of its items. */
async function transact(
  client: DynamoDBDocumentClient,
  command: TransactWriteCommandInput,
  steps: readonly Step[],
): Promise<boolean> {
  try {
    await client.send(new TransactWriteCommand(command));
    return true;
  } catch (error) {
    if (!(error instanceof TransactionCanceledException)) throw error;
    judge(steps, error);
    return false;
  }
}

/** Throws what a cancelled transaction means; returns when it is worth another attempt. */
function judge(steps: readonly Step[], cancelled: TransactionCanceledException): void {
  const reasons = cancelled.CancellationReasons ?? [];
  for (const [index, { Code, Item }] of reasons.entries()) {
    const step = steps[index];
    if (Code === 'ConditionalCheckFailed' && step) throw step.otherwise(Item !== undefined);
  }
  const codes = new Set(reasons.map(({ Code }) => Code));
  if (codes.has('ThrottlingError') || codes.has('ProvisionedThroughputExceeded'))
    throw fail('too_many_requests', 'DynamoDB is limiting requests; try again in a moment');
  if (!codes.has('TransactionConflict')) throw cancelled;
}
