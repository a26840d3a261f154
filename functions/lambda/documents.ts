import { gzipSync } from 'node:zlib';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { documentAt } from '../documents.ts';
import { noOperation } from '../pipeline/decode.ts';
import { problem } from '../pipeline/problem.ts';

/** `/docs`, `/map` and `/openapi.json`. The files lie beside the bundled code, under the paths that they have in the project. */
export async function documents(event: APIGatewayProxyEventV2): Promise<APIGatewayProxyStructuredResultV2> {
  const { rawPath, headers, requestContext } = event;
  const page = await documentAt(rawPath, import.meta.dirname);
  if (!page) {
    const { code, body } = problem(noOperation('path', 'GET', rawPath), requestContext.requestId);
    return { statusCode: code, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
  }
  const zips = /\bgzip\b/.test(headers['accept-encoding'] ?? '');
  return {
    statusCode: 200,
    headers: { ...page.headers, vary: 'accept-encoding', ...(zips ? { 'content-encoding': 'gzip' } : {}) },
    body: (zips ? gzipSync(page.body) : page.body).toString('base64'),
    isBase64Encoded: true,
  };
}
