import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { loadText } from '../../../clients/enforcer/nft/load.ts';
import { Renderer } from '../../../clients/enforcer/policy/renderer.ts';
import { specimen } from '../../../clients/enforcer/specimen.ts';
import { NEEDED_BY } from '../../../shared/core/preflight/kernel-needs.ts';
import { viewOf } from '../../core/objects.ts';
import { ENFORCED, isHostUnit, NAMES, tenantFrom, tenants } from '../../net/agreement/tenant.ts';
import { hostPolicy, localUnit } from '../../net/hosts/plane.ts';

/** Words of which rules are made, without names, addresses, and numbers. */
const wordsOf = (text: string): Set<string> =>
  new Set(
    text
      .split('\n')
      .filter(line => line.startsWith('\t') || /^(map|set) /.test(line))
      .flatMap(line =>
        line
          .replace(/"[^"]*"/g, '')
          .replace(/^(map|set) \S+/, '$1')
          .replace(/\b(goto|jump) \S+/g, '$1')
          .replace(/@(?!th,)\w+/g, '@')
          .split(/[\s{},;]+/)
          .filter(word => /^[a-z@][\w@-]*$/.test(word) && !/^[0-9a-f]*$/.test(word)),
      ),
  );

const KNOWN = wordsOf(specimen('a.slice'));
const strange = (text: string): string[] => [...wordsOf(text)].filter(word => !KNOWN.has(word));

const GOLDEN = join(import.meta.dirname, 'golden');

test.each(readdirSync(GOLDEN))('%s says nothing that the specimen does not', name => {
  expect(strange(readFileSync(join(GOLDEN, name), 'utf8'))).toEqual([]);
});

test('no policy says anything that the specimen does not', () => {
  fc.assert(
    fc.property(tenants, fc.boolean(), fc.boolean(), (random, lockdown, layer3Only) => {
      const { entries, units } = tenantFrom(random);
      const view = viewOf(entries);
      for (const { namespace, units: own } of ENFORCED) {
        const local = own.flatMap(at => {
          const unit = units[at];
          return unit ? [{ ...localUnit(unit), isHost: isHostUnit(at) }] : [];
        });
        const policy = hostPolicy(view, namespace, { units: local, names: NAMES });
        const model = new Renderer().render({ ...policy, lockdown, layer3Only });
        expect(strange(loadText(model, { epoch: 1, fresh: new Set() }))).toEqual([]);
      }
    }),
    { numRuns: 10 },
  );
});

/** Of `nf_tables` itself, in each kernel that has it, or a part of what a word before it says. */
const ITSELF = new Set(
  `
    @ @th accept ah and burst cgroupv2 classid code comment counter daddr direction dnat dport drop
    established filter flags forward goto group hook hoplimit icmp icmpv6 iif iifname input interval
    invalid ip ip6 ipv4 ipv4_addr ipv6 ipv6-icmp ipv6_addr jump l4proto level lo local map mark meta
    missing new nfproto oif oifname or original output packets policy prefix priority proto-src
    protocol rate related reply saddr set snaplen sport state status tcp th type udp untracked verdict
    vmap
  `
    .trim()
    .split(/\s+/),
);

test('whoever lets the renderer say something new says which module of the kernel it needs', () => {
  expect([...KNOWN].filter(word => !(word in NEEDED_BY) && !ITSELF.has(word)).sort()).toEqual([]);
  expect([...Object.keys(NEEDED_BY), ...ITSELF].filter(word => !KNOWN.has(word))).toEqual([]);
});
