import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { App, FileSystem, Stack } from 'aws-cdk-lib';
import { expect, test, vi } from 'vitest';
import { Bundles } from '../../cdk/code.ts';
import { FILES } from '../../shared/api/documents.ts';
import { LIMITS } from '../../shared/schema/config.ts';

/** A busy machine takes its time to bundle. */
vi.setConfig({ testTimeout: 120_000 });

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

/** Bundling takes its time on a machine that has other work too. */
const PATIENCE = 120_000;

test('the function that serves documents has them beside its code', { timeout: PATIENCE }, async () => {
  const outdir = mkdtempSync(join(tmpdir(), 'microseg-code-'));
  try {
    new Bundles().of('documents').bind(new Stack(new App({ outdir }), 'Code'));
    const [folder = ''] = readdirSync(outdir).filter(name => name.startsWith('asset.'));
    const { documents } = await import(join(outdir, folder, 'index.mjs'));
    for (const [path, file] of Object.entries(FILES)) {
      const event = {
        rawPath: path,
        headers: { 'accept-encoding': 'gzip' },
        requestContext: { requestId: '1' },
      };
      const { statusCode, body, headers } = await documents(event);
      expect([path, statusCode, headers['content-encoding']]).toEqual([path, 200, 'gzip']);
      expect(gunzipSync(Buffer.from(body, 'base64')).equals(readFileSync(file))).toBe(true);
      expect(body.length).toBeLessThan(LIMITS.responseBody);
    }
    const { statusCode } = await documents({
      rawPath: '/docs/x',
      headers: {},
      requestContext: { requestId: '1' },
    });
    expect(statusCode).toBe(404);
  } finally {
    rmSync(outdir, { recursive: true });
  }
});
