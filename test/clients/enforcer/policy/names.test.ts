import { expect, test } from 'vitest';
import type { Active } from '../../../../clients/enforcer/agent/activation.ts';
import type { HostPolicy } from '../../../../clients/enforcer/data-plane.ts';
import { decideHere } from '../../../../clients/enforcer/life/explain.ts';
import type { Model } from '../../../../clients/enforcer/policy/model.ts';
import { Renderer } from '../../../../clients/enforcer/policy/renderer.ts';
import { evaluate, policiesOf } from '../../../../shared/core/evaluate.ts';
import { type Entry, make, makeNamespace, pathOf, viewOf } from '../../../core/objects.ts';
import { hostPolicy, localUnit } from '../../../net/hosts/plane.ts';

const PATH = '/t';
const [LEFT_OUT, HELD, NOWHERE] = ['203.0.113.7', '203.0.113.9', '198.51.100.1'];
const NAMES = ['a.example.com', 'b.example.com', 'c.example.net'];

const network = (number: number, tag: string, entries: string[]): Entry => ({
  identity: 'externalnetwork',
  object: make('externalnetwork', PATH, number, { name: tag, entries, associatedTags: [`net=${tag}`] }),
});
type Rule = readonly [action: 'Allow' | 'Reject', tag: string, port: number, more?: object];
const ruleset = (number: number, subject: string, rules: readonly Rule[], more: object = {}): Entry => ({
  identity: 'networkrulesetpolicy',
  object: make('networkrulesetpolicy', PATH, number, {
    subject: [[subject]],
    outgoingRules: rules.map(([action, tag, port, rest]) => ({
      ...{ action, object: [[`net=${tag}`]], protocolPorts: [`tcp/${port}`], ...rest },
    })),
    ...more,
  }),
});
const unit = (number: number, tags: string[], address: string) =>
  make('processingunit', PATH, number, { type: 'Docker', associatedTags: tags, addresses: [address] });

const UNITS = {
  /** Nothing but fallback rulesets selects it. */
  plain: unit(50, ['app=plain'], '10.0.0.1'),
  careful: unit(51, ['app=careful'], '10.0.0.2'),
  /** Its own ruleset turns the fallback off. */
  web: unit(52, ['app=web'], '10.0.0.3'),
};
const ENTRIES: readonly Entry[] = [
  { identity: 'namespace', object: makeNamespace(PATH, 1) },
  network(10, 'a', ['a.example.com']),
  network(11, 'b', ['b.example.com', '192.0.2.0/24']),
  network(12, 'below', ['*.example.com']),
  network(13, 'range', ['203.0.113.0/24', `!${LEFT_OUT}`]),
  network(14, 'net', ['c.example.net', '203.0.113.0/28']),
  ruleset(
    20,
    '$identity=processingunit',
    [
      ['Allow', 'range', 443],
      ['Allow', 'b', 443],
    ],
    { fallback: true },
  ),
  ruleset(
    21,
    'app=careful',
    [
      ['Reject', 'a', 443],
      ['Allow', 'net', 80],
    ],
    { fallback: true },
  ),
  ruleset(22, 'app=web', [
    ['Allow', 'b', 443],
    ['Allow', 'a', 443],
    ['Reject', 'net', 443],
    ['Reject', 'a', 80, { observationEnabled: true }],
    ['Allow', 'below', 80],
  ]),
  ...Object.values(UNITS).map((object): Entry => ({ identity: 'processingunit', object })),
];
const view = viewOf(ENTRIES);

const policyWith = (names: readonly string[], address: string): HostPolicy =>
  hostPolicy(view, pathOf(PATH), {
    units: Object.values(UNITS).map(localUnit),
    names: new Map(names.map(name => [name, [address]])),
  });

const words = (
  verdict: string,
  rule: { rulesetID: string; index: number } | undefined,
  seen: string,
): string =>
  `${verdict} ${rule ? `${Number.parseInt(rule.rulesetID, 16)}#${rule.index + 1}` : 'default'}${seen}`;

const numberOf = (address: string): number =>
  address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);

/** Follows a first packet to a port of TCP through what the kernel is told, as the kernel would. */
function followed(model: Model, id: string, address: string, port: number): string {
  let [chain, meaning, peer] = [`u_${id}_out`, '', ''];
  const inRange = (map: string): string | undefined =>
    [...(model.maps.get(map)?.elements ?? [])].find(([range]) => {
      const [from = '', to = from] = range.split('-');
      return numberOf(from) <= numberOf(address) && numberOf(address) <= numberOf(to);
    })?.[1];
  for (let jumps = 0; jumps < 10; jumps++) {
    if (/^(yes|told)_/.test(chain) || chain.startsWith('no_')) break;
    let next: string | undefined;
    for (const rule of model.chains.get(chain)?.rules ?? []) {
      const [, map = ''] = /@([pkn]4?_\w+)$/.exec(rule) ?? [];
      const [, from, to = from] = /^meta l4proto tcp ct reply proto-src (\d+)(?:-(\d+))? /.exec(rule) ?? [];
      const isOther = rule.startsWith('meta l4proto') && !(Number(from) <= port && port <= Number(to));
      if (isOther || /^ct state|ip6/.test(rule)) continue;
      meaning = /log prefix "[AR]:(\w+):"/.exec(rule)?.[1] ?? meaning;
      if (map.startsWith('p4_')) peer = model.maps.get(map)?.elements.get(address) ?? '';
      if (map.startsWith('k_')) next = model.maps.get(map)?.elements.get(peer)?.replace('goto ', '');
      if (map.startsWith('n4_')) next = inRange(map)?.replace('goto ', '');
      next ??= /(?:^| )goto (\w+)$/.exec(rule)?.[1];
      if (next) break;
    }
    if (next === undefined) throw new Error(`nothing decides in ${chain}`);
    chain = next;
  }
  const { rule, observed } = model.meanings.get(meaning) ?? {};
  const seen = observed ? `, would ${words(observed.verdict, observed.rule, '')}` : '';
  return words(chain.startsWith('no_') ? 'reject' : 'allow', rule, seen);
}

type Side = NonNullable<ReturnType<typeof decideHere>[number]>;
const said = ({ verdict, by, observed }: Side): string =>
  words(
    verdict,
    'rule' in by ? by.rule : undefined,
    observed ? `, would ${words(observed.verdict, observed.by.rule, '')}` : '',
  );

const subsets = Array.from({ length: 2 ** NAMES.length }, (_, bits) =>
  NAMES.filter((_name, at) => bits & (1 << at)),
);
const orders = subsets.flatMap(some => (some.length > 1 ? [some, some.toReversed()] : [some]));

test.each(Object.entries(UNITS))(
  'names of one address decide together, in any order, for %s',
  (_, { ID, ...rest }) => {
    const policies = policiesOf(view);
    for (const names of orders)
      for (const address of [LEFT_OUT, HELD, NOWHERE] as string[])
        for (const port of [443, 80]) {
          const policy = policyWith(names, address);
          const traffic = { kind: 'ports', protocol: 6, port } as const;
          const from = {
            kind: 'processing unit',
            namespace: pathOf(PATH),
            tags: rest.normalizedTags,
          } as const;
          const { source } = evaluate({ from, to: { kind: 'network', address, names }, traffic }, policies);
          const known = {
            units: [{ ...UNITS.plain, ID, ...rest }],
            names: policy.names,
          } as unknown as Active;
          const asked = { source: rest.name, destination: address, traffic: `tcp/${port}`, folder: '' };
          const [here] = decideHere(asked, known, policy.payloads);
          const at = `${names.join()} → ${address}:${port}`;
          const kernel = followed(new Renderer().render(policy), ID, address, port);
          expect([at, source && said(source), here && said(here)]).toEqual([at, kernel, kernel]);
        }
  },
);

test.each([
  ['plain', ['a.example.com'], NOWHERE, 443, 'reject default'],
  ['plain', ['a.example.com', 'b.example.com'], NOWHERE, 443, 'allow 20#2'],
  ['plain', [], HELD, 443, 'allow 20#1'],
  ['plain', ['b.example.com'], LEFT_OUT, 443, 'allow 20#2'],
  ['careful', ['b.example.com', 'a.example.com'], NOWHERE, 443, 'reject 21#1'],
  ['careful', ['b.example.com'], HELD, 443, 'allow 20#1'],
  ['web', ['a.example.com', 'b.example.com'], NOWHERE, 443, 'allow 22#1'],
  ['web', ['a.example.com', 'c.example.net'], NOWHERE, 443, 'reject 22#3'],
  ['web', ['b.example.com', 'a.example.com'], NOWHERE, 80, 'allow 22#5, would reject 22#4'],
  ['web', [], HELD, 443, 'reject 22#3'],
] as const)('%s, with the names %j of %s, port %d: %s', (who, names, address, port, wanted) => {
  const model = new Renderer().render(policyWith(names, address));
  expect(followed(model, UNITS[who].ID, address, port)).toBe(wanted);
});
