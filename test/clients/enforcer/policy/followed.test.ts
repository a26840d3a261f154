import { hash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { HostPolicy } from '../../../../clients/enforcer/data-plane.ts';
import type { Model } from '../../../../clients/enforcer/policy/model.ts';
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
const ANYTHING = { action: 'Reject', object: [['app=db']], protocolPorts: [] };
/** Policies that differ in what the bits say: a namespace, networks, and rulesets that come, go, or say something else. */
const BITS = 8;
const entriesOf = (bits: number): readonly Entry[] => {
  const has = (bit: number): boolean => (bits & (1 << bit)) !== 0;
  const all: (Entry | false)[] = [
    {
      identity: 'namespace',
      object: makeNamespace(PATH, 1, {
        ...(has(0) ? { defaultPUOutgoingTrafficAction: 'Allow' } : {}),
        // Then the tags of external networks count for nothing.
        ...(has(7) ? { tagPrefixEnforcement: 'Enforce', tagPrefixes: ['app='] } : {}),
      }),
    },
    network(10, 'a', ['a.example.com']),
    network(11, 'b', ['b.example.com', '192.0.2.0/24', '198.51.100.0/24']),
    network(12, 'below', ['*.example.com']),
    network(13, 'range', ['203.0.113.0/24', '!203.0.113.128/25', '2001:db8::/47', '!2001:db8:1::/48']),
    network(14, 'net', ['c.example.net', has(1) ? '203.0.113.8/29' : '203.0.113.0/28']),
    network(15, 'nobody', ['nobody.asks.example']),
    has(2) && ruleset(19, 'app=db', [rule('Reject', 'net=below', 80)]),
    ruleset(20, '$identity=processingunit', [rule('Allow', 'net=range', 443)], { fallback: true }),
    ruleset(21, 'app=db', [
      rule('Reject', 'net=a', has(3) ? 80 : 443),
      rule('Allow', 'net=net', 80),
      ANYTHING,
    ]),
    !has(4) &&
      ruleset(22, 'app=web', [
        rule('Allow', 'net=b', 443),
        rule('Reject', 'net=a', 80, { observationEnabled: true }),
        rule('Allow', 'net=below', 80),
        rule('Allow', has(5) ? 'app=web' : 'app=db', 5432),
        rule('Reject', 'app=web', 443),
      ]),
    has(6) && ruleset(23, 'app=web', [rule('Reject', 'app=db', 5432, { logsDisabled: true })]),
    ...UNITS.map((object): Entry => ({ identity: 'processingunit', object })),
  ];
  return all.filter(one => one !== false);
};
const POLICIES = new Map<number, HostPolicy>();
function policyOf(bits: number): HostPolicy {
  const view = viewOf(entriesOf(bits));
  const made = POLICIES.get(bits) ?? hostPolicy(view, pathOf(PATH), { units: UNITS.map(localUnit) });
  POLICIES.set(bits, made);
  return made;
}

interface State {
  names: ReadonlyMap<string, readonly string[]>;
  /** Tags and addresses of each. */
  peers: readonly { tags: string[]; addresses: string[] }[];
  /** Bits: which units of those are on this host, and which of the policies holds. */
  units: number;
  policy: number;
}

function policyAt({ names, peers, units, policy }: State): HostPolicy {
  const base = policyOf(policy);
  const identities = peers.map(({ tags, addresses }, at) => ({
    ID: (1000 + at).toString(16).padStart(24, '0'),
    ...{ addresses, namespace: PATH, tags: [...tags].sort() },
  })) as unknown as HostPolicy['payloads']['peers.json']['identities'];
  const payloads = { ...base.payloads, 'peers.json': { format: 1, identities } as const };
  const digests = { ...base.digests, 'peers.json': hash('sha256', JSON.stringify(identities)) };
  return {
    ...{ ...base, payloads, digests, names },
    units: base.units.filter((_, at) => (units & (1 << at)) !== 0),
  };
}

const NOBODY: State['peers'] = Array(6).fill({ tags: [], addresses: [] });
const some = fc.subarray(ADDRESSES, { maxLength: 4 });
/** What becomes of one of the names, of one of the peers, of the units, or of the policy. */
const change = fc.oneof(
  { weight: 6, arbitrary: fc.record({ name: fc.constantFrom(...NAMES), addresses: some }) },
  { weight: 4, arbitrary: fc.record({ peer: fc.nat(5), tags: fc.subarray(TAGS), addresses: some }) },
  { weight: 1, arbitrary: fc.record({ units: fc.integer({ min: 1, max: 7 }) }) },
  { weight: 4, arbitrary: fc.record({ bit: fc.nat(BITS - 1) }) },
);

function changed(state: State, one: typeof change extends fc.Arbitrary<infer C> ? C : never): State {
  if ('units' in one) return { ...state, ...one };
  if ('bit' in one) return { ...state, policy: state.policy ^ (1 << one.bit) };
  if ('peer' in one) {
    const { peer, ...what } = one;
    return { ...state, peers: state.peers.map((before, at) => (at === peer ? what : before)) };
  }
  const names = new Map(state.names);
  names.delete(one.name);
  if (one.addresses.length > 0) names.set(one.name, one.addresses);
  return { ...state, names };
}

const heldBy = ({ chains, maps, counters, digest }: Model) => ({
  chains: new Map([...chains].sort().map(([name, { hook, rules }]) => [name, { hook, rules }])),
  maps: new Map([...maps].sort().map(([name, { elements }]) => [name, new Map([...elements].sort())])),
  counters: new Set([...counters].sort()),
  digest,
});

/** What rules and maps lead to is there, and nothing else is; and so are the ends that count. */
function expectWhole({ chains, maps, counters, meanings }: Model): void {
  const texts = [
    ...[...chains.values()].flatMap(({ rules }) => rules),
    ...[...maps.values()].flatMap(({ elements }) => [...elements].map(([, value]) => value)),
  ].join('\n');
  const found = (pattern: RegExp) => new Set([...texts.matchAll(pattern)].map(([, name = '']) => name));
  const ours = new Set(
    [...chains].flatMap(([name, { hook }]) => (/^[ct]_/.test(name) && !hook ? [name] : [])),
  );
  expect(found(/(?:goto|jump) ([ct]_\w+)/g)).toEqual(ours);
  expect(found(/meta priority set (\w+:\w+) (?:log|meta priority @)/g)).toEqual(new Set(counters));
  for (const id of found(/log prefix "[AR]:(\w+):"/g)) expect(meanings.get(id)).toBeDefined();
}

test('whatever became of names, peers, units and rules, the kernel holds what it would hold without that', () => {
  fc.assert(
    fc.property(fc.array(fc.array(change, { minLength: 1, maxLength: 3 }), { maxLength: 10 }), rounds => {
      const renderer = new Renderer();
      let state: State = { names: new Map(), peers: NOBODY, units: 7, policy: 0 };
      let before = renderer.render(policyAt(state));
      for (const round of rounds) {
        state = round.reduce(changed, state);
        const model = renderer.render(policyAt(state));
        const anew = new Renderer().render(policyAt(state));
        expect(heldBy(model)).toEqual(heldBy(anew));
        expectWhole(model);
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
