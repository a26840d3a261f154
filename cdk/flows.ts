import { Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { CfnDeliveryStream } from 'aws-cdk-lib/aws-kinesisfirehose';
import { LogGroup, LogStream, RetentionDays } from 'aws-cdk-lib/aws-logs';
import {
  BlockPublicAccess,
  Bucket,
  BucketEncryption,
  type IBucket,
  ObjectOwnership,
} from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { acknowledge } from './acknowledge.ts';

const RECORDS = 'flows/';

/** Where flow records are kept, by tenant and day. */
export class FlowBucket extends Construct {
  readonly bucket: Bucket;
  readonly #exportName: string;
  readonly #arn: string;

  constructor(scope: Construct, id: string, accessLogs: IBucket) {
    super(scope, id);
    this.bucket = new Bucket(this, 'Bucket', {
      encryption: BucketEncryption.S3_MANAGED,
      enforceSSL: true,
      minimumTLSVersion: 1.2,
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
      removalPolicy: RemovalPolicy.RETAIN,
      serverAccessLogsBucket: accessLogs,
      serverAccessLogsPrefix: RECORDS,
      lifecycleRules: [
        {
          id: 'expire',
          expiration: Duration.days(400),
          abortIncompleteMultipartUploadAfter: Duration.days(1),
        },
      ],
    });
    const stack = Stack.of(this);
    this.#exportName = `${stack.stackName}:FlowsArn`;
    this.#arn = stack.exportValue(this.bucket.bucketArn, { name: this.#exportName });
  }

  get arn(): string {
    return this.#arn;
  }

  get objects(): string {
    return `${this.#arn}/*`;
  }

  /** What cdk-nag calls access to all objects. */
  get finding(): string {
    return `AwsSolutions-IAM5[Resource::${this.#exportName}/*]`;
  }
}

/** Firehose asks for more bytes where it partitions: https://docs.aws.amazon.com/firehose/latest/dev/dynamic-partitioning.html */
const GATHER = { sizeInMBs: 64, intervalInSeconds: 60 };
const PARTITION = '{tenant:((.namespace|split("/")[1])|if . == "" then "~" else . end),day:.timestamp[0:10]}';

const processor = (type: string, parameters: Record<string, string>) => ({
  type,
  parameters: Object.entries(parameters).map(([parameterName, parameterValue]) => ({
    parameterName,
    parameterValue,
  })),
});

/** Takes records one by one out of what the API puts together, and lays each below its tenant and day. */
export class FlowDelivery extends Construct {
  readonly stream: CfnDeliveryStream;

  constructor(scope: Construct, id: string, flows: FlowBucket) {
    super(scope, id);
    const role = new Role(this, 'Role', {
      description: 'What the delivery of flow records may do: write them into their bucket',
      assumedBy: new ServicePrincipal('firehose.amazonaws.com'),
    });
    const logGroup = new LogGroup(this, 'Log', {
      retention: RetentionDays.THREE_MONTHS,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const logStream = new LogStream(this, 'LogStream', { logGroup, removalPolicy: RemovalPolicy.DESTROY });
    logGroup.grantWrite(role);
    role.addToPolicy(
      new PolicyStatement({
        actions: ['s3:AbortMultipartUpload', 's3:GetObject', 's3:PutObject'],
        resources: [flows.objects],
      }),
    );
    role.addToPolicy(
      new PolicyStatement({
        actions: ['s3:GetBucketLocation', 's3:ListBucket', 's3:ListBucketMultipartUploads'],
        resources: [flows.arn],
      }),
    );
    acknowledge(role, { [flows.finding]: 'Tenants and days come and go; nothing else is in the bucket.' });
    this.stream = new CfnDeliveryStream(this, 'Stream', {
      deliveryStreamType: 'DirectPut',
      deliveryStreamEncryptionConfigurationInput: { keyType: 'AWS_OWNED_CMK' },
      extendedS3DestinationConfiguration: {
        bucketArn: flows.arn,
        roleArn: role.roleArn,
        bufferingHints: GATHER,
        compressionFormat: 'UNCOMPRESSED',
        cloudWatchLoggingOptions: {
          enabled: true,
          logGroupName: logGroup.logGroupName,
          logStreamName: logStream.logStreamName,
        },
        dynamicPartitioningConfiguration: { enabled: true, retryOptions: { durationInSeconds: 300 } },
        prefix: `${RECORDS}tenant=!{partitionKeyFromQuery:tenant}/day=!{partitionKeyFromQuery:day}/`,
        errorOutputPrefix: 'failed/!{firehose:error-output-type}/',
        processingConfiguration: {
          enabled: true,
          processors: [
            processor('RecordDeAggregation', { SubRecordType: 'JSON' }),
            processor('MetadataExtraction', {
              MetadataExtractionQuery: PARTITION,
              JsonParsingEngine: 'JQ-1.6',
            }),
            processor('AppendDelimiterToRecord', { Delimiter: '\\n' }),
          ],
        },
      },
    });
    // Without the permission the first records would fail.
    this.stream.node.addDependency(role);
  }

  /** Puts records, and reads those that were delivered. */
  grantUse(role: Role, flows: FlowBucket): void {
    role.addToPolicy(
      new PolicyStatement({ actions: ['firehose:PutRecordBatch'], resources: [this.stream.attrArn] }),
    );
    role.addToPolicy(new PolicyStatement({ actions: ['s3:GetObject'], resources: [flows.objects] }));
    role.addToPolicy(new PolicyStatement({ actions: ['s3:ListBucket'], resources: [flows.arn] }));
    acknowledge(role, { [flows.finding]: 'Tenants and days come and go; nothing else is in the bucket.' });
  }
}
