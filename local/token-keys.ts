import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { TokenKeys } from '../functions/token-keys.ts';
import { openSigner } from '../shared/adapters/local/signer.ts';
import type { Signer } from '../shared/ports/signer.ts';
import { generationsAround } from '../shared/schema/token.ts';

const fileOf = (generation: number): string => (generation === 1 ? 'token.pem' : `token-${generation}.pem`);

/** Generations that have a file, in order. */
async function present(folder: string): Promise<number[]> {
  const names = await readdir(folder).catch(() => [] as string[]);
  return names
    .map(name => (name === fileOf(1) ? 1 : Number(/^token-([1-9]\d*)\.pem$/.exec(name)?.[1])))
    .filter(generation => generation > 0)
    .sort((a, b) => a - b);
}

/**
 * Keys of the tokens in `<folder>/token.pem`, `token-2.pem` and so on. The newest will sign next, the one before it signs:
 * so the keys change by one new file, and are changed or not, whenever the process dies. The newest is made when it is
 * not there, because nothing was signed with it. Any other that is missing is made only when `create` says that none ever
 * was; else it fails with `unavailable`, naming the file.
 */
export async function openTokenKeys(folder: string, { create = true } = {}): Promise<TokenKeys> {
  const signs = Math.max(1, ((await present(folder)).at(-1) ?? 1) - 1);
  const keys = new Map<number, Signer>();
  for (const generation of generationsAround(signs)) {
    keys.set(
      generation,
      await openSigner(join(folder, fileOf(generation)), { create: create || generation > signs }),
    );
  }
  return { signs: keys.get(signs) as Signer, verifies: [...keys.values()] };
}

/**
 * Has the next key sign from the next start on, and makes its successor. Tokens of the key until now stay good for their
 * time, at most a day; those of the key before it end. Twice in a row ends every token: the answer to a stolen key.
 */
export async function rotateTokenKeys(folder: string): Promise<void> {
  const newest = (await present(folder)).at(-1);
  if (newest === undefined) return;
  await openSigner(join(folder, fileOf(newest + 1)));
  const needed = generationsAround(newest);
  for (const generation of await present(folder)) {
    if (generation < Math.min(...needed)) await rm(join(folder, fileOf(generation)));
  }
}
