import { hash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { HostPolicy } from '../../../../clients/enforcer/data-plane.ts';
import { epochChains } from '../../../../clients/enforcer/nft/transaction.ts';
import type { Chain, Model } from '../../../../clients/enforcer/policy/model.ts';
import { Renderer } from '../../../../clients/enforcer/policy/renderer.ts';
import { type Entry, make, makeNamespace, pathOf, viewOf } from '../../../core/objects.ts';
import { hostPolicy, localUnit } from '../../../net/hosts/plane.ts';

const PATH = '/t';
const ADDRESSES = [
  ...['203.0.113.7', '203.0.113.9', '203.0.113.130', '198.51.100.1', '10.0.0.9'],
  ...['2001:db8::7', '2001:db8:0:0:0:0:0:7', '2001:db8:1::7'],
];
const NAMES = ['a.example.com', 'b.example.com', 'c.example.net', 'd.cdn.example.com', 'nobody.asks.example'];
const TAGS = ['app=web', 'app=db', 'net=a'];

const network = (number: number, tag: string, entries: string[]): Entry => ({
  identity: 'externalnetwork',
  object: make('externalnetwork', PATH, number, { name: tag, entries, associatedTags: [`net=${tag}`] }),
});
const ruleset = (number: number, subject: string, rules: readonly object[], more: object = {}): Entry => ({
  identity: 'networkrulesetpolicy',
  object: make('networkrulesetpolicy', PATH, number, {
    ...{ subject: [[subject]], outgoingRules: rules, incomingRules: rules.slice(0, 1) },
    ...more,
  }),
});
const rule = (action: 'Allow' | 'Reject', tag: string, port: number, more: object = {}) => ({
  ...{ action, object: [[tag]], protocolPorts: [`tcp/${port}`] },
  ...more,
});
const UNITS = [['app=web'], ['app=db'], ['app=db', 'app=web']].map((associatedTags, at) =>
  make('processingunit', PATH, 50 + at, { type: 'Docker', associatedTags, addresses: [`10.0.0.${1 + at}`] }),
);
const ENTRIES: readonly Entry[] = [
  { identity: 'namespace', object: makeNamespace(PATH, 1) },
  network(10, 'a', ['a.example.com']),
  network(11, 'b', ['b.example.com', '192.0.2.0/24', '198.51.100.0/24']),
  network(12, 'below', ['*.example.com']),
  network(13, 'range', ['203.0.113.0/24', '!203.0.113.128/25', '2001:db8::/47', '!2001:db8:1::/48']),
  network(14, 'net', ['c.example.net', '203.0.113.0/28']),
  network(15, 'nobody', ['nobody.asks.example']),
  ruleset(20, '$identity=processingunit', [rule('Allow', 'net=range', 443)], { fallback: true }),
  ruleset(21, 'app=db', [rule('Reject', 'net=a', 443), rule('Allow', 'net=net', 80)]),
  ruleset(22, 'app=web', [
    rule('Allow', 'net=b', 443),
    rule('Reject', 'net=a', 80, { observationEnabled: true }),
    rule('Allow', 'net=below', 80),
    rule('Allow', 'app=db', 5432),
    rule('Reject', 'app=web', 443),
  ]),
  ...UNITS.map((object): Entry => ({ identity: 'processingunit', object })),
];
const BASE = hostPolicy(viewOf(ENTRIES), pathOf(PATH), { units: UNITS.map(localUnit) });

interface State {
  names: ReadonlyMap<string, readonly string[]>;
  /** Tags and addresses of each. */
  peers: readonly { tags: string[]; addresses: string[] }[];
  /** Units of this host: the policy is another with others of them. */
  units: number;
}

function policyAt({ names, peers, units }: State): HostPolicy {
  const identities = peers.map(({ tags, addresses }, at) => ({
    ID: (1000 + at).toString(16).padStart(24, '0'),
    ...{ addresses, namespace: PATH, tags: [...tags].sort() },
  })) as unknown as HostPolicy['payloads']['peers.json']['identities'];
  const payloads = { ...BASE.payloads, 'peers.json': { format: 1, identities } as const };
  const digests = { ...BASE.digests, 'peers.json': hash('sha256', JSON.stringify(identities)) };
  return { ...BASE, payloads, digests, names, units: BASE.units.slice(0, units) };
}

const some = fc.subarray(ADDRESSES, { maxLength: 4 });
/** What becomes of one of the names, of one of the peers, or of the units. */
const change = fc.oneof(
  { weight: 6, arbitrary: fc.record({ name: fc.constantFrom(...NAMES), addresses: some }) },
  { weight: 4, arbitrary: fc.record({ peer: fc.nat(5), tags: fc.subarray(TAGS), addresses: some }) },
  { weight: 1, arbitrary: fc.record({ units: fc.integer({ min: 1, max: 3 }) }) },
);

function changed(state: State, one: typeof change extends fc.Arbitrary<infer C> ? C : never): State {
  if ('units' in one) return { ...state, ...one };
  if ('peer' in one) {
    const { peer, ...what } = one;
    return { ...state, peers: state.peers.map((before, at) => (at === peer ? what : before)) };
  }
  const names = new Map(state.names);
  names.delete(one.name);
  if (one.addresses.length > 0) names.set(one.name, one.addresses);
  return { ...state, names };
}

/** Chains that packets may come to: what is left over of earlier policies is no harm and no difference. */
function reached({ chains, maps }: Model): Map<string, readonly string[]> {
  const found = new Map<string, readonly string[]>();
  const fixed = epochChains(1);
  const visit = (name: string, chain: Chain | undefined): void => {
    if (found.has(name) || fixed.has(name)) return;
    if (!chain) throw new Error(`something leads to ${name}, which is not there`);
    found.set(name, chain.rules);
    const verdicts = chain.rules.flatMap(text => [
      text,
      ...[...text.matchAll(/vmap @(\w+)/g)].flatMap(([, map = '']) => [
        ...new Map(maps.get(map)?.elements ?? []).values(),
      ]),
    ]);
    for (const text of verdicts)
      for (const [, next = ''] of text.matchAll(/(?:goto|jump) (\w+)/g)) visit(next, chains.get(next));
  };
  for (const [name, chain] of chains) if (chain.hook) visit(name, chain);
  return found;
}

const heldBy = (model: Model) => ({
  chains: new Map([...reached(model)].sort()),
  maps: new Map([...model.maps].sort().map(([name, { elements }]) => [name, new Map([...elements].sort())])),
  digest: model.digest,
});

test('where names and peers went through any changes, the kernel holds what it would hold without them', () => {
  fc.assert(
    fc.property(fc.array(fc.array(change, { minLength: 1, maxLength: 3 }), { maxLength: 10 }), rounds => {
      const renderer = new Renderer();
      let state: State = { names: new Map(), peers: Array(6).fill({ tags: [], addresses: [] }), units: 3 };
      let before = renderer.render(policyAt(state));
      for (const round of rounds) {
        state = round.reduce(changed, state);
        const model = renderer.render(policyAt(state));
        const anew = new Renderer().render(policyAt(state));
        expect(heldBy(model)).toEqual(heldBy(anew));
        for (const counter of anew.counters) expect(model.counters.has(counter)).toBe(true);
        for (const [id, meaning] of anew.meanings) expect(model.meanings.get(id)).toEqual(meaning);
        // What the kernel is told is the difference that there is.
        for (const [name, { elements, since }] of model.maps) {
          const earlier = new Map(before.maps.get(name)?.elements ?? []);
          if (!since || since.earlier !== before.maps.get(name)?.elements) continue;
          for (const [key, value] of since.changes) {
            expect(earlier.get(key)).not.toBe(value);
            if (value === undefined) earlier.delete(key);
            else earlier.set(key, value);
          }
          expect(new Map([...earlier].sort())).toEqual(new Map([...elements].sort()));
        }
        before = model;
      }
    }),
    { numRuns: 60 },
  );
}, 60_000);
