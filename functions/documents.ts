import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FILES } from '../shared/api/documents.ts';

const TYPES: Readonly<Record<string, string>> = {
  css: 'text/css; charset=utf-8',
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  json: 'application/json',
  png: 'image/png',
};

/**
 * Nothing from elsewhere, no script and no style that stands in the page itself. The library draws its icons from
 * `data:` URLs.
 */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

export interface Page {
  body: Buffer;
  headers: Readonly<Record<string, string>>;
}

/** What is served under a path, with `root` as the folder of the project; undefined when that is no document. */
export async function documentAt(path: string, root: string): Promise<Page | undefined> {
  const name = path === '/docs/' || path === '/map/' ? path.slice(0, -1) : path;
  if (!Object.hasOwn(FILES, name)) return undefined;
  const file = FILES[name] ?? '';
  return {
    body: await readFile(join(root, file)),
    headers: {
      'content-type': TYPES[file.split('.').at(-1) ?? ''] ?? 'application/octet-stream',
      'cache-control': 'no-cache',
      'content-security-policy': POLICY,
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
    },
  };
}
