import { expect, test } from 'vitest';
import { outdated } from '../make/generate.ts';

test('generated documents are those that the code makes; run `npm run make` to renew them', async () => {
  expect(await outdated()).toEqual([]);
});
