import { randomBytes } from 'node:crypto';
import {
  DeleteRuleCommand,
  EventBridgeClient,
  PutRuleCommand,
  PutTargetsCommand,
  RemoveTargetsCommand,
} from '@aws-sdk/client-eventbridge';
import { z } from 'zod';
import { consumed } from '../../../shared/schema/event.ts';
import { json, type Wire } from './request.ts';

const Received = z.object({
  Messages: z.array(z.object({ Body: z.string(), ReceiptHandle: z.string() })).optional(),
});

/** A rule of its own on the bus, with the catalogue's pattern, and a queue behind it. `received`: details so far. */
export async function listen(wire: Wire, busName: string) {
  const client = new EventBridgeClient({
    endpoint: wire.endpoint,
    region: wire.region,
    credentials: wire,
  });
  const sqs = (action: string, input: unknown) => json(wire, 'sqs', `AmazonSQS.${action}`, input);
  const name = `listen-${randomBytes(6).toString('hex')}`;
  const { QueueUrl } = z
    .object({ QueueUrl: z.string() })
    .parse(await sqs('CreateQueue', { QueueName: name }));
  const { Attributes } = z
    .object({ Attributes: z.object({ QueueArn: z.string() }) })
    .parse(await sqs('GetQueueAttributes', { QueueUrl, AttributeNames: ['QueueArn'] }));
  const rule = { Name: name, EventBusName: busName };
  const pattern = JSON.stringify(consumed.CloudAccountOnboarded);
  await client.send(new PutRuleCommand({ ...rule, EventPattern: pattern }));
  await client.send(
    new PutTargetsCommand({
      Rule: name,
      EventBusName: busName,
      Targets: [{ Id: 'q', Arn: Attributes.QueueArn }],
    }),
  );
  const details: unknown[] = [];
  return {
    async received(): Promise<unknown[]> {
      const { Messages = [] } = Received.parse(
        await sqs('ReceiveMessage', { QueueUrl, MaxNumberOfMessages: 10 }),
      );
      for (const { Body, ReceiptHandle } of Messages) {
        details.push(JSON.parse(Body).detail);
        await sqs('DeleteMessage', { QueueUrl, ReceiptHandle });
      }
      return details;
    },
    async stop(): Promise<void> {
      await client.send(new RemoveTargetsCommand({ Rule: name, EventBusName: busName, Ids: ['q'] }));
      await client.send(new DeleteRuleCommand(rule));
      client.destroy();
    },
  };
}
