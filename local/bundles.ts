import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Bucket } from '../shared/ports/bucket.ts';
import type { Side } from './server.ts';

/** S3's error body. */
const xml = (code: string, message: string, key: string): string =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${message}</Message><Key>${key}</Key></Error>`;

/** Refuses as S3 does. */
export function refuse(
  response: ServerResponse,
  status: number,
  code: string,
  message: string,
  key: string,
): void {
  response.writeHead(status, { 'content-type': 'application/xml' });
  response.end(xml(code, message, key));
}

const KEY = /^(bundles\/[0-9a-f]{24}|releases)\/(metadata|targets)\/[0-9a-zA-Z._-]+$/;

/**
 * `/bundles/…` and `/releases/…` as S3 serves it: ETag, 304 for `If-None-Match`, S3's errors, and the session token of the bundle
 * credentials where S3 wants it, in `X-Amz-Security-Token`. No handler runs on a poll.
 */
export const bundleSide =
  (bucket: Bucket, allowed: (token: string, key: string) => Promise<boolean>): Side =>
  async (request: IncomingMessage, response: ServerResponse, url: URL) => {
    if (!/^\/(bundles|releases)\//.test(url.pathname)) return false;
    const key = url.pathname.slice(1);
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      refuse(
        response,
        405,
        'MethodNotAllowed',
        'The specified method is not allowed against this resource.',
        key,
      );
      return true;
    }
    const token = request.headers['x-amz-security-token'];
    if (!KEY.test(key) || typeof token !== 'string' || !(await allowed(token, key))) {
      refuse(response, 403, 'AccessDenied', 'Access Denied', KEY.test(key) ? key : '');
      return true;
    }
    const seen = request.headers['if-none-match'];
    const found = await bucket.get(key, seen === undefined ? {} : { ifNoneMatch: seen });
    if (!found.found) {
      refuse(response, 404, 'NoSuchKey', 'The specified key does not exist.', key);
    } else if (!found.modified) {
      response.writeHead(304, { etag: found.etag });
      response.end();
    } else {
      response.writeHead(200, {
        etag: found.etag,
        'content-type': 'application/json',
        'content-length': found.body.length,
        'accept-ranges': 'bytes',
      });
      response.end(request.method === 'HEAD' ? undefined : found.body);
    }
    return true;
  };
