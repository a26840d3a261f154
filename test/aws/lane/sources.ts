import { setTimeout as sleep } from 'node:timers/promises';
import { EventBridgeClient, PutRuleCommand, PutTargetsCommand } from '@aws-sdk/client-eventbridge';
import { z } from 'zod';
import { openTableStream, STREAM_START } from '../../../shared/adapters/aws/change-feed.ts';
import type { Lambda } from './front.ts';
import { json, type Wire } from './request.ts';
import { referred, resourcesOf, type Stack } from './template.ts';

/** What calls a function when something happens, until it is stopped. */
export interface Source {
  name: string;
  stop(): Promise<void>;
}

/** Finds a function by its logical ID in the template. */
export type Find = (logicalId: string) => Lambda;

/** Milliseconds between rounds: rare enough that a small endpoint has time for the tests. */
const PAUSE = 250;

/** Runs rounds, one behind the other, until stopped. A round that fails is repeated: at least once. */
function repeat(name: string, round: () => Promise<void>): Source {
  let on = true;
  const run = async (): Promise<void> => {
    while (on) {
      await round().catch(error => console.error(`${name}:`, error));
      await sleep(PAUSE);
    }
  };
  const ended = run();
  return {
    name,
    stop: () => {
      on = false;
      return ended;
    },
  };
}

const Rule = z.looseObject({
  EventPattern: z.record(z.string(), z.unknown()),
  EventBusName: z.unknown().optional(),
  Targets: z.array(z.looseObject({ Arn: z.unknown() })),
});
const Messages = z.object({
  Messages: z.array(z.object({ Body: z.string(), ReceiptHandle: z.string() })).optional(),
});

/**
 * The rules of the template at the endpoint's own EventBridge, with its own matching. A queue stands where the function
 * is: what comes into it is handed to the function here, and taken off only when that succeeded.
 */
export async function startRules(
  wire: Wire,
  stacks: readonly Stack[],
  busName: string,
  find: Find,
): Promise<Source[]> {
  const client = new EventBridgeClient({ endpoint: wire.endpoint, region: wire.region });
  const sqs = (action: string, input: unknown) => json(wire, 'sqs', `AmazonSQS.${action}`, input);
  const sources: Source[] = [];
  for (const [id, { Properties }] of resourcesOf(stacks, 'AWS::Events::Rule')) {
    if (Properties?.EventPattern === undefined) continue;
    const { EventPattern, EventBusName, Targets } = Rule.parse(Properties);
    const { QueueUrl } = z
      .object({ QueueUrl: z.string() })
      .parse(await sqs('CreateQueue', { QueueName: id }));
    const { Attributes } = z
      .object({ Attributes: z.object({ QueueArn: z.string() }) })
      .parse(await sqs('GetQueueAttributes', { QueueUrl, AttributeNames: ['QueueArn'] }));
    const bus = EventBusName === undefined ? 'default' : busName;
    await client.send(
      new PutRuleCommand({ Name: id, EventBusName: bus, EventPattern: JSON.stringify(EventPattern) }),
    );
    await client.send(
      new PutTargetsCommand({
        Rule: id,
        EventBusName: bus,
        Targets: [{ Id: 'queue', Arn: Attributes.QueueArn }],
      }),
    );
    const functions = Targets.map(({ Arn }) => find(referred(Arn) ?? ''));
    sources.push(
      repeat(id, async () => {
        const received = await sqs('ReceiveMessage', {
          QueueUrl,
          MaxNumberOfMessages: 10,
          VisibilityTimeout: 5,
        });
        for (const { Body, ReceiptHandle } of Messages.parse(received).Messages ?? []) {
          for (const lambda of functions) await lambda(JSON.parse(Body), {});
          await sqs('DeleteMessage', { QueueUrl, ReceiptHandle });
        }
      }),
    );
  }
  client.destroy();
  return sources;
}

const Mapping = z.looseObject({
  FunctionName: z.unknown(),
  BatchSize: z.int(),
  FilterCriteria: z.object({ Filters: z.array(z.object({ Pattern: z.string() })) }),
});
const Answer = z.object({ batchItemFailures: z.array(z.unknown()) }).optional();

/** Lambda's filters, the part that the template uses: exact strings and prefixes, nested as the record is. */
function passes(pattern: unknown, value: unknown): boolean {
  if (Array.isArray(pattern))
    return pattern.some(each =>
      typeof each === 'string'
        ? each === value
        : String(value).startsWith(z.object({ prefix: z.string() }).parse(each).prefix),
    );
  if (typeof pattern !== 'object' || pattern === null)
    throw new Error(`unknown filter ${JSON.stringify(pattern)}`);
  return Object.entries(pattern).every(([name, inner]) =>
    passes(inner, typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined),
  );
}

/** Event source mappings of the template; those of a stream say where in it they begin. */
const mappings = (stacks: readonly Stack[], ofStream: boolean) =>
  resourcesOf(stacks, 'AWS::Lambda::EventSourceMapping').filter(
    ([, { Properties }]) => (Properties?.StartingPosition !== undefined) === ofStream,
  );

const QueueMapping = z.looseObject({ FunctionName: z.unknown(), BatchSize: z.int() });

/** The event source mappings of the template that read a queue, of which there is one. */
export function startQueue(wire: Wire, stacks: readonly Stack[], QueueUrl: string, find: Find): Source[] {
  const sqs = (action: string, input: unknown) => json(wire, 'sqs', `AmazonSQS.${action}`, input);
  return mappings(stacks, false).map(([id, { Properties }]) => {
    const { FunctionName, BatchSize } = QueueMapping.parse(Properties);
    const lambda = find(referred(FunctionName) ?? '');
    return repeat(id, async () => {
      const received = await sqs('ReceiveMessage', {
        QueueUrl,
        MaxNumberOfMessages: BatchSize,
        VisibilityTimeout: 5,
      });
      const { Messages: messages = [] } = Messages.parse(received);
      if (messages.length > 0) await lambda({ Records: messages.map(({ Body }) => ({ body: Body })) }, {});
      for (const { ReceiptHandle } of messages) await sqs('DeleteMessage', { QueueUrl, ReceiptHandle });
    });
  });
}

/** The event source mappings of the template that read a stream: the table's stream, filtered as they say, in batches, in order. */
export function startStreams(wire: Wire, stacks: readonly Stack[], tableName: string, find: Find): Source[] {
  const stream = openTableStream({ endpoint: wire.endpoint, region: wire.region, tableName });
  return mappings(stacks, true).map(([id, { Properties }]) => {
    const { FunctionName, BatchSize, FilterCriteria } = Mapping.parse(Properties);
    const lambda = find(referred(FunctionName) ?? '');
    const patterns: unknown[] = FilterCriteria.Filters.map(({ Pattern }) => JSON.parse(Pattern));
    let cursor = STREAM_START;
    return repeat(id, async () => {
      const batch = await stream.read(cursor, BatchSize);
      const records = batch.records.filter(record => patterns.some(pattern => passes(pattern, record)));
      const answer = records.length > 0 ? Answer.parse(await lambda({ Records: records }, {})) : undefined;
      if (!answer?.batchItemFailures.length) cursor = batch.cursor;
    });
  });
}
