import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, FileSystem, Stack } from 'aws-cdk-lib';
import { expect, test } from 'vitest';
import { Bundles } from '../../cdk/code.ts';

test('code is named by what was bundled, so that a change anywhere is deployed', () => {
  const outdir = mkdtempSync(join(tmpdir(), 'microseg-code-'));
  try {
    const { s3Location } = new Bundles().of('tasks').bind(new Stack(new App({ outdir }), 'Code'));
    const [folder = ''] = readdirSync(outdir).filter(name => name.startsWith('asset.'));
    const content = FileSystem.fingerprint(join(outdir, folder), { exclude: ['.is_custom_resource'] });
    expect(s3Location?.objectKey).toBe(`${content}.zip`);
  } finally {
    rmSync(outdir, { recursive: true });
  }
});
