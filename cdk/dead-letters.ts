import { Duration } from 'aws-cdk-lib';
import { Queue, QueueEncryption, type QueueProps } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { acknowledge } from './acknowledge.ts';

/** Where events go that a function could not handle, however often it tried. An alarm watches each. */
export function deadLetters(scope: Construct, of: string, more: Pick<QueueProps, 'fifo'> = {}): Queue {
  const queue = new Queue(scope, `${of}DeadLetters`, {
    ...more,
    encryption: QueueEncryption.SQS_MANAGED,
    enforceSSL: true,
    retentionPeriod: Duration.days(14),
  });
  const reason = 'It is a dead-letter queue itself; an operator reads it, no consumer can fail on it.';
  acknowledge(queue, { 'AwsSolutions-SQS3': reason, 'Serverless-SQSRedrivePolicy': reason });
  return queue;
}
