import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import type { Clock } from '../../ports/clock.ts';
import { PLACE_LIFE, type Uploads } from '../../ports/uploads.ts';
import { uploadKey } from '../bucket-key.ts';
import type { BucketOptions } from './bucket.ts';
import { clientConfig } from './client.ts';

/** Presigned URLs. Size and type are signed, so that S3 refuses another one. */
export function openUploads(options: BucketOptions, { now }: Pick<Clock, 'now'>): Uploads {
  const client = new S3Client({
    ...clientConfig(options),
    forcePathStyle: options.endpoint !== undefined,
    // The sender does not know the checksum that the SDK would sign.
    requestChecksumCalculation: 'WHEN_REQUIRED',
  });
  return {
    async place(key, { size, contentType }) {
      const put = new PutObjectCommand({
        Bucket: options.bucket,
        Key: uploadKey(key),
        ContentType: contentType,
        ContentLength: size,
      });
      const signingDate = now();
      const url = await getSignedUrl(client, put, {
        expiresIn: PLACE_LIFE,
        signingDate,
        signableHeaders: new Set(['host', 'content-length', 'content-type']),
      });
      return {
        url,
        method: 'PUT',
        headers: { 'content-type': contentType, 'content-length': String(size) },
        expiration: new Date(signingDate.getTime() + PLACE_LIFE * 1000).toISOString(),
      };
    },
  };
}
