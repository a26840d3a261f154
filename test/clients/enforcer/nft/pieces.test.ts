import fc from 'fast-check';
import { expect, test } from 'vitest';
import { nftCommand } from '../../../../clients/enforcer/nft/command.ts';

/** Prints what it is told, once that came to its end. */
const ECHO = [
  process.execPath,
  '-e',
  "let all = ''; process.stdin.on('data', piece => { all += piece; }).on('end', () => process.stdout.write(all))",
];

test('a script in pieces of any length is told as it stands', async () => {
  const piece = fc.oneof(
    fc.string({ unit: 'grapheme-ascii', maxLength: 40 }),
    fc.constant('x'.repeat(70_000)),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { maxLength: 12 }), async pieces => {
      const { code, stdout } = await nftCommand(ECHO)([], { pieces });
      expect({ code, stdout }).toEqual({ code: 0, stdout: pieces.join('') });
    }),
    { numRuns: 8 },
  );
});

test('nothing is done of a script whose pieces can not all be made', async () => {
  function* broken() {
    yield 'x'.repeat(100_000);
    throw new Error('this one can not be made');
  }
  await expect(nftCommand(ECHO)([], { pieces: broken() })).rejects.toThrow('can not be made');
});
