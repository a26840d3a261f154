import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { trustRoot } from '../../shared/bundle/workflow.ts';

const folder = mkdtempSync(join(tmpdir(), 'root-'));
const at = (name: string) => join(folder, name);
afterAll(() => rmSync(folder, { recursive: true }));

const root = (...args: string[]): string =>
  execFileSync(process.execPath, ['local/root.ts', ...args], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });

test('two holders make a root that counts only when both have signed', { timeout: 30_000 }, () => {
  for (const name of ['alice', 'bob', 'online'])
    writeFileSync(at(`${name}.pub`), root('key', '--out', at(`${name}.pem`)));
  expect(statSync(at('alice.pem')).mode & 0o777).toBe(0o600);
  const keys = ['--root-key', at('alice.pub'), '--root-key', at('bob.pub'), '--threshold', '2'];
  const online = ['targets', 'snapshot', 'timestamp'].flatMap(role => [`--${role}`, at('online.pub')]);
  root('draft', '--out', at('1.root.json'), ...keys, ...online);
  root('sign', '--in', at('1.root.json'), '--key', at('alice.pem'));
  expect(() => trustRoot('root.json', readFileSync(at('1.root.json')))).toThrow();
  root('sign', '--in', at('1.root.json'), '--key', at('bob.pem'));
  expect(trustRoot('root.json', readFileSync(at('1.root.json'))).signed.version).toBe(1);
});
