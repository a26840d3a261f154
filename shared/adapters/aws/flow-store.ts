import { setTimeout as sleep } from 'node:timers/promises';
import { FirehoseClient, PutRecordBatchCommand } from '@aws-sdk/client-firehose';
import { GetObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import type { FlowStore } from '../../ports/flow-store.ts';
import { fail } from '../../schema/failure.ts';
import { DAY, dayPrefix, lineOf, tenantPrefix } from '../flows/line.ts';
import { flowReader, type Segment, type Segments } from '../flows/read.ts';
import { type Connection, call, clientConfig } from './client.ts';

export interface FlowStoreOptions extends Connection {
  stream: string;
  bucket: string;
}

/** Firehose: records and bytes of a call, and bytes of a record. Several lines share a record, which costs 5 KB at least. */
const LIMITS = { records: 500, call: 4 * 1024 * 1024, record: 128 * 1024 };
const ATTEMPTS = 4;

/** Lines → records → calls. */
function callsOf(lines: readonly string[]): Buffer[][] {
  const records: Buffer[] = [];
  let text = '';
  for (const line of lines) {
    if (text !== '' && Buffer.byteLength(text) + Buffer.byteLength(line) > LIMITS.record) {
      records.push(Buffer.from(text));
      text = '';
    }
    text += line;
  }
  if (text !== '') records.push(Buffer.from(text));
  const calls: Buffer[][] = [];
  let size = 0;
  for (const record of records) {
    const last = calls.at(-1);
    if (last && last.length < LIMITS.records && size + record.length <= LIMITS.call) last.push(record);
    else {
      calls.push([record]);
      size = 0;
    }
    size += record.length;
  }
  return calls;
}

/** Records go through Firehose, which puts them below the prefix of their tenant and day, and are read from S3. */
export function openFlowStore(options: FlowStoreOptions): FlowStore {
  const firehose = new FirehoseClient(clientConfig(options));
  const s3 = new S3Client({ ...clientConfig(options), forcePathStyle: options.endpoint !== undefined });

  /** Firehose may take some and not others; those are sent again. */
  const put = async (records: readonly Buffer[]): Promise<void> => {
    let left = records;
    for (let attempt = 1; ; attempt++) {
      const command = new PutRecordBatchCommand({
        DeliveryStreamName: options.stream,
        Records: left.map(Data => ({ Data })),
      });
      const { RequestResponses = [] } = await call('Firehose', () => firehose.send(command));
      left = left.filter((_, at) => RequestResponses[at]?.RecordId === undefined);
      if (left.length === 0) return;
      if (attempt === ATTEMPTS)
        throw fail('unavailable', 'Firehose did not take all flow reports; send them again in a moment');
      await sleep(100 * 2 ** attempt * Math.random());
    }
  };

  return {
    append: async (_tenant, reports) => {
      for (const records of callsOf(reports.map(lineOf))) await put(records);
    },
    ...flowReader(segmentsIn(s3, options.bucket)),
  };
}

const segmentsIn = (client: S3Client, Bucket: string): Segments => ({
  days: async tenant => {
    const days: string[] = [];
    let ContinuationToken: string | undefined;
    do {
      const list = new ListObjectsV2Command({
        Bucket,
        Prefix: tenantPrefix(tenant),
        Delimiter: '/',
        ...(ContinuationToken === undefined ? {} : { ContinuationToken }),
      });
      const answer = await call('S3', () => client.send(list));
      const names = (answer.CommonPrefixes ?? []).map(({ Prefix = '' }) => Prefix.split('/').at(-2) ?? '');
      days.push(...names.flatMap(name => DAY.exec(name)?.[1] ?? []));
      ContinuationToken = answer.NextContinuationToken;
    } while (ContinuationToken !== undefined);
    return days;
  },
  of: async (tenant, day) => {
    const found: Segment[] = [];
    let ContinuationToken: string | undefined;
    do {
      const list = new ListObjectsV2Command({
        Bucket,
        Prefix: dayPrefix(tenant, day),
        ...(ContinuationToken === undefined ? {} : { ContinuationToken }),
      });
      const answer = await call('S3', () => client.send(list));
      for (const { Key, Size = 0 } of answer.Contents ?? [])
        if (Key !== undefined) found.push({ key: Key, size: Size });
      ContinuationToken = answer.NextContinuationToken;
    } while (ContinuationToken !== undefined);
    return found;
  },
  text: async ({ key }) => {
    const { Body } = await call('S3', () => client.send(new GetObjectCommand({ Bucket, Key: key })));
    return Buffer.from((await Body?.transformToByteArray()) ?? []);
  },
  damaged: ({ key }) =>
    fail(
      'unavailable',
      `s3://${Bucket}/${key} holds a line that is no flow record; restore it or move it away`,
    ),
});
