import { randomBytes } from 'node:crypto';
import {
  CreateTableCommand,
  DeleteTableCommand,
  DescribeTableCommand,
  DynamoDBClient,
  waitUntilTableExists,
} from '@aws-sdk/client-dynamodb';
import { type Connection, clientConfig } from '../../../shared/adapters/aws/client.ts';
import { installation } from './installation.ts';

/**
 * Another table like the deployed one, for one suite: same keys, indexes and stream, read from it. Suites do not see
 * each other's items, and functions are not called for them.
 */
export async function freshTable(
  connection: Connection,
): Promise<{ tableName: string; drop(): Promise<void> }> {
  const client = new DynamoDBClient(clientConfig(connection));
  const { Table } = await client.send(
    new DescribeTableCommand({ TableName: installation().config.TABLE_NAME }),
  );
  const TableName = `contract-${randomBytes(6).toString('hex')}`;
  const indexes = Table?.GlobalSecondaryIndexes?.map(({ IndexName, KeySchema, Projection }) => ({
    IndexName,
    KeySchema,
    Projection,
  }));
  await client.send(
    new CreateTableCommand({
      TableName,
      KeySchema: Table?.KeySchema,
      AttributeDefinitions: Table?.AttributeDefinitions,
      GlobalSecondaryIndexes: indexes,
      StreamSpecification: Table?.StreamSpecification,
      BillingMode: 'PAY_PER_REQUEST',
    }),
  );
  await waitUntilTableExists({ client, maxWaitTime: 60 }, { TableName });
  return {
    tableName: TableName,
    drop: async () => {
      await client.send(new DeleteTableCommand({ TableName }));
      client.destroy();
    },
  };
}
