import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { foreignHand, writeOver, writeWhole } from '../../../clients/enforcer/files.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'microseg-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

test.each(['', '.new'])('a link in the place of a file%s is replaced, and what it leads to stays', ending => {
  const [file, elsewhere] = [join(folder, 'status.json'), join(folder, 'shadow')];
  writeFileSync(elsewhere, 'secret');
  symlinkSync(elsewhere, `${file}${ending}`);
  writeWhole(file, 'status');
  expect(readFileSync(elsewhere, 'utf8')).toBe('secret');
  expect(readFileSync(file, 'utf8')).toBe('status');
  expect([lstatSync(file).isFile(), lstatSync(file).mode & 0o777]).toEqual([true, 0o600]);
  expect(readdirSync(folder).sort()).toEqual(['shadow', 'status.json']);
});

test('a file is written over where it lies, shorter or longer, and no link is followed or made a file', () => {
  const [file, link] = [join(folder, 'status.json'), join(folder, 'link')];
  writeFileSync(file, 'a long status');
  const { ino } = lstatSync(file);
  for (const text of ['short', 'longer than that was']) {
    writeOver(file, text);
    expect([readFileSync(file, 'utf8'), lstatSync(file).ino]).toEqual([text, ino]);
  }
  symlinkSync(file, link);
  expect(() => writeOver(link, 'elsewhere')).toThrow(/ELOOP/);
  expect(() => writeOver(join(folder, 'absent'), 'new')).toThrow(/ENOENT/);
});

test('what a crash left of a file, with whatever mode, does not keep it from being written', () => {
  const file = join(folder, 'status.json');
  writeFileSync(`${file}.new`, 'half', { mode: 0o666 });
  chmodSync(`${file}.new`, 0o666);
  writeWhole(file, 'status');
  expect([readFileSync(file, 'utf8'), lstatSync(file).mode & 0o777]).toEqual(['status', 0o600]);
});

test.each([
  [0o700, undefined],
  [0o755, undefined],
  [0o770, 'chmod go-w'],
  [0o707, 'chmod go-w'],
])('a folder of mode %o is told apart: %s', (mode, words) => {
  const place = join(folder, 'state');
  mkdirSync(place);
  chmodSync(place, mode);
  expect(foreignHand(place)).toEqual(words === undefined ? undefined : expect.stringContaining(words));
});

test('a folder that is not there is nobody’s', () => {
  expect(foreignHand(join(folder, 'absent'))).toBeUndefined();
});
