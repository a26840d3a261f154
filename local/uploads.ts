import type { IncomingMessage, ServerResponse } from 'node:http';
import type { LocalBucket } from '../shared/adapters/local/bucket.ts';
import type { LocalUploads } from '../shared/adapters/local/uploads.ts';
import type { Bucket } from '../shared/ports/bucket.ts';
import { refuse } from './bundles.ts';
import type { Side } from './server.ts';

const KEY = /^uploads\/[0-9a-f]{24}$/;

/**
 * `PUT /uploads/…` as S3 takes it under a presigned URL: size and type as they were signed, the body straight into the
 * bucket. No handler runs.
 */
export const uploadSide =
  (bucket: LocalBucket, uploads: LocalUploads): Side =>
  async (request: IncomingMessage, response: ServerResponse, url: URL) => {
    if (!url.pathname.startsWith('/uploads/')) return false;
    const key = url.pathname.slice(1);
    if (request.method !== 'PUT') {
      refuse(response, 405, 'MethodNotAllowed', 'The specified method is not allowed here.', key);
      return true;
    }
    const allowed = await uploads.allowed(url.searchParams.get('token') ?? '', key);
    const { 'content-length': length, 'content-type': type } = request.headers;
    if (!KEY.test(key) || allowed?.size !== Number(length) || allowed.contentType !== type) {
      response.setHeader('connection', 'close');
      refuse(response, 403, 'AccessDenied', 'Access Denied', KEY.test(key) ? key : '');
      return true;
    }
    const etag = await bucket.receive(key, request, allowed);
    response.writeHead(200, { etag, 'content-length': 0 }).end();
    return true;
  };

/** Days after which a rule of the bucket removes uploads and what was made of them: cdk/bundles.ts. */
const DAYS = 7;

/** What the rule of the bucket does on AWS. The names of imports, which stand in the keys, begin with when they were made. */
export async function removeLeftUploads(bucket: Bucket, now: Date): Promise<void> {
  const before = now.getTime() - DAYS * 24 * 3_600_000;
  for (const prefix of ['uploads/', 'imports/']) {
    for (const key of await bucket.list(prefix)) {
      const made = Number.parseInt(key.slice(prefix.length, prefix.length + 12), 16);
      if (made < before) await bucket.delete(key);
    }
  }
}
