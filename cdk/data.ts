import { CfnOutput, RemovalPolicy, Stack, type StackProps } from 'aws-cdk-lib';
import {
  AttributeType,
  BillingMode,
  ProjectionType,
  StreamViewType,
  Table,
  TableEncryption,
} from 'aws-cdk-lib/aws-dynamodb';
import type { Construct } from 'constructs';
import { TABLE } from '../shared/schema/table.ts';
import { BundleStore } from './bundles.ts';
import { FlowBucket } from './flows.ts';
import { SigningKeys } from './keys.ts';
import { Users } from './users.ts';

const string = (name: string) => ({ name, type: AttributeType.STRING });

/** What must outlive every deployment: the table, the bundles, the keys. Deleting the stack leaves all of it. */
export class DataStack extends Stack {
  readonly table: Table;
  readonly bundles: BundleStore;
  readonly flows: FlowBucket;
  readonly keys: SigningKeys;
  readonly users: Users | undefined;

  constructor(
    scope: Construct,
    id: string,
    props: StackProps & { installation: string; tokenKey: number; userPool: boolean },
  ) {
    super(scope, id, props);
    this.table = new Table(this, 'Table', {
      partitionKey: string(TABLE.pk),
      sortKey: string(TABLE.sk),
      timeToLiveAttribute: TABLE.ttl,
      billingMode: BillingMode.PAY_PER_REQUEST,
      encryption: TableEncryption.AWS_MANAGED,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      stream: StreamViewType.NEW_AND_OLD_IMAGES,
      deletionProtection: true,
      removalPolicy: RemovalPolicy.RETAIN,
    });
    for (const index of Object.values(TABLE.indexes)) {
      this.table.addGlobalSecondaryIndex({
        indexName: index.name,
        partitionKey: string(index.pk),
        sortKey: string(index.sk),
        projectionType: ProjectionType[index.projection],
      });
    }
    this.bundles = new BundleStore(this, 'Bundles');
    this.flows = new FlowBucket(this, 'Flows', this.bundles.accessLogs);
    this.keys = new SigningKeys(this, 'Keys', props);
    this.users = props.userPool ? new Users(this, 'Users') : undefined;
    this.#tell();
  }
  /** What the holders of the offline root keys need to make a root, and what the provider of the users is made of. */
  #tell(): void {
    const { targets, snapshot, timestamp } = this.keys;
    const outputs = {
      BundlesBucketName: this.bundles.bucket.bucketName,
      TargetsKeyId: targets.keyId,
      SnapshotKeyId: snapshot.keyId,
      TimestampKeyId: timestamp.keyId,
      ...(this.users
        ? {
            UsersPoolId: this.users.pool.userPoolId,
            UsersIssuer: this.users.issuer,
            UsersClientId: this.users.client.userPoolClientId,
          }
        : {}),
    };
    for (const [name, value] of Object.entries(outputs)) new CfnOutput(this, name, { value });
  }
}
