import { TransactWriteCommand } from '@aws-sdk/lib-dynamodb';
import { expect, test } from 'vitest';
import { documentClient } from '../../shared/adapters/aws/document.ts';
import { installation } from './lane/installation.ts';

const { config, connection, has } = installation();

test.skipIf(!has('dynamodb'))(
  'a transaction that comes again with its request token succeeds and does nothing',
  async () => {
    const client = documentClient(connection);
    const Put = {
      TableName: config.TABLE_NAME,
      Item: { pk: 'once#/request-token#x', sk: '-' },
      ConditionExpression: 'attribute_not_exists(pk)',
    };
    const again = (ClientRequestToken: string) =>
      client.send(new TransactWriteCommand({ TransactItems: [{ Put }], ClientRequestToken }));
    await again('one');
    await again('one');
    await expect(again('another')).rejects.toThrow('ConditionalCheckFailed');
  },
);
