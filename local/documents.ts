import { readFileSync } from 'node:fs';
import type { Side } from './server.ts';

/** As checked in: a test makes sure that it is what the code says. */
const openApi = readFileSync(new URL('../docs/openapi.json', import.meta.url));

/** `/openapi.json`, for people and tools. */
export const documentSide: Side = async (request, response, url) => {
  if (url.pathname !== '/openapi.json' || request.method !== 'GET') return false;
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(openApi);
  return true;
};
