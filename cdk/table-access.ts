import type { Table } from 'aws-cdk-lib/aws-dynamodb';
import { type IGrantable, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { STREAM, TABLE } from '../shared/schema/table.ts';

/** Transactions need no action of their own: DynamoDB checks each step by the action it stands for. */
const READ = ['dynamodb:GetItem', 'dynamodb:BatchGetItem', 'dynamodb:Query'];
const WRITE = [
  'dynamodb:PutItem',
  'dynamodb:UpdateItem',
  'dynamodb:DeleteItem',
  'dynamodb:ConditionCheckItem',
];

/** Reads by key and by index. No Scan: nothing here walks the whole table. */
export function grantRead({ grantPrincipal }: IGrantable, table: Table): void {
  const indexes = Object.values(TABLE.indexes).map(index => `${table.tableArn}/index/${index.name}`);
  grantPrincipal.addToPrincipalPolicy(
    new PolicyStatement({ actions: READ, resources: [table.tableArn, ...indexes] }),
  );
}

export function grantWrite({ grantPrincipal }: IGrantable, table: Table): void {
  grantPrincipal.addToPrincipalPolicy(new PolicyStatement({ actions: WRITE, resources: [table.tableArn] }));
}

/** Writes to the publisher's to-do list and to no object. */
export const grantWritePublications = (to: IGrantable, table: Table): void =>
  grantWriteBelow(to, table, STREAM.publication);

/** Writes to the connections of listeners and to no object. */
export const grantWriteConnections = (to: IGrantable, table: Table): void =>
  grantWriteBelow(to, table, STREAM.connection);

function grantWriteBelow({ grantPrincipal }: IGrantable, table: Table, prefix: string): void {
  grantPrincipal.addToPrincipalPolicy(
    new PolicyStatement({
      actions: WRITE,
      resources: [table.tableArn],
      conditions: {
        'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': [`${prefix}*`] },
      },
    }),
  );
}
