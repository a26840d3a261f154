import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { cliReference } from '../../../clients/apoctl/reference.ts';

const bin = fileURLToPath(new URL('../../../clients/apoctl/bin.mjs', import.meta.url));

test('the program starts from its bin entry, and its exit code comes through', async () => {
  const { stdout } = await promisify(execFile)(bin, ['api', 'count', '--help']);
  expect(stdout).toContain('Usage: apoctl api count');
  await expect(promisify(execFile)(bin, ['api', 'list', 'nothing'])).rejects.toMatchObject({ code: 2 });
});

test('docs/cli.md is what the tree of commands says', async () => {
  const page = new URL('../../../docs/cli.md', import.meta.url);
  expect(await readFile(page, 'utf8')).toBe(cliReference());
});
