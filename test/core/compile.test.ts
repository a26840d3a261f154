import { createHash } from 'node:crypto';
import { canonicalize } from '@tufjs/canonical-json';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compile, peerScopes } from '../../shared/core/compile.ts';
import { PAYLOADS, type PayloadName, type Payloads } from '../../shared/schema/bundle.ts';
import { type Entry, make, makeNamespace, pathOf, viewOf } from './objects.ts';
import { entriesOf, tenant } from './random-tenant.ts';

const read = (bytes: Uint8Array): unknown => JSON.parse(Buffer.from(bytes).toString());

const payloadsOf = (entries: readonly Entry[], path: string): Payloads => {
  const { payloads } = compile(viewOf(entries), pathOf(path));
  return {
    'directives.json': PAYLOADS['directives.json'].parse(read(payloads['directives.json'])),
    'peers.json': PAYLOADS['peers.json'].parse(read(payloads['peers.json'])),
    'policy.json': PAYLOADS['policy.json'].parse(read(payloads['policy.json'])),
  };
};

const namespaces = ['/t', '/t/a', '/t/a/x', '/t/b', '/u'].map(
  (path, at): Entry => ({ identity: 'namespace', object: makeNamespace(path, at + 1) }),
);
const unit = (id: number, path: string, tags: string[], more: Record<string, unknown> = {}): Entry => ({
  identity: 'processingunit',
  object: make('processingunit', path, id, {
    type: 'Docker',
    associatedTags: tags,
    addresses: [`10.0.0.${id % 256}`],
    ...more,
  }),
});
const ruleset = (
  id: number,
  path: string,
  object: string[][],
  more: Record<string, unknown> = {},
): Entry => ({
  identity: 'networkrulesetpolicy',
  object: make('networkrulesetpolicy', path, id, {
    subject: [['app=a']],
    incomingRules: [{ object }],
    ...more,
  }),
});

const peers = (entries: Entry[], path = '/t/a') =>
  payloadsOf([...namespaces, ...entries], path)['peers.json'].identities.map(({ ID }) =>
    Number.parseInt(ID, 16),
  );

describe('a bundle', () => {
  test('is canonical JSON of the payload schemas, named by its digests', () => {
    fc.assert(
      fc.property(tenant, random => {
        const view = viewOf(entriesOf(random));
        const { payloads, digests } = compile(view, pathOf('/t/a'));
        for (const [name, bytes] of Object.entries(payloads) as [PayloadName, Uint8Array][]) {
          const value = PAYLOADS[name].parse(read(bytes));
          expect(Buffer.from(bytes).toString()).toBe(canonicalize(value));
          expect(digests[name]).toBe(createHash('sha256').update(bytes).digest('hex'));
        }
      }),
      { numRuns: 30 },
    );
  });

  test('holds what applies in its namespace and nothing else', () => {
    const network = (id: number, path: string, more = {}): Entry => ({
      identity: 'externalnetwork',
      object: make('externalnetwork', path, id, { entries: ['10.0.0.0/8'], ...more }),
    });
    const policy = payloadsOf(
      [
        ...namespaces,
        ruleset(10, '/t', [['app=a']]),
        ruleset(11, '/t', [['app=a']], { propagate: true }),
        ruleset(12, '/t/a', [['app=a']]),
        ruleset(13, '/t/a', [['app=a']], { disabled: true }),
        ruleset(14, '/t/a/x', [['app=a']], { propagate: true }),
        ruleset(15, '/t/b', [['app=a']], { propagate: true }),
        network(20, '/t', { propagate: true }),
        network(21, '/t/a', { archived: true }),
        network(22, '/t/a'),
        network(23, '/t/b'),
      ],
      '/t/a',
    )['policy.json'];
    const ids = (list: { ID: string }[]) => list.map(({ ID }) => Number.parseInt(ID, 16));
    expect(ids(policy.rulesets)).toEqual([11, 12]);
    expect(ids(policy.externalNetworks)).toEqual([20, 22]);
    expect(policy.namespaces.map(({ path }) => path)).toEqual(['/t/a']);
  });

  test('covers the namespaces that processing units are mapped to, with their policy', () => {
    const entries: Entry[] = [
      ...namespaces,
      {
        identity: 'namespacemappingpolicy',
        object: make('namespacemappingpolicy', '/t/a', 10, { subject: [['app=x']], mappedNamespace: 'x' }),
      },
      ruleset(11, '/t/a/x', [['app=far']]),
      ruleset(12, '/t/a', [['app=near']]),
      unit(256, '/t/b', ['app=far']),
    ];
    const { 'policy.json': policy, 'peers.json': named } = payloadsOf(entries, '/t/a');
    expect(policy.namespaces.map(({ path }) => path)).toEqual(['/t/a', '/t/a/x']);
    expect(policy.namespaceMappings).toMatchObject([{ mappedNamespace: '/t/a/x', namespace: '/t/a' }]);
    expect(policy.rulesets).toHaveLength(2);
    expect(named.identities).toHaveLength(1);
    expect(payloadsOf(entries, '/t/a/x')['policy.json'].rulesets).toHaveLength(1);
  });

  test('tells each enforcer of its namespace what to run', () => {
    const enforcer = (id: number, path: string): Entry => ({
      identity: 'enforcer',
      object: make('enforcer', path, id, { FQDN: 'a.example.com', logLevel: 'Debug' }),
    });
    const versioned: Entry = {
      identity: 'namespace',
      object: makeNamespace('/t', 1, { defaultEnforcerVersion: 'v1.2.3' }),
    };
    expect(
      payloadsOf(
        [...namespaces, versioned, enforcer(11, '/t/a'), enforcer(10, '/t/a'), enforcer(12, '/t/b')],
        '/t/a',
      )['directives.json'].enforcers,
    ).toMatchObject([
      { name: 'enforcer-10', targetVersion: 'v1.2.3', logLevel: 'Debug' },
      { name: 'enforcer-11', targetVersion: 'v1.2.3' },
    ]);
  });

  test('of a namespace that is not there is refused', () => {
    expect(() => compile(viewOf(namespaces), pathOf('/t/nowhere'))).toThrow(
      'no namespace `/t/nowhere` to compile',
    );
  });
});

describe('the peers of a bundle', () => {
  test('are the processing units that a rule names, each once, by ID', () => {
    expect(
      peers([
        ruleset(10, '/t/a', [['app=one'], ['env=p', 'app=two']]),
        unit(1002, '/t/b', ['app=one']),
        unit(1001, '/t/a', ['app=one', 'app=two', 'env=p']),
        unit(1003, '/t/a', ['app=two']),
      ]),
    ).toEqual([1001, 1002]);
  });

  test('are not named by rulesets that are disabled or do not apply', () => {
    expect(
      peers([
        ruleset(10, '/t/a', [['app=one']], { disabled: true }),
        ruleset(11, '/t', [['app=one']]),
        ruleset(12, '/t/b', [['app=one']]),
        unit(1001, '/t/a', ['app=one']),
      ]),
    ).toEqual([]);
  });

  test('are of the tenant, and not terminated', () => {
    const rules = ruleset(10, '/t/a', [['$identity=processingunit']]);
    expect(
      peers([
        rules,
        unit(1001, '/t', []),
        unit(1002, '/u', []),
        unit(1003, '/t/b', [], { operationalStatus: 'Terminated' }),
        unit(1004, '/t/b', [], { operationalStatus: 'Stopped' }),
      ]),
    ).toEqual([1001, 1004]);
  });

  test.each([
    [['app=*'], [1001, 1002]],
    [['app=o*'], [1001]],
    [['$namespace=/t/a'], [1001]],
    [['$namespace=/t/*'], [1001, 1002]],
    [['$namespace=/t/a', 'app=two'], []],
    [['$namespace=/t/b', 'app=t*'], [1002]],
    [['$name=processingunit-1002'], [1002]],
    [['app=nowhere'], []],
  ])('are found by %j', (clause, expected) => {
    expect(
      peers([
        ruleset(10, '/t/a', [clause]),
        unit(1001, '/t/a', ['app=one']),
        unit(1002, '/t/b', ['app=two']),
      ]),
    ).toEqual(expected);
  });

  test('are found among many, also after some have changed', () => {
    const many = Array.from({ length: 100 }, (_, at) =>
      unit(1000 + at, '/t/b', [`app=${at % 10}`, `n=${at}`]),
    );
    const view = viewOf([
      ...namespaces,
      ruleset(10, '/t/a', [['$namespace=/t/b', 'app=3'], ['n=7*']]),
      ...many,
    ]);
    const named = () =>
      JSON.stringify(read(compile(view, pathOf('/t/a')).payloads['peers.json'])).match(/"ID"/g)?.length;
    // app=3: ten of them; n=7 and n=70…79: eleven; n=73 is both.
    expect(named()).toBe(20);
    for (const { identity, object } of many.slice(0, 50)) view.remove(identity, object.ID);
    expect(named()).toBe(14);
    for (const { identity, object } of many.slice(0, 50)) view.put(identity, object);
    expect(named()).toBe(20);
  });

  test('show only the tags on the wire', () => {
    const strict: Entry = {
      identity: 'namespace',
      object: makeNamespace('/t/b', 4, { tagPrefixEnforcement: 'Enforce' }),
    };
    const entries = [
      ...namespaces,
      strict,
      ruleset(10, '/t/a', [['app=one'], ['zone=dmz']]),
      unit(1001, '/t/b', ['app=one', 'zone=dmz']),
      unit(1002, '/t/b', ['zone=dmz']),
      unit(1003, '/t/a', ['zone=dmz']),
    ];
    const { identities } = payloadsOf(entries, '/t/a')['peers.json'];
    expect(identities.map(({ tags }) => tags.filter(tag => !tag.startsWith('$')))).toEqual([
      ['app=one'],
      ['zone=dmz'],
    ]);
  });
});

describe('where the peers of a bundle live', () => {
  const scopes = (...clauses: string[][]) =>
    peerScopes(viewOf([...namespaces, ruleset(10, '/t/a', clauses)]), pathOf('/t/a'));

  test.each([
    [[['app=one']], ['/t below']],
    [[['app=one', '$namespace=/t/b']], ['/t/b']],
    [[['$namespace=/t/b/*']], ['/t/b below']],
    [[['$namespace=/t/b*']], ['/t below']],
    [
      [['$namespace=/t/a'], ['$namespace=/t/b']],
      ['/t/a', '/t/b'],
    ],
    [[['$namespace=/t/a'], ['$namespace=/t/a/*']], ['/t/a below']],
    [[['$namespace=/t/a/x'], ['$namespace=/t/a/*']], ['/t/a below']],
    [[['$namespace=/u/a'], ['$namespace=*']], ['/t below']],
    [[['$namespace=/u/a']], []],
    [[['$namespace=/t/a', '$namespace=/t/b']], []],
    [[['$identity=externalnetwork']], []],
    [[['$identity=processingunit']], ['/t below']],
  ])('is, for %j, %j', (clauses, expected) => {
    expect(
      scopes(...clauses).map(({ namespace, recursive }) => `${namespace}${recursive ? ' below' : ''}`),
    ).toEqual(expected);
  });

  test('is nowhere when there are no rules', () => {
    expect(peerScopes(viewOf(namespaces), pathOf('/t/a'))).toEqual([]);
  });

  test('holds every peer: a view of no more compiles to the same bytes', () => {
    fc.assert(
      fc.property(tenant, random => {
        const entries = entriesOf(random);
        const whole = viewOf(entries);
        for (const path of ['/t', '/t/a', '/t/a/x', '/t/b', '/u'].map(pathOf)) {
          const wanted = peerScopes(whole, path);
          const part = entries.filter(
            ({ identity, object }) =>
              identity !== 'processingunit' ||
              wanted.some(({ namespace, recursive }) =>
                recursive
                  ? `${object.namespace}/`.startsWith(`${namespace}/`)
                  : object.namespace === namespace,
              ),
          );
          expect(compile(viewOf(part), path)).toEqual(compile(whole, path));
        }
      }),
      { numRuns: 30 },
    );
  });
});
