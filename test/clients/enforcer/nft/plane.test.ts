import { expect, test } from 'vitest';
import { type Nft, textOf } from '../../../../clients/enforcer/nft/command.ts';
import { openDataPlane } from '../../../../clients/enforcer/nft/plane.ts';
import { ENFORCED, LASTING, policyOf } from '../../../net/changes/shop.ts';

const [first, second] = [policyOf(ENFORCED[1], LASTING), policyOf(ENFORCED[1], LASTING.slice(0, -1))];

/** The elements of the stamp that a script sets, as the kernel prints them. */
const stampIn = (script: string): string | undefined =>
  /^add element inet prisma stamp \{ (.*) \}$/m
    .exec(script)?.[1]
    ?.replace(/0x(\w+)/g, (_, digits: string) => `0x${digits.padStart(8, '0')}`);

/** Takes every script, and holds the last stamp unless it is to forget what it took. */
function kernel() {
  const state = { scripts: [] as string[], stamp: '', forgets: false };
  const nft: Nft = async (args, input = '', line) => {
    if (args[0] === '-f') {
      const script = textOf(input);
      state.scripts.push(script);
      if (!state.forgets) state.stamp = stampIn(script) ?? state.stamp;
    } else if (args.includes('stamp') && state.stamp !== '')
      for (const text of [
        'table inet prisma {',
        '\tmap stamp {',
        `\t\telements = { ${state.stamp} }`,
        '\t}',
        '}',
      ])
        line?.(text);
    else return { code: 1, stdout: '', stderr: 'Error: No such file or directory' };
    return { code: 0, stdout: '', stderr: '' };
  };
  return { state, nft };
}

test('no change goes on from a policy that the kernel was not seen to hold: the next one is loaded whole', async () => {
  const { state, nft } = kernel();
  const plane = openDataPlane({ nft });
  expect(await plane.apply(first)).toMatchObject({ outcome: 'applied', changed: true });
  state.forgets = true;
  expect(await plane.apply(second)).toMatchObject({ outcome: 'refused', reason: 'not_read_back' });
  state.forgets = false;
  state.scripts.length = 0;
  expect(await plane.apply(second)).toMatchObject({ outcome: 'applied', changed: true });
  expect(state.scripts).toHaveLength(1);
  expect(state.scripts[0]).toMatch(/^add table inet prisma$/m);
  expect(await plane.apply(second)).toMatchObject({ outcome: 'applied', changed: false });
});

test('a policy that was refused leaves the one before as it is', async () => {
  const { state, nft } = kernel();
  const plane = openDataPlane({ nft });
  const applied = await plane.apply(first);
  state.forgets = true;
  await plane.apply(second);
  state.scripts.length = 0;
  expect(await plane.apply(first)).toEqual({ ...applied, changed: false });
  expect(state.scripts).toEqual([]);
});
