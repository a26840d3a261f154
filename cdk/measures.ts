import { Duration } from 'aws-cdk-lib';
import { type IMetric, Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { Table } from 'aws-cdk-lib/aws-dynamodb';
import { TABLE } from '../shared/schema/table.ts';
import type { Api } from './api.ts';
import type { Events } from './events.ts';
import type { FlowDelivery } from './flows.ts';
import type { Listeners } from './listeners.ts';
import type { Workflows } from './workflows.ts';

export interface Measured {
  api: Api;
  workflows: Workflows;
  events: Events;
  listeners: Listeners;
  table: Table;
  delivery: FlowDelivery;
}

/** One question about the health of the installation. */
export interface Measure {
  name: string;
  /** What it means when the sum over a period reaches the threshold, and where to look. */
  means: string;
  threshold: number;
  metrics: IMetric[];
}

export const period = Duration.minutes(5);

const sum = { period, statistic: Stats.SUM };
const highest = { period, statistic: Stats.MAXIMUM };
const LATE = Duration.minutes(5);
const UNDELIVERED = Duration.minutes(15);

/** Read and write throttles of the table and of each of its indexes. */
function throttles(table: Table): IMetric[] {
  const indexes = Object.values(TABLE.indexes).map(({ name }) => ({ GlobalSecondaryIndexName: name }));
  return [{}, ...indexes].flatMap(index =>
    ['ReadThrottleEvents', 'WriteThrottleEvents'].map(name =>
      table.metric(name, {
        ...sum,
        label: `${name} ${Object.values(index)[0] ?? 'table'}`,
        dimensionsMap: { TableName: table.tableName, ...index },
      }),
    ),
  );
}

/** The only list of what is watched: alarms and dashboard read it. */
export function measures({ api, workflows, events, listeners, table, delivery }: Measured): Measure[] {
  const parts = {
    Api: api.functions,
    Task: [...workflows.functions.values()],
    Event: events.functions,
    Push: listeners.functions,
  };
  const machines = [...workflows.machines.values()];
  return [
    {
      name: 'FlowsLate',
      means:
        'Flow records wait for their bucket. Read the log of the delivery; what it gave up on lies below failed/.',
      threshold: UNDELIVERED.toSeconds(),
      metrics: [
        new Metric({
          ...highest,
          namespace: 'AWS/Firehose',
          metricName: 'DeliveryToS3.DataFreshness',
          label: 'age of the oldest record',
          dimensionsMap: { DeliveryStreamName: delivery.stream.ref },
        }),
      ],
    },
    {
      name: 'DeadLetters',
      means: 'An event was given up on. Read the dead-letter queues, mend the cause, send the event again.',
      threshold: 1,
      metrics: [...events.queues, ...listeners.queues].map(queue =>
        queue.metricApproximateNumberOfMessagesVisible({ ...highest, label: queue.node.id }),
      ),
    },
    ...Object.entries(parts).flatMap(([part, functions]) => [
      {
        name: `${part}Errors`,
        means: 'A function threw something that is not a refusal. Its log has the error under level ERROR.',
        threshold: 1,
        metrics: functions.map(fn => fn.metricErrors({ ...sum, label: fn.node.id })),
      },
      {
        name: `${part}Throttles`,
        means: 'Calls of a function were turned away: the concurrency of the account is used up.',
        threshold: 1,
        metrics: functions.map(fn => fn.metricThrottles({ ...sum, label: fn.node.id })),
      },
    ]),
    {
      name: 'WorkflowFailures',
      means: 'An execution failed, timed out or was stopped. Its history names the state.',
      threshold: 1,
      metrics: machines.flatMap(machine => [
        machine.metricFailed({ ...sum, label: `${machine.node.id} failed` }),
        machine.metricTimedOut({ ...sum, label: `${machine.node.id} timed out` }),
        machine.metricAborted({ ...sum, label: `${machine.node.id} aborted` }),
      ]),
    },
    {
      name: 'PublishLate',
      means: 'Changes wait for their bundle. Look for errors and throttles of publish.',
      threshold: LATE.toMilliseconds(),
      metrics: [events.publish.metric('IteratorAge', { ...highest, label: 'publish' })],
    },
    {
      name: 'MarkLate',
      means: 'Changes wait to be handed to the publisher. Look for errors and throttles of objectChanged.',
      threshold: LATE.toMilliseconds(),
      metrics: [events.objectChanged.metric('IteratorAge', { ...highest, label: 'objectChanged' })],
    },
    {
      name: 'ApiServerErrors',
      means: 'The API answered 5xx. The trace id in the answer finds the log entry.',
      threshold: 1,
      metrics: [api.front.metricServerError(sum)],
    },
    {
      name: 'ListenerErrors',
      // Not IntegrationError: that counts refusals.
      means: 'API Gateway could not call listener, so that nobody came, said anything or went.',
      threshold: 1,
      metrics: [listeners.socket.metric('ExecutionError', { ...sum, label: 'calls that failed' })],
    },
    {
      name: 'PushLate',
      means: 'What listeners are told waits for its turn. Look for errors and throttles of push.',
      threshold: LATE.toSeconds(),
      metrics: [listeners.queue.metricApproximateAgeOfOldestMessage({ ...highest, label: 'oldest event' })],
    },
    {
      name: 'TableThrottles',
      means: 'DynamoDB turned requests away.',
      threshold: 1,
      metrics: throttles(table),
    },
  ];
}
