import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { risksOf } from '../../../../clients/enforcer/life/risks.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'microseg-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

test.each([
  ['https://api.test', []],
  ['http://127.0.0.1:8080', []],
  ['http://localhost:8080', []],
  ['http://[::1]:8080', []],
  ['http://api.test', [expect.stringMatching(/http:\/\/api.test is asked without TLS.*certificate/)]],
  ['http://127.0.0.1.example.com', [expect.stringMatching(/without TLS/)]],
])('what %s lets somebody on the way see is told', (api, risks) => {
  expect(risksOf({ how: { mode: 'cloud', api } })).toEqual(risks);
});

test.each([
  [0o600, []],
  [0o640, [expect.stringMatching(/others than its owner can read .*creds.*chmod 600/)]],
  [0o604, [expect.stringMatching(/others than its owner/)]],
])('a credential of mode %o is told if others can read it', (mode, risks) => {
  const credentialFile = join(folder, 'creds');
  writeFileSync(credentialFile, '{}');
  chmodSync(credentialFile, mode);
  expect(risksOf({ how: { mode: 'cloud', api: 'https://api.test' }, credentialFile })).toEqual(risks);
});

test('a credential that is not there is nobody’s', () => {
  const credentialFile = join(folder, 'absent');
  expect(risksOf({ how: { mode: 'cloud', api: 'https://api.test' }, credentialFile })).toEqual([]);
});

test('a proxy that nobody asks is told, and one that is asked is not', () => {
  const settings = { how: { mode: 'cloud', api: 'https://api.test' } } as const;
  const urls = ['http://proxy.test:3128'];
  expect(risksOf(settings, { urls, areUsed: false })).toEqual([
    expect.stringContaining('set NODE_USE_ENV_PROXY=1 as well'),
  ]);
  expect(risksOf(settings, { urls, areUsed: true })).toEqual([]);
});
