import { VERSION } from '../functions/version.ts';
import { openApi } from '../shared/api/openapi.ts';
import type { Side } from './server.ts';

/** `/openapi.json`, for people and tools. */
export const documentSide: Side = async (request, response, url) => {
  if (url.pathname !== '/openapi.json' || request.method !== 'GET') return false;
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(JSON.stringify(openApi(VERSION)));
  return true;
};
