import { z } from 'zod';
import { NamespacePath, ObjectId } from '../../schema/ids.ts';
import { STREAM } from '../../schema/table.ts';

const Text = z.object({ S: z.string() });
const StreamRecord = z.object({
  eventName: z.enum(['INSERT', 'MODIFY', 'REMOVE']),
  dynamodb: z.object({ Keys: z.object({ pk: Text, sk: Text }) }),
});

/** Entries of the publisher's to-do list that a batch of the table's stream says were made or marked. */
export const marksFromStream = (
  records: readonly unknown[],
): { tenant: NamespacePath; namespaceID: ObjectId }[] =>
  records.flatMap(record => {
    const { eventName, dynamodb } = StreamRecord.parse(record);
    const { pk, sk } = { pk: dynamodb.Keys.pk.S, sk: dynamodb.Keys.sk.S };
    if (eventName === 'REMOVE' || !pk.startsWith(STREAM.publication)) return [];
    const tenant = NamespacePath.parse(pk.slice(STREAM.publication.length));
    return [{ tenant, namespaceID: ObjectId.parse(sk) }];
  });
