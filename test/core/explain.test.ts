import { expect, test } from 'vitest';
import type { Flow, UnitEnd } from '../../shared/core/decision.ts';
import { evaluate, policiesOf } from '../../shared/core/evaluate.ts';
import { describe } from '../../shared/core/explain.ts';
import type { Tag } from '../../shared/schema/tag.ts';
import { type Entry, make, makeNamespace, pathOf, viewOf } from './objects.ts';

const entries: Entry[] = [
  { identity: 'namespace', object: makeNamespace('/t', 1, { defaultPUOutgoingTrafficAction: 'Allow' }) },
  { identity: 'namespace', object: makeNamespace('/t/a', 2, { tagPrefixEnforcement: 'Enforce' }) },
  {
    identity: 'networkrulesetpolicy',
    object: make('networkrulesetpolicy', '/t', 10, {
      name: 'web',
      propagate: true,
      subject: [['app=db']],
      incomingRules: [
        { object: [['app=web']], protocolPorts: ['tcp/443'], name: 'https' },
        { object: [['app=web']], protocolPorts: ['tcp/22'], observationEnabled: true },
        { action: 'Reject', object: [['externalnetwork:name=bad', '$identity=externalnetwork']] },
      ],
    }),
  },
  {
    identity: 'externalnetwork',
    object: make('externalnetwork', '/t', 20, {
      name: 'bad',
      propagate: true,
      entries: ['192.0.2.0/24'],
      associatedTags: ['externalnetwork:name=bad'],
    }),
  },
];
const policies = policiesOf(viewOf(entries));
const unit = (...tags: string[]): UnitEnd => ({
  kind: 'processing unit',
  namespace: pathOf('/t/a'),
  tags: tags as Tag[],
});
const tcp = (port: number): Flow['traffic'] => ({ kind: 'ports', protocol: 6, port });
const [web, db] = [unit('app=web', 'zone=x'), unit('app=db')];

test('a rule is named with its ruleset, its namespace and what it names', () => {
  expect(describe(evaluate({ from: web, to: db, traffic: tcp(443) }, policies))).toEqual({
    source:
      'allowed: no rule names the peer on tcp/443, and the default for outgoing traffic in /t/a, set in /t, is Allow; zone=x counts for nothing, because no tag prefix of /t/a lists it',
    destination:
      'allowed: incoming rule 1 (`https`) of ruleset `web` in /t (propagated) names processing unit tags app=web on tcp/443',
  });
});

test('an external network is named with the entry that holds the peer', () => {
  expect(
    describe(
      evaluate({ from: { kind: 'network', address: '192.0.2.9' }, to: db, traffic: tcp(1) }, policies),
    ),
  ).toEqual({
    destination:
      'rejected: incoming rule 3 of ruleset `web` in /t (propagated) names external network `bad` (192.0.2.0/24) by $identity=externalnetwork and externalnetwork:name=bad on tcp/1',
  });
});

test('what an observed rule would do is said beside it', () => {
  expect(describe(evaluate({ from: web, to: db, traffic: tcp(22) }, policies)).destination).toBe(
    'rejected: no rule names the peer on tcp/22, and the default for incoming traffic in /t/a, set in /, is Reject; if observed rules counted, it would be allowed: incoming rule 2 of ruleset `web` in /t (propagated) names processing unit tags app=web',
  );
});

test('a packet that cannot be is refused', () => {
  expect(() => evaluate({ from: web, to: db, traffic: tcp(70_000) }, policies)).toThrow(
    'ports go up to 65535',
  );
});

test('a policy is asked only about namespaces that it covers', () => {
  expect(() => policies(pathOf('/t')).at(pathOf('/t/a'))).toThrow('does not cover `/t/a`');
});
