import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { documentAt } from '../../functions/documents.ts';
import { FILES } from '../../shared/api/documents.ts';

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
])('%s is no document', async path => {
  expect(await documentAt(path, '.')).toBeUndefined();
});

it('the page names only files that are served', () => {
  const html = readFileSync('functions/documents/index.html', 'utf8');
  const named = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, name]) => name ?? '');
  expect(named.filter(name => !Object.hasOwn(FILES, name))).toEqual([]);
  expect(html).not.toMatch(/<script>|<style|style=|onload=/);
});
