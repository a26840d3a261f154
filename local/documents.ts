import { join } from 'node:path';
import { documentAt } from '../functions/documents.ts';
import type { Side } from './server.ts';

const root = join(import.meta.dirname, '..');

/** `/openapi.json`, `/docs` and `/map`, for people and tools. */
export const documentSide: Side = async (request, response, url) => {
  if (request.method !== 'GET') return false;
  const page = await documentAt(url.pathname, root);
  if (!page) return false;
  response.writeHead(200, { ...page.headers, 'content-length': page.body.length });
  response.end(page.body);
  return true;
};
