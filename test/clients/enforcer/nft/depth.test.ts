import { expect, test } from 'vitest';
import { peersPayload, policyOf, policyPayload } from '../../../../bench/hosts/fixture.ts';
import { epochChains } from '../../../../clients/enforcer/nft/transaction.ts';
import type { Model } from '../../../../clients/enforcer/policy/model.ts';
import { Renderer } from '../../../../clients/enforcer/policy/renderer.ts';

/** How many rules a packet meets at most from a chain on: all of each chain, and the longest way on from any of them. */
function longestWay(model: Model): (chain: string) => number {
  const chains = new Map([...epochChains(1), ...model.chains]);
  const known = new Map<string, number>();
  const targetsIn = (text: string): string[] => [
    ...[...text.matchAll(/(?:goto|jump) (\w+)/g)].map(([, name = '']) => name),
    ...[...text.matchAll(/vmap @(\w+)/g)].flatMap(([, name = '']) =>
      [...(model.maps.get(name)?.elements ?? [])].flatMap(([, verdict]) => targetsIn(verdict)),
    ),
  ];
  const way = (name: string): number => {
    const before = known.get(name);
    if (before !== undefined) return before;
    const rules = chains.get(name)?.rules ?? [];
    // What is jumped to comes back, so that all of these add up; of the others only one is gone to.
    const jumps = rules.flatMap(rule => [...rule.matchAll(/jump (\w+)/g)].map(([, target = '']) => target));
    const gone = new Set(rules.flatMap(targetsIn));
    const on = Math.max(0, ...[...gone].filter(target => !jumps.includes(target)).map(way));
    const total = rules.length + jumps.reduce((sum, target) => sum + way(target), 0) + on;
    known.set(name, total);
    return total;
  };
  return way;
}

const hostWith = (rulesets: number): Model =>
  new Renderer().render(
    policyOf(policyPayload(rulesets), peersPayload(2 * rulesets, rulesets), {
      'directives.json': '',
      'peers.json': '',
      'policy.json': '',
    }),
  );

test('a packet meets fewer than 100 rules under 10,000 rulesets, and as many as under 10', () => {
  const [few, many] = [hostWith(10), hostWith(10_000)];
  expect(many.chains.size).toBeGreaterThan(10_000);
  for (const hook of ['hook_in', 'hook_out']) {
    const longest = longestWay(many)(hook);
    expect(longest).toBeGreaterThan(5);
    expect(longest).toBeLessThan(100);
    expect(longest).toBe(longestWay(few)(hook));
  }
});
