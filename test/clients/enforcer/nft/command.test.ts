import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { nftCommand } from '../../../../clients/enforcer/nft/command.ts';
import { openDataPlane } from '../../../../clients/enforcer/nft/plane.ts';
import { ENFORCED, LASTING, policyOf } from '../../../net/changes/shop.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'microseg-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const program = (text: string): string[] => {
  const file = join(folder, 'nft.sh');
  writeFileSync(file, text);
  return ['sh', file];
};

test('an nft that does not answer is ended, and everything that waits for it goes on', async () => {
  // It takes no notice of a kind word, and has read only a part.
  const nft = nftCommand(program('trap "" TERM\nread line\nexec sleep 60'), 300);
  const plane = openDataPlane({ nft });
  const begun = performance.now();
  const policy = policyOf(ENFORCED[1], LASTING);
  const refused = {
    outcome: 'refused',
    reason: 'no_answer',
    detail: expect.stringMatching(/no answer within 0.3 s/),
  };
  expect(await Promise.all([plane.apply(policy), plane.apply(policy)])).toEqual([refused, refused]);
  expect(performance.now() - begun).toBeLessThan(10_000);
});

test.each([
  ['is missing', ['/absent/nft'], 'no_nft', /install the package nftables/],
  [
    'may not',
    ['sh', '-c', 'echo "Operation not permitted (you must be root)" >&2; exit 1'],
    'not_permitted',
    /NET_ADMIN/,
  ],
])('an nft that %s is told with what to do', async (_, command, reason, words) => {
  const refused = { outcome: 'refused', reason, detail: expect.stringMatching(words) };
  expect(await openDataPlane({ nft: nftCommand(command) }).apply(policyOf(ENFORCED[1], LASTING))).toEqual(
    refused,
  );
});
