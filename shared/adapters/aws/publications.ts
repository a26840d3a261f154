import { DeleteCommand, GetCommand, QueryCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { z } from 'zod';
import type { Publication, Publications } from '../../ports/publications.ts';
import { NamespacePath, ObjectId, tenantOf } from '../../schema/ids.ts';
import { Tag } from '../../schema/tag.ts';
import { publicationKey, publicationsPk } from '../table/keys.ts';
import { call, isNamed } from './client.ts';
import { documentClient, type TableOptions } from './document.ts';

const json = z
  .string()
  .default('[]')
  .transform((text): unknown => JSON.parse(text));
const Row = z.object({
  sk: ObjectId,
  namespace: NamespacePath,
  marked: z.int(),
  published: z.int().default(0),
  revision: z.int().default(0),
  digest: z.string().default(''),
  since: z.int().default(0),
  changed: z.string().default(''),
  /** JSON text, as objects are. */
  selectors: json.pipe(z.array(z.array(Tag))),
  reaches: json.pipe(z.array(NamespacePath)),
});

const toPublication = (item: unknown): Publication => {
  const { sk, ...rest } = Row.parse(item);
  return { namespaceID: sk, ...rest };
};

export function openPublications(options: TableOptions): Publications {
  const client = options.client ?? documentClient(options);
  const TableName = options.tableName;
  const keyOf = (tenant: NamespacePath, id: ObjectId) => ({
    TableName,
    Key: { ...publicationKey(tenant, id) },
  });

  return {
    async list(tenant) {
      const all: Publication[] = [];
      let ExclusiveStartKey: Record<string, unknown> | undefined;
      do {
        const query = new QueryCommand({
          TableName,
          ConsistentRead: true,
          KeyConditionExpression: 'pk = :pk',
          ExpressionAttributeValues: { ':pk': publicationsPk(tenant) },
          ExclusiveStartKey,
        });
        const { Items = [], LastEvaluatedKey } = await call('DynamoDB', () => client.send(query));
        all.push(...Items.map(toPublication));
        ExclusiveStartKey = LastEvaluatedKey;
      } while (ExclusiveStartKey);
      return all.sort((a, b) => (a.namespace < b.namespace ? -1 : 1));
    },
    async get(tenant, namespaceID) {
      const get = new GetCommand({ ...keyOf(tenant, namespaceID), ConsistentRead: true });
      const { Item } = await call('DynamoDB', () => client.send(get));
      return Item && toPublication(Item);
    },
    async mark(namespace, namespaceID) {
      const mark = new UpdateCommand({
        ...keyOf(tenantOf(namespace), namespaceID),
        UpdateExpression: 'SET #namespace = :namespace ADD marked :one',
        ExpressionAttributeNames: { '#namespace': 'namespace' },
        ExpressionAttributeValues: { ':namespace': namespace, ':one': 1 },
      });
      await call('DynamoDB', () => client.send(mark));
    },
    async done({ namespace, namespaceID, marked, revision, digest, since, changed, selectors, reaches }) {
      const done = new UpdateCommand({
        ...keyOf(tenantOf(namespace), namespaceID),
        UpdateExpression:
          'SET published = :marked, revision = :revision, digest = :digest, since = :since, changed = :changed, selectors = :selectors, reaches = :reaches',
        ConditionExpression:
          'attribute_exists(pk) AND (attribute_not_exists(published) OR published <= :marked)',
        ExpressionAttributeValues: {
          ':marked': marked,
          ':revision': revision,
          ':digest': digest,
          ':since': since,
          ':changed': changed,
          ':selectors': JSON.stringify(selectors),
          ':reaches': JSON.stringify(reaches),
        },
      });
      try {
        await call('DynamoDB', () => client.send(done));
      } catch (error) {
        // Removed meanwhile, or a newer publish was recorded first: then there is nothing to record.
        if (!isNamed(error, 'ConditionalCheckFailedException')) throw error;
      }
    },
    async remove(tenant, namespaceID) {
      await call('DynamoDB', () => client.send(new DeleteCommand(keyOf(tenant, namespaceID))));
    },
  };
}
