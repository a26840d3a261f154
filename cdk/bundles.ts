import { Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { type IRole, PolicyStatement, Role } from 'aws-cdk-lib/aws-iam';
import {
  BlockPublicAccess,
  Bucket,
  BucketEncryption,
  type IBucket,
  ObjectOwnership,
} from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { acknowledge } from './acknowledge.ts';

type Prefix = 'bundles' | 'imports' | 'releases' | 'root' | 'uploads';

/** Days for which documents that were uploaded, and what was made of them, are kept. */
const IMPORT_DAYS = 7;

const closed = {
  encryption: BucketEncryption.S3_MANAGED,
  enforceSSL: true,
  minimumTLSVersion: 1.2,
  blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
  objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
  removalPolicy: RemovalPolicy.RETAIN,
} as const;

/** The bucket that enforcers poll, and the record of who read it. */
export class BundleStore extends Construct {
  readonly bucket: Bucket;
  readonly accessLogs: IBucket;
  readonly #exportName: string;
  readonly #arn: string;

  constructor(scope: Construct, id: string) {
    super(scope, id);
    const accessLogs = new Bucket(this, 'AccessLogs', {
      ...closed,
      lifecycleRules: [
        {
          id: 'expire',
          expiration: Duration.days(400),
          abortIncompleteMultipartUploadAfter: Duration.days(1),
        },
      ],
    });
    acknowledge(accessLogs, {
      'AwsSolutions-S1': 'It receives the access logs; logging itself into itself would never end.',
    });
    this.accessLogs = accessLogs as IBucket;
    this.bucket = new Bucket(this, 'Bucket', {
      ...closed,
      versioned: true,
      // The class writes `undefined` where the interface only allows absence.
      serverAccessLogsBucket: this.accessLogs,
      serverAccessLogsPrefix: 'bundles/',
      lifecycleRules: [
        {
          id: 'forget-replaced',
          noncurrentVersionExpiration: Duration.days(30),
          abortIncompleteMultipartUploadAfter: Duration.days(1),
        },
        ...(['uploads', 'imports'] as const).map(prefix => ({
          id: `forget-${prefix}`,
          prefix: `${prefix}/`,
          expiration: Duration.days(IMPORT_DAYS),
          noncurrentVersionExpiration: Duration.days(1),
        })),
      ],
    });
    const stack = Stack.of(this);
    this.#exportName = `${stack.stackName}:BundlesArn`;
    this.#arn = stack.exportValue(this.bucket.bucketArn, { name: this.#exportName });
  }

  /** ARN of the objects below a prefix, as the other stack sees it. */
  objects(prefix: Prefix): string {
    return `${this.#arn}/${prefix}/*`;
  }

  /** What cdk-nag calls access to such a prefix. */
  finding(prefix: Prefix): string {
    return `AwsSolutions-IAM5[Resource::${this.#exportName}/${prefix}/*]`;
  }
}

const IMPORTS = 'Imports come and go; what they have in common is the prefix.';
const PREFIXES = 'Namespaces and versions of the root come and go; what they have in common is the prefix.';

/** Writes bundles; reads what it wrote before and the roots that were put in place by hand. */
export function grantPublish(role: Role, store: BundleStore): void {
  role.addToPolicy(
    new PolicyStatement({
      actions: ['s3:PutObject'],
      resources: [store.objects('bundles'), store.objects('releases')],
    }),
  );
  role.addToPolicy(
    new PolicyStatement({
      actions: ['s3:GetObject'],
      resources: [store.objects('bundles'), store.objects('releases'), store.objects('root')],
    }),
  );
  // Without it S3 answers 403 for an object that does not exist yet, and a first publish could not tell.
  role.addToPolicy(new PolicyStatement({ actions: ['s3:ListBucket'], resources: [store.bucket.bucketArn] }));
  acknowledge(role, {
    [store.finding('bundles')]: PREFIXES,
    [store.finding('releases')]: PREFIXES,
    [store.finding('root')]: PREFIXES,
  });
}

/** What whoever has a presigned URL does, is done with this role: it puts one object below `uploads/`, and reads none. */
export function grantUpload(role: Role, store: BundleStore): void {
  role.addToPolicy(new PolicyStatement({ actions: ['s3:PutObject'], resources: [store.objects('uploads')] }));
  acknowledge(role, { [store.finding('uploads')]: IMPORTS });
}

/** Reads documents that were uploaded, and writes what is made of them; or reads what was made of them. */
export function grantImport(role: IRole, store: BundleStore, work: 'plan' | 'carry out'): void {
  const [reads, writes] = work === 'plan' ? (['uploads', 'imports'] as const) : (['imports'] as const);
  const allow = (action: string, resource: string): void =>
    void role.addToPrincipalPolicy(new PolicyStatement({ actions: [action], resources: [resource] }));
  allow('s3:GetObject', store.objects(reads));
  if (writes) allow('s3:PutObject', store.objects(writes));
  // Without it S3 answers 403 for a document that was never sent.
  allow('s3:ListBucket', store.bucket.bucketArn);
  acknowledge(role, {
    [store.finding(reads)]: IMPORTS,
    ...(writes ? { [store.finding(writes)]: IMPORTS } : {}),
  });
}

/**
 * The role behind enforcers' credentials. It reads bundles and nothing else; a session policy narrows each session to
 * one namespace's prefix.
 */
export function bundleReader(scope: Construct, store: BundleStore, assumedBy: Role): Role {
  const role = new Role(scope, 'BundleReader', {
    description: 'What an enforcer can read; a session policy narrows it to one namespace',
    assumedBy,
    maxSessionDuration: Duration.hours(1),
  });
  role.addToPolicy(
    new PolicyStatement({
      actions: ['s3:GetObject'],
      resources: [store.objects('bundles'), store.objects('releases')],
    }),
  );
  acknowledge(role, { [store.finding('bundles')]: PREFIXES, [store.finding('releases')]: PREFIXES });
  assumedBy.addToPolicy(new PolicyStatement({ actions: ['sts:AssumeRole'], resources: [role.roleArn] }));
  return role;
}
