import { DescribeTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import {
  DescribeStreamCommand,
  DynamoDBStreamsClient,
  GetRecordsCommand,
  GetShardIteratorCommand,
} from '@aws-sdk/client-dynamodb-streams';
import { z } from 'zod';
import type { Change, ChangeFeed } from '../../ports/change-feed.ts';
import { fail } from '../../schema/failure.ts';
import { STREAM } from '../../schema/table.ts';
import { identityOfSk, readObject } from '../table/read.ts';
import { call, clientConfig } from './client.ts';
import type { TableOptions } from './document.ts';

const text = z.object({ S: z.string() });
const Image = z.object({ pk: text, sk: text, object: text.optional() });
/** A record of a table's stream, as Lambda hands it over and as GetRecords returns it. */
const StreamRecord = z.object({
  eventName: z.enum(['INSERT', 'MODIFY', 'REMOVE']),
  dynamodb: z.object({
    SequenceNumber: z.string(),
    Keys: z.object({ pk: text, sk: text }),
    NewImage: Image.optional(),
    OldImage: Image.optional(),
  }),
});

const OPERATIONS = { INSERT: 'create', MODIFY: 'update', REMOVE: 'delete' } as const;

/** The change that one record of the stream tells of; undefined for guards, pointers, activity and the like. */
export function changeOf(record: unknown): Change | undefined {
  const { eventName, dynamodb } = StreamRecord.parse(record);
  const { pk, sk } = { pk: dynamodb.Keys.pk.S, sk: dynamodb.Keys.sk.S };
  const resource = pk.startsWith(STREAM.object) ? identityOfSk(sk) : undefined;
  if (!resource) return undefined;
  const read = (image: z.infer<typeof Image> | undefined) =>
    image && readObject(resource, image.object?.S, `${pk} ${sk}`);
  const [before, after] = [read(dynamodb.OldImage), read(dynamodb.NewImage)];
  return { resource, operation: OPERATIONS[eventName], ...(before && { before }), ...(after && { after }) };
}

/** The changes of a batch that Lambda was given. */
export const changesFromStream = (records: readonly unknown[]): Change[] =>
  records.flatMap(record => changeOf(record) ?? []);

/** Shard → sequence number of the last record that was read in it. */
const Cursor = z.record(z.string(), z.string());
type Cursor = z.infer<typeof Cursor>;

const BATCH = 1000;

/** The records of a table's stream as they are, read without Lambda. */
export interface TableStream {
  /** Up to `limit` records of each shard; none when there is nothing new. `cursor` goes on behind them. */
  read(cursor: string, limit: number): Promise<{ records: unknown[]; cursor: string }>;
}

export const STREAM_START = '{}';

export function openTableStream(options: TableOptions): TableStream {
  const client = new DynamoDBStreamsClient(clientConfig(options));
  const stream = once(() => streamArn(options));

  const shards = async (StreamArn: string): Promise<string[]> => {
    const ids: string[] = [];
    let ExclusiveStartShardId: string | undefined;
    do {
      const describe = new DescribeStreamCommand({
        StreamArn,
        ...(ExclusiveStartShardId && { ExclusiveStartShardId }),
      });
      const { StreamDescription } = await call('DynamoDB Streams', () => client.send(describe));
      ids.push(...(StreamDescription?.Shards ?? []).flatMap(({ ShardId }) => ShardId ?? []));
      ExclusiveStartShardId = StreamDescription?.LastEvaluatedShardId;
    } while (ExclusiveStartShardId);
    return ids;
  };

  return {
    async read(cursor, limit) {
      const seen: Cursor = { ...parse(cursor) };
      const StreamArn = await stream();
      const all: unknown[] = [];
      for (const ShardId of await shards(StreamArn)) {
        const SequenceNumber = seen[ShardId];
        const start = new GetShardIteratorCommand({
          StreamArn,
          ShardId,
          ...(SequenceNumber === undefined
            ? { ShardIteratorType: 'TRIM_HORIZON' as const }
            : { ShardIteratorType: 'AFTER_SEQUENCE_NUMBER' as const, SequenceNumber }),
        });
        const { ShardIterator } = await call('DynamoDB Streams', () => client.send(start));
        const get = new GetRecordsCommand({ ShardIterator, Limit: Math.min(limit, BATCH) });
        const { Records = [] } = await call('DynamoDB Streams', () => client.send(get));
        all.push(...Records);
        const last = Records.at(-1)?.dynamodb?.SequenceNumber;
        if (last !== undefined) seen[ShardId] = last;
      }
      return { records: all, cursor: JSON.stringify(seen) };
    },
  };
}

/** The port over the stream. For tests and tools: in AWS the stream itself calls functions/events. */
export function openChangeFeed(options: TableOptions): ChangeFeed {
  const stream = openTableStream(options);
  return {
    start: async () => STREAM_START,
    async read(cursor, limit) {
      let at = cursor;
      for (;;) {
        const batch = await stream.read(at, limit);
        const changes = changesFromStream(batch.records);
        at = batch.cursor;
        // Records that are no changes don't end it: an empty batch means that there is nothing new.
        if (changes.length > 0 || batch.records.length === 0) return { changes, cursor: at };
      }
    },
  };
}

function parse(cursor: string): Cursor {
  try {
    return Cursor.parse(JSON.parse(cursor));
  } catch {
    throw fail(
      'bad_request',
      `\`${cursor.slice(0, 80)}\` is no cursor of the change feed; begin with start()`,
    );
  }
}

async function streamArn(options: TableOptions): Promise<string> {
  const client = new DynamoDBClient(clientConfig(options));
  const describe = new DescribeTableCommand({ TableName: options.tableName });
  const { Table } = await call('DynamoDB', () => client.send(describe));
  client.destroy();
  if (Table?.LatestStreamArn) return Table.LatestStreamArn;
  throw fail('unavailable', `table ${options.tableName} has no stream; deploy it from the template`);
}

/** Asks once and remembers a success. */
const once = <T>(work: () => Promise<T>): (() => Promise<T>) => {
  let answer: Promise<T> | undefined;
  return () => {
    answer ??= work().catch(error => {
      answer = undefined;
      throw error;
    });
    return answer;
  };
};
