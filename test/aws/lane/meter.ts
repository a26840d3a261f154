import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { z } from 'zod';
import { type Connection, clientConfig } from '../../../shared/adapters/aws/client.ts';
import { TABLE } from '../../../shared/schema/table.ts';

/** What a call of the store cost. */
export interface Cost {
  /** Requests, by name: `{ GetItem: 1 }`. */
  requests: Record<string, number>;
  /** Requests that waited for one before them. */
  sequential: number;
  /** Capacity units, as DynamoDB's documentation counts them for on-demand tables. */
  read: number;
  write: number;
}

export interface Meter {
  client: DynamoDBDocumentClient;
  /** The cost of what `work` does. */
  measure(work: () => Promise<unknown>): Promise<Cost>;
}

type Item = Record<string, unknown>;

const KB = 1024;
const bytes = (item: Item | undefined): number =>
  Object.entries(item ?? {}).reduce(
    (sum, [name, value]) =>
      sum + Buffer.byteLength(name) + (typeof value === 'string' ? Buffer.byteLength(value) : 8),
    0,
  );
/** Read units: 4 KB strongly consistent, 8 KB eventually; at least that of one block. */
const readUnits = (size: number, consistent: boolean): number =>
  Math.max(1, Math.ceil(size / (4 * KB))) * (consistent ? 1 : 0.5);
/** Write units: 1 KB. */
const writeUnits = (size: number): number => Math.max(1, Math.ceil(size / KB));

/** Places of each item that was written in the indexes of keys alone. */
const placesOf = new Map<string, readonly string[]>();

/**
 * What the indexes cost that hold an item with these attributes: one more write of the item each. Where an index has keys alone it is
 * written when the place changes, at the old one and at the new one.
 */
function indexUnits(item: Item): number {
  const held = Object.values(TABLE.indexes).filter(
    ({ pk, sk }) => item[pk] !== undefined && item[sk] !== undefined,
  );
  const whole = held.filter(({ projection }) => projection === 'ALL');
  const key = `${item[TABLE.pk]} ${item[TABLE.sk]}`;
  const before = placesOf.get(key) ?? [];
  const now = held
    .filter(({ projection }) => projection === 'KEYS_ONLY')
    .map(({ name, pk, sk }) => `${name} ${item[pk]} ${item[sk]}`);
  placesOf.set(key, now);
  const moved = [
    ...before.filter(place => !now.includes(place)),
    ...now.filter(place => !before.includes(place)),
  ];
  return whole.length * writeUnits(bytes(item)) + moved.length;
}

const Sent = z.looseObject({
  ConsistentRead: z.boolean().optional(),
  RequestItems: z.record(z.string(), z.looseObject({ ConsistentRead: z.boolean().optional() })).optional(),
  Item: z.record(z.string(), z.unknown()).optional(),
  TransactItems: z
    .array(
      z.looseObject({
        Put: z.looseObject({ Item: z.record(z.string(), z.unknown()) }).optional(),
        ConditionCheck: z.unknown().optional(),
      }),
    )
    .optional(),
});
const Got = z.looseObject({
  Item: z.record(z.string(), z.unknown()).optional(),
  Items: z.array(z.record(z.string(), z.unknown())).optional(),
  Responses: z.record(z.string(), z.array(z.record(z.string(), z.unknown()))).optional(),
});

function costOf(name: string, input: unknown, output: unknown): { read: number; write: number } {
  const sent = Sent.parse(input);
  const got = Got.parse(output);
  switch (name) {
    case 'GetItem':
      return { read: readUnits(bytes(got.Item), sent.ConsistentRead === true), write: 0 };
    case 'Query': {
      const size = (got.Items ?? []).reduce((sum, item) => sum + bytes(item), 0);
      return { read: readUnits(size, sent.ConsistentRead === true), write: 0 };
    }
    case 'BatchGetItem': {
      const items = Object.values(got.Responses ?? {}).flat();
      const consistent = Object.values(sent.RequestItems ?? {}).every(
        ({ ConsistentRead }) => ConsistentRead === true,
      );
      return { read: items.reduce((sum, item) => sum + readUnits(bytes(item), consistent), 0), write: 0 };
    }
    case 'TransactWriteItems': {
      // A transaction writes each item twice; a check reads it twice; an index is written once. Deletes count by what is
      // there, which a request does not show: one unit, a little low for large objects.
      const units = (sent.TransactItems ?? []).map(({ Put, ConditionCheck }) => {
        if (ConditionCheck !== undefined) return { read: 2, write: 0 };
        const item = Put?.Item ?? {};
        const one = writeUnits(bytes(item));
        return { read: 0, write: 2 * one + indexUnits(item) };
      });
      return units.reduce((sum, each) => ({ read: sum.read + each.read, write: sum.write + each.write }));
    }
    default:
      return { read: 0, write: writeUnits(bytes(sent.Item)) + indexUnits(sent.Item ?? {}) };
  }
}

/** A client of the table that counts what goes over it, by the sizes of the items themselves. */
export function meteredClient(connection: Connection): Meter {
  const plain = new DynamoDBClient(clientConfig(connection));
  const client = DynamoDBDocumentClient.from(plain, { marshallOptions: { removeUndefinedValues: true } });
  const nothing = (): Cost => ({ requests: {}, sequential: 0, read: 0, write: 0 });
  let cost = nothing();
  let underWay = 0;
  client.middlewareStack.add(
    (next, { commandName = '' }) =>
      async args => {
        const name = commandName.replace(/Command$/, '');
        const request =
          {
            Get: 'GetItem',
            Put: 'PutItem',
            Update: 'UpdateItem',
            BatchGet: 'BatchGetItem',
            TransactWrite: 'TransactWriteItems',
          }[name] ?? name;
        if (underWay === 0) cost.sequential += 1;
        underWay += 1;
        const result = await next(args).finally(() => {
          underWay -= 1;
        });
        const { read, write } = costOf(request, args.input, result.output);
        cost.requests[request] = (cost.requests[request] ?? 0) + 1;
        cost.read += read;
        cost.write += write;
        return result;
      },
    { step: 'initialize', name: 'meter', priority: 'high' },
  );
  return {
    client,
    async measure(work) {
      cost = nothing();
      await work();
      const spent = cost;
      cost = nothing();
      return spent;
    },
  };
}
