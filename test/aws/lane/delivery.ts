import { CreateDeliveryStreamCommand, FirehoseClient } from '@aws-sdk/client-firehose';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { z } from 'zod';
import { dayOf, dayPrefix } from '../../../shared/adapters/flows/line.ts';
import { FlowReport } from '../../../shared/schema/flowreport.ts';
import { tenantOf } from '../../../shared/schema/ids.ts';
import type { Wire } from './request.ts';
import { resourcesOf, type Stack } from './template.ts';

const Properties = z.object({ ExtendedS3DestinationConfiguration: z.object({ Prefix: z.string() }) });

/**
 * The streams of the template under their logical IDs, which is what the functions are told. moto makes none through
 * its CloudFormation, and leaves expressions in prefixes as they are.
 */
export async function createStreams(wire: Wire, stacks: readonly Stack[], bucket: string): Promise<void> {
  const client = new FirehoseClient({ endpoint: wire.endpoint, region: wire.region, credentials: wire });
  for (const [id, resource] of resourcesOf(stacks, 'AWS::KinesisFirehose::DeliveryStream')) {
    const { Prefix } = Properties.parse(resource.Properties).ExtendedS3DestinationConfiguration;
    await client.send(
      new CreateDeliveryStreamCommand({
        DeliveryStreamName: id,
        DeliveryStreamType: 'DirectPut',
        ExtendedS3DestinationConfiguration: {
          BucketARN: `arn:aws:s3:::${bucket}`,
          RoleARN: 'arn:aws:iam::123456789012:role/delivery',
          Prefix,
        },
      }),
    );
  }
}

/** Where moto puts what is to be partitioned. */
const UNEVALUATED = 'flows/tenant=!{partitionKeyFromQuery:tenant}/day=!{partitionKeyFromQuery:day}/';

/** Does with what moto delivered what Firehose's partitioning does: lays each line below its tenant and day. */
export async function partition(wire: Wire, Bucket: string): Promise<void> {
  const { endpoint, region } = wire;
  const s3 = new S3Client({ endpoint, region, credentials: wire, forcePathStyle: true });
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket, Prefix: UNEVALUATED }));
  for (const { Key = '' } of Contents) {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }));
    const lines = new Map<string, string>();
    for (const line of (await Body?.transformToString())?.split('\n') ?? []) {
      if (line === '') continue;
      const { namespace, timestamp } = FlowReport.parse(JSON.parse(line));
      const prefix = dayPrefix(tenantOf(namespace), dayOf(timestamp));
      lines.set(prefix, `${lines.get(prefix) ?? ''}${line}\n`);
    }
    for (const [prefix, text] of lines) {
      const target = `${prefix}${Key.split('/').at(-1)}`;
      await s3.send(new PutObjectCommand({ Bucket, Key: target, Body: text }));
    }
    await s3.send(new DeleteObjectCommand({ Bucket, Key }));
  }
}
