import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import type { Bucket } from '../../ports/bucket.ts';
import { checkKey, checkPrefix } from '../bucket-key.ts';
import { type Connection, call, clientConfig, isNamed, statusOf } from './client.ts';

export interface BucketOptions extends Connection {
  bucket: string;
}

export function openBucket(options: BucketOptions): Bucket {
  const client = new S3Client({
    ...clientConfig(options),
    // Endpoints that are not AWS's own rarely resolve `<bucket>.<host>`.
    forcePathStyle: options.endpoint !== undefined,
  });
  const at = (key: string) => ({ Bucket: options.bucket, Key: checkKey(key) });

  return {
    async get(key, condition) {
      const get = new GetObjectCommand({
        ...at(key),
        ...(condition?.ifNoneMatch !== undefined && { IfNoneMatch: condition.ifNoneMatch }),
      });
      try {
        return await call('S3', async () => {
          const { Body, ETag = '' } = await client.send(get);
          const body = (await Body?.transformToByteArray()) ?? new Uint8Array();
          return { found: true, modified: true, etag: ETag, body: new Uint8Array(body) } as const;
        });
      } catch (error) {
        if (statusOf(error) === 304)
          return { found: true, modified: false, etag: condition?.ifNoneMatch ?? '' };
        if (isNamed(error, 'NoSuchKey')) return { found: false };
        throw error;
      }
    },

    async read(key) {
      try {
        const { Body } = await call('S3', () => client.send(new GetObjectCommand(at(key))));
        return Body as AsyncIterable<Uint8Array> | undefined;
      } catch (error) {
        if (isNamed(error, 'NoSuchKey')) return undefined;
        throw error;
      }
    },

    async put(key, body, { contentType, ifMatch, ifNoneMatch }) {
      const put = new PutObjectCommand({
        ...at(key),
        Body: body,
        ContentType: contentType,
        ...(ifMatch !== undefined && { IfMatch: ifMatch }),
        ...(ifNoneMatch !== undefined && { IfNoneMatch: ifNoneMatch }),
      });
      try {
        const { ETag = '' } = await call('S3', () => client.send(put));
        return { outcome: 'written', etag: ETag };
      } catch (error) {
        // 409: another write of this key was under way; 404: nothing is there that could have the ETag.
        const conflicts = ['PreconditionFailed', 'ConditionalRequestConflict', 'NoSuchKey'];
        if (isNamed(error, ...conflicts) || statusOf(error) === 412) return { outcome: 'conflict' };
        throw error;
      }
    },

    async list(prefix) {
      const keys: string[] = [];
      let ContinuationToken: string | undefined;
      do {
        const list = new ListObjectsV2Command({
          Bucket: options.bucket,
          Prefix: checkPrefix(prefix),
          ...(ContinuationToken !== undefined && { ContinuationToken }),
        });
        const answer = await call('S3', () => client.send(list));
        keys.push(...(answer.Contents ?? []).flatMap(({ Key }) => Key ?? []));
        ContinuationToken = answer.NextContinuationToken;
      } while (ContinuationToken !== undefined);
      return keys;
    },

    async delete(key) {
      await call('S3', () => client.send(new DeleteObjectCommand(at(key))));
    },
  };
}
