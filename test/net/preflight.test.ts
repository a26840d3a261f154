import { afterAll, beforeAll, expect, test } from 'vitest';
import { specimen } from '../../clients/enforcer/specimen.ts';
import { hostAt } from '../../clients/host/host.ts';
import { refusedIn, refusedRules } from '../../clients/host/ruleset.ts';
import { type Network, openNetwork } from '../../local/hosts/network.ts';
import { refusal } from '../../shared/core/preflight/kernel-needs.ts';
import { openProbes, type Wanted } from './hosts/probes.ts';

let network: Network;
beforeAll(async () => {
  network = await openNetwork([
    { name: 'one', addresses: ['10.0.0.1'] },
    { name: 'two', addresses: ['10.0.0.2'] },
  ]);
});
afterAll(() => network?.close());

test('the kernel of this machine takes the rules of an agent, and nothing of them is left in it', async () => {
  const { run } = network.host('one');
  const before = await run('nft', ['list', 'ruleset']);
  expect(await refusedRules(hostAt('/'))).toEqual([]);
  expect(await run('nft', ['list', 'ruleset'])).toBe(before);
});

test('of what the kernel or nft does not know each kind is told once, with a remedy for each', async () => {
  // This kernel has no queue; and no nft has such a word.
  const rules = specimen().replaceAll('fib daddr type local accept', 'queue num 1');
  const said = (await hostAt('/').check(rules)) ?? '';
  const refused = refusedIn(said);
  expect(refused).toEqual([
    { expression: 'queue', reason: 'Could not process rule: No such file or directory' },
  ]);
  expect(refusal({ refusedRules: refused, kernel: '6.1' })).toMatchObject({
    result: 'fail',
    message:
      'kernel 6.1 does not take the rules of an agent: `queue` (Could not process rule: No such file or directory)',
    remedy: expect.stringMatching(/^modprobe nf_tables;/),
  });
  const unknown = specimen().replace('fib daddr type local accept', 'ct strange accept');
  const [first] = refusedIn((await hostAt('/').check(unknown)) ?? '');
  expect(first?.reason).toMatch(/^syntax error/);
  expect(refusal({ refusedRules: first ? [first] : [], kernel: '6.1' })?.remedy).toBe(
    'update the package nftables to 1.0.6',
  );
});

test('rules that are only checked, where packets pass, decide none of them', async () => {
  const { run } = network.host('one');
  const probes = await openProbes(network);
  const traffic = { kind: 'ports', protocol: 6, port: 80 } as const;
  const flows = Array.from({ length: 20 }, (): Wanted => ({ from: '10.0.0.2', to: '10.0.0.1', traffic }));
  let isOn = true;
  const checking = (async () => {
    let checks = 0;
    for (; isOn; checks++) await run('nft', ['-c', '-f', '-'], specimen());
    return checks;
  })();
  try {
    for (let round = 0; round < 300; round++) {
      const seen = await probes.send(flows, () => ({ arrived: true, answered: true }), {
        patience: 2000,
        grace: 0,
      });
      expect(seen.filter(({ arrived, answered }) => arrived && answered)).toHaveLength(flows.length);
    }
  } finally {
    isOn = false;
    console.log(`${await checking} checks, beside ${300 * flows.length} packets that all got through`);
    await probes.close();
  }
});
