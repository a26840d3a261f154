import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Buckets } from '../../../../clients/enforcer/policy/buckets.ts';
import type { Woven, Written } from '../../../../clients/enforcer/policy/loom.ts';
import { Numbers } from '../../../../clients/enforcer/policy/numbers.ts';

const numbers = new Numbers();
const END = fc.constantFrom('goto t_0', 'goto t_1', 'meta priority set 1:2 goto told_in');
const said = fc
  .tuple(
    fc.array(fc.constantFrom('tcp 1 goto a', 'tcp 2 goto b', 'udp 3 log', 'gre goto c'), { maxLength: 14 }),
    END,
  )
  .map(([rules, end]) => [...rules, end]);
const classes = fc
  .dictionary(fc.string({ minLength: 1, maxLength: 3 }), said, { maxKeys: 60 })
  .map(all => new Map(Object.entries(all).map(([text, rules]) => [numbers.of(text), rules])));

const written =
  (all: ReadonlyMap<string, readonly string[]>) =>
  (number: string): Written => ({ rules: all.get(number) ?? [], ends: [] });

const woven = (all: ReadonlyMap<string, readonly string[]>): Map<string, Woven> =>
  new Map([...all].map(([number, rules]) => [number, { hash: rules.join(), size: rules.length }]));

/** The rules of the chain that count for a packet of the class, without what tells the class. */
function rulesFor(number: string, rules: readonly string[], isShared: boolean): string[] {
  if (!isShared) return [...rules];
  const own = `meta priority ${number} `;
  return rules.flatMap(rule => {
    if (rule.startsWith(own)) return [rule.slice(own.length)];
    // A rule for all: the end that most have.
    return /^meta priority [0-9a-f]+:[0-9a-f]+ /.test(rule) ? [] : [rule];
  });
}

/** Up to the first that ends it: what stands behind it is never met. */
const met = (rules: readonly string[], ends: readonly string[]): string[] => {
  const at = rules.findIndex(rule => ends.includes(rule));
  return rules.slice(0, at + 1);
};

test('every class meets its own rules in order, whoever shares its chain, and no chain is long', () => {
  fc.assert(
    fc.property(classes, all => {
      const { chains, at } = new Buckets().fill(woven(all), written(all));
      expect([...at.keys()].sort()).toEqual([...all.keys()].sort());
      for (const [number, rules] of all) {
        const verdict = at.get(number) ?? '';
        const chain = chains.get(verdict.replace('goto ', ''));
        if (!chain) {
          expect([verdict]).toEqual(rules);
          continue;
        }
        const sharing = [...at].filter(([, one]) => one === verdict).length;
        const prefixed = chain.rules.some(rule => rule.startsWith(`meta priority ${number} `));
        const seen = rulesFor(number, chain.rules, sharing > 1 && (prefixed || rules.length === 1));
        expect(met(seen, [rules.at(-1) ?? ''])).toEqual(met(rules, [rules.at(-1) ?? '']));
        expect(chain.rules.length).toBeLessThanOrEqual(41);
      }
    }),
  );
});

test('a class more changes the chain that it comes into, and no other', () => {
  const rules = (at: number): string[] => [`tcp ${at} goto a`, 'goto t_0'];
  const many = new Map(Array.from({ length: 1000 }, (_, at) => [numbers.of(`class ${at}`), rules(at)]));
  const more = new Map([...many, [numbers.of('one more'), rules(1000)]]);
  const buckets = new Buckets();
  const before = buckets.fill(woven(many), written(many));
  const after = buckets.fill(woven(more), written(more));
  expect(before.chains.size).toBeGreaterThan(20);
  expect(before.chains.size).toBeLessThan(100);
  const come = [...after.chains.keys()].filter(name => !before.chains.has(name));
  const gone = [...before.chains.keys()].filter(name => !after.chains.has(name));
  expect(gone).toHaveLength(1);
  expect(come.length).toBeLessThanOrEqual(2);
});
