import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { type Connection, clientConfig } from './client.ts';

export interface TableOptions extends Connection {
  tableName: string;
  /** Shares a client, and its connections, between the adapters of one table. */
  client?: DynamoDBDocumentClient;
}

export const documentClient = (options: Connection): DynamoDBDocumentClient =>
  DynamoDBDocumentClient.from(new DynamoDBClient(clientConfig(options)), {
    marshallOptions: { removeUndefinedValues: true },
  });
