import { Duration } from 'aws-cdk-lib';
import type { ITable, Table } from 'aws-cdk-lib/aws-dynamodb';
import {
  FilterCriteria,
  FilterRule,
  type Function as LambdaFunction,
  StartingPosition,
} from 'aws-cdk-lib/aws-lambda';
import { DynamoEventSource, SqsDlq } from 'aws-cdk-lib/aws-lambda-event-sources';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { STREAM } from '../shared/schema/table.ts';
import { acknowledge } from './acknowledge.ts';

type Filter = Record<string, unknown>;

const beginsWith = (...prefixes: string[]) => ({
  S: prefixes.flatMap(prefix => FilterRule.beginsWith(prefix)),
});

/** Written objects of these resources; guards, activities and the publisher's to-do list have other keys. */
export const objectsOf = (identities: readonly string[]): Filter => ({
  dynamodb: { Keys: { pk: beginsWith(STREAM.object), sk: beginsWith(...identities.map(STREAM.ofResource)) } },
});

/** Entries of the publisher's to-do list that were made or marked. */
export const publications: Filter = {
  eventName: FilterRule.or('INSERT', 'MODIFY'),
  dynamodb: { Keys: { pk: beginsWith(STREAM.publication) } },
};

interface Reader {
  /** One pattern says it all: a mapping takes only five of them. */
  filter: Filter;
  failures: Queue;
  /** Waits this long for more records before it calls: a burst of changes becomes one call. */
  gather: Duration;
}

/**
 * Calls a function with what the table's stream brings, in order for each item. A batch that fails is halved until the
 * bad record stands alone; that one is tried again for as long as the stream keeps it near enough, then set aside.
 */
export function readStream(fn: LambdaFunction, table: Table, { filter, failures, gather }: Reader): void {
  fn.addEventSource(
    // The class writes `undefined` where the interface only allows absence.
    new DynamoEventSource(table as ITable, {
      startingPosition: StartingPosition.TRIM_HORIZON,
      filters: [FilterCriteria.filter(filter)],
      batchSize: 100,
      maxBatchingWindow: gather,
      bisectBatchOnError: true,
      reportBatchItemFailures: true,
      retryAttempts: 20,
      maxRecordAge: Duration.hours(12),
      parallelizationFactor: 4,
      onFailure: new SqsDlq(failures),
    }),
  );
  acknowledge(fn, {
    'Serverless-LambdaDLQ':
      'The mapping of the stream calls it and sets aside what fails in a queue of its own.',
  });
}
