import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { type Connection, clientConfig } from './client.ts';

export interface TableOptions extends Connection {
  tableName: string;
  /** Shares a client, and its connections, between the adapters of one table. */
  client?: DynamoDBDocumentClient;
}

/** DynamoDB's numbers have 38 digits. */
const exactly = (text: string): number | bigint => {
  const number = Number(text);
  return Number.isSafeInteger(number) || !/^-?\d+$/.test(text) ? number : BigInt(text);
};

export const documentClient = (options: Connection): DynamoDBDocumentClient =>
  DynamoDBDocumentClient.from(new DynamoDBClient(clientConfig(options)), {
    marshallOptions: { removeUndefinedValues: true },
    unmarshallOptions: { wrapNumbers: exactly },
  });
