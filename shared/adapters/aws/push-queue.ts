import { createHash, randomUUID } from 'node:crypto';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { z } from 'zod';
import type { PushedChange } from '../../core/push.ts';
import { NamespacePath, ObjectId, Timestamp } from '../../schema/ids.ts';
import { IdentityName } from '../table/read.ts';
import { type Connection, call, clientConfig } from './client.ts';

export interface PushQueueOptions extends Connection {
  url: string;
}

/** What listeners are told, between the reader of the table's stream and the function that tells them. */
export interface PushQueue {
  /** In order within a tenant, of one caller. */
  put(tenant: NamespacePath, changes: readonly PushedChange[]): Promise<void>;
}

/** Characters of a message. One change may have more: SQS takes 1 MiB, and an item of the table is 400 KB. */
const LONGEST = 200_000;

/** Without secrets, so that an object need not be all that its schema asks for. */
const Pushed = z.object({
  resource: IdentityName,
  operation: z.enum(['create', 'update', 'delete']),
  object: z.looseObject({ ID: ObjectId, namespace: NamespacePath, createTime: Timestamp }),
});
const Body = z.array(Pushed);

/** Texts of changes, as many to a message as there is room for. */
function bodies(changes: readonly PushedChange[]): string[] {
  const all: string[] = [];
  let part: string[] = [];
  let length = 0;
  for (const change of changes) {
    const text = JSON.stringify(change);
    if (part.length > 0 && length + text.length > LONGEST) {
      all.push(`[${part.join()}]`);
      [part, length] = [[], 0];
    }
    part.push(text);
    length += text.length;
  }
  return part.length > 0 ? [...all, `[${part.join()}]`] : all;
}

export function openPushQueue(options: PushQueueOptions): PushQueue {
  const client = new SQSClient(clientConfig(options));
  return {
    async put(tenant, changes) {
      for (const MessageBody of bodies(changes)) {
        const message = new SendMessageCommand({
          QueueUrl: options.url,
          MessageBody,
          // A group's name has 128 characters, a tenant's path up to 990.
          MessageGroupId: createHash('sha256').update(tenant).digest('hex'),
          // Nothing is a duplicate: an object may well become what it was a minute ago.
          MessageDeduplicationId: randomUUID(),
        });
        await call('SQS', () => client.send(message));
      }
    },
  };
}

const Record = z.object({ body: z.string() });

/** What the messages of a batch, as Lambda hands them over, say in their order. */
export const pushesFromQueue = (records: readonly unknown[]): PushedChange[] =>
  records.flatMap(record => Body.parse(JSON.parse(Record.parse(record).body)) as unknown as PushedChange[]);
