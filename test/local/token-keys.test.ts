import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openTokenKeys, rotateTokenKeys } from '../../local/token-keys.ts';
import { dataDirectory } from '../make/data-directory.ts';

let directory: ReturnType<typeof dataDirectory>;
let folder: string;
beforeEach(() => {
  directory = dataDirectory();
  folder = join(directory.path, 'keys');
});
afterEach(() => directory.stop());

const pemsOf = async (create = false) => {
  const { signs, verifies } = await openTokenKeys(folder, { create });
  return {
    signs: await signs.publicKey(),
    verifies: await Promise.all(verifies.map(key => key.publicKey())),
  };
};

it('the first start makes the key that signs and the one after it', async () => {
  const { signs, verifies } = await pemsOf(true);
  expect((await readdir(folder)).sort()).toEqual(['token-2.pem', 'token.pem']);
  expect(verifies.indexOf(signs)).toBe(0);
  expect(await pemsOf()).toEqual({ signs, verifies });
});

it('each change has the next key sign, keeps the one before it for verifying and removes what is older', async () => {
  let before = await pemsOf(true);
  for (let change = 1; change <= 4; change += 1) {
    await rotateTokenKeys(folder);
    const after = await pemsOf();
    expect(after.signs).toBe(before.verifies.at(-1));
    expect(after.verifies.slice(0, 2)).toEqual([before.signs, after.signs]);
    expect(after.verifies).toHaveLength(3);
    before = after;
  }
  expect((await readdir(folder)).sort()).toEqual(['token-4.pem', 'token-5.pem', 'token-6.pem']);
});

it('a folder of the time before there were several keys goes on with its key', async () => {
  const { signs } = await pemsOf(true);
  await rm(join(folder, 'token-2.pem'));
  expect((await pemsOf()).signs).toBe(signs);
});

it('a key that signed and is lost is named, not replaced', async () => {
  await pemsOf(true);
  await rotateTokenKeys(folder);
  await rm(join(folder, 'token-2.pem'));
  await expect(pemsOf()).rejects.toThrow('token-2.pem is missing; restore it from a backup');
});

it('files with other names are left alone', async () => {
  await pemsOf(true);
  for (const name of ['token-0.pem', 'token-02.pem', 'token-9.pem~', 'token-x.pem'])
    await writeFile(join(folder, name), '');
  await rotateTokenKeys(folder);
  expect((await pemsOf()).verifies).toHaveLength(3);
  expect(await readdir(folder)).toHaveLength(7);
});
