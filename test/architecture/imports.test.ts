import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const TOOL = 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs';
const FOLDERS = ['shared', 'functions', 'cdk', 'local', 'clients', 'bench'];

/** What the tool prints, whether or not it finds something. */
const cruise = (): Promise<string> =>
  promisify(execFile)(process.execPath, [
    TOOL,
    '--config',
    '.dependency-cruiser.cjs',
    '--output-type',
    'err',
    ...FOLDERS,
  ]).then(
    ({ stdout }) => stdout,
    (error: { stdout?: string }) => error.stdout ?? String(error),
  );

test('every import keeps to the rules in .dependency-cruiser.cjs', { timeout: 30_000 }, async () => {
  expect(await cruise()).toMatch(/no dependency violations found/);
});
