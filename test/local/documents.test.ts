import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { documentAt } from '../../functions/documents.ts';
import { DOCUMENT_ROUTES, FILES } from '../../shared/api/documents.ts';

it.each(Object.keys(FILES))(
  '%s is served, under a policy that lets nothing in from elsewhere',
  async path => {
    const page = await documentAt(path, '.');
    expect(page?.body.equals(readFileSync(FILES[path] ?? ''))).toBe(true);
    const policy = page?.headers['content-security-policy'] ?? '';
    expect(policy).toMatch(/^default-src 'none'; script-src 'self'; style-src 'self'; /);
    expect(policy).not.toMatch(/unsafe|\*|https?:/);
    expect(page?.headers['x-content-type-options']).toBe('nosniff');
  },
);

it.each([
  '/docs/..',
  '/docs/../package.json',
  '/docs/page.js/',
  '/docs/constructor',
  '/constructor',
  '/docs/%2e%2e',
  '/map/..',
  '/map/index.html',
  '/map/cytoscape.js/',
])('%s is no document', async path => {
  expect(await documentAt(path, '.')).toBeUndefined();
});

const FOLDER = 'functions/documents';
const MODULES = Object.values(FILES).filter(file => file.startsWith(FOLDER) && file.endsWith('.js'));

it.each([`${FOLDER}/index.html`, `${FOLDER}/map/index.html`])('%s names only files that are served', file => {
  const html = readFileSync(file, 'utf8');
  const named = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, name]) => name ?? '');
  expect(named.filter(name => !Object.hasOwn(FILES, name))).toEqual([]);
  expect(html).not.toMatch(/<script>|<style|style=|onload=/);
});

it.each(MODULES)('%s loads only what is served, and makes no HTML of texts', file => {
  const code = readFileSync(file, 'utf8');
  const named = [...code.matchAll(/from '\.([^']+)'/g)].map(([, name]) => `/map${name}`);
  expect(named.filter(name => !Object.hasOwn(FILES, name))).toEqual([]);
  expect(code).not.toMatch(/innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function/);
});

it('every file has a route, and a folder one for all of its files', () => {
  const patterns = DOCUMENT_ROUTES.map(route => new RegExp(`^${route.replace('{file}', '[^/]+')}$`));
  for (const path of Object.keys(FILES))
    expect(
      patterns.filter(one => one.test(path)),
      path,
    ).toHaveLength(1);
  expect([...DOCUMENT_ROUTES].sort()).toEqual([
    '/docs',
    '/docs/{file}',
    '/map',
    '/map/{file}',
    '/openapi.json',
  ]);
});
