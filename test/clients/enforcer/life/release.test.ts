import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { bundled } from '../../../make/release.ts';

const folder = mkdtempSync(join(tmpdir(), 'enforcer-release-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('an agent holds the schemas of what it asks for, and not of the whole API', async () => {
  const { metafile } = await bundled('clients/enforcer/main.ts', join(folder, 'agent.mjs'));
  const files = Object.keys(metafile.inputs);
  expect(files).toContain('shared/schema/processingunit.ts');
  const others = ['shared/api/routes.ts', 'shared/api/client.ts', 'shared/schema/resources.ts'];
  expect(files.filter(file => others.includes(file))).toEqual([]);
});
