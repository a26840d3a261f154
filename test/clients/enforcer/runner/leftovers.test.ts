import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { leftovers } from '../../../../clients/enforcer/runner/leftovers.ts';

let prefix = '';
beforeEach(() => {
  prefix = mkdtempSync(join(tmpdir(), 'leftovers-'));
});
afterEach(() => rmSync(prefix, { recursive: true, force: true }));

const MANIFEST = {
  version: '1.0.0',
  files: ['/etc/systemd/system/prisma-enforcer.service', '/usr/sbin/prisma-enforcer'],
  folders: ['/usr/lib/prisma-enforcer', '/var/lib/prisma-enforcer'],
};
const found = () => leftovers({ prefix, manifest: MANIFEST, sysctls: {}, rules: 'keep' });
const put = (path: string) => {
  mkdirSync(join(prefix, path, '..'), { recursive: true });
  writeFileSync(join(prefix, path), '');
};

test('nothing is left where nothing is', async () => expect(await found()).toEqual([]));

test('files and folders that the installation made are named', async () => {
  put('/usr/sbin/prisma-enforcer');
  put('/var/lib/prisma-enforcer/status.json');
  mkdirSync(join(prefix, '/usr/lib/prisma-enforcer'), { recursive: true });
  expect(await found()).toEqual([
    '/usr/sbin/prisma-enforcer',
    '/var/lib/prisma-enforcer',
    '/usr/lib/prisma-enforcer',
  ]);
});

test('what others made is not: a credential made by hand, and a folder in which they keep something', async () => {
  put('/var/lib/aporeto/default.creds');
  put('/usr/lib/prisma-enforcer/theirs');
  expect(await found()).toEqual([]);
});

test('a setting that is not as it was is named', async () => {
  const sysctls = { 'kernel/ostype': 'Windows', 'kernel/nothing_of_this_name': '1' };
  const left = await leftovers({ prefix, manifest: MANIFEST, sysctls, rules: 'keep' });
  expect(left).toEqual(['setting kernel/ostype']);
});
