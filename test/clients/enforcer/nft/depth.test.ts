import { expect, test } from 'vitest';
import { peersPayload, policyOf, policyPayload } from '../../../../bench/hosts/fixture.ts';
import { epochChains } from '../../../../clients/enforcer/nft/epoch.ts';
import type { Model } from '../../../../clients/enforcer/policy/model.ts';
import { Renderer } from '../../../../clients/enforcer/policy/renderer.ts';

/** How many rules a packet meets at most from a chain on: all of each chain, and the longest way on from any of them. */
function longestWay(model: Model): (chain: string) => number {
  const chains = new Map([...epochChains({ epoch: 0x1001, fresh: new Set() }), ...model.chains]);
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

/** Rulesets that a host has, and the most rules that a packet meets from each hook on. */
const MODELS = new Map([10, 1000, 10_000].map(rulesets => [rulesets, hostWith(rulesets)]));

test.each(['hook_in', 'hook_out'])(
  'a packet from %s on meets fewer than 100 rules, as many under 10,000 rulesets as under 1,000',
  hook => {
    const [few = 0, some = 0, many = 0] = [...MODELS.values()].map(model => longestWay(model)(hook));
    expect(few).toBeGreaterThan(5);
    expect(few).toBeLessThanOrEqual(some);
    expect(many).toBe(some);
    expect(many).toBeLessThan(100);
  },
);

test('many rulesets share chains: ten times as many are not a chain each', () => {
  const chains = MODELS.get(10_000)?.chains ?? new Map();
  expect(chains.size).toBeGreaterThan(500);
  expect(chains.size).toBeLessThan(4000);
});
