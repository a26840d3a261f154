import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { DEEPEST } from '../../../shared/core/filter/parse.ts';
import { meaningOf } from '../../../shared/core/rql/meaning.ts';
import { readQuery } from '../../../shared/core/rql/read.ts';
import { Failure } from '../../../shared/schema/failure.ts';
import { FlowReport } from '../../../shared/schema/flowreport.ts';

const NOW = new Date('2026-03-01T12:00:00.000Z');
const record = (more: object = {}): FlowReport =>
  FlowReport.parse({
    timestamp: '2026-03-01T11:30:00.000Z',
    ID: '1'.repeat(24),
    action: 'Reject',
    sourceID: 'source',
    sourceType: 'ProcessingUnit',
    sourceIP: '10.1.2.3',
    sourceName: "it's web",
    destinationID: 'somewhere',
    destinationType: 'ExternalNetwork',
    destinationIP: '2001:db8::1',
    destinationPort: 443,
    protocol: 6,
    policyID: 'default',
    policyNamespace: '/t',
    namespace: '/t/a',
    value: 3,
    ...more,
  });
const passes = (query: string, one = record()): boolean => meaningOf(readQuery(query), NOW)(one);
const refusal = (query: string): string => {
  try {
    passes(query);
  } catch (error) {
    if (error instanceof Failure && error.kind === 'bad_request') {
      expect(error.details[0]?.data).toMatchObject({ attribute: 'query' });
      return error.message;
    }
    throw error;
  }
  throw new Error(`\`${query}\` was taken`);
};

describe('a record passes', () => {
  test.each([
    [
      "network from microseg.flow_record where action = 'Reject' and destinationType = 'ExternalNetwork'",
      true,
    ],
    ["network from microseg.flow_record where action = 'Accept' and destinationPort = 443", false],
    // Without a space before `and`, as in the original's own example.
    [
      "network from microseg.flow_record where action = 'Reject'and destinationPort = 443and protocol=6",
      true,
    ],
    ['NETWORK FROM microseg.flow_record WHERE Action = REJECT', true],
    ['network from microseg.flow_record', true],
    ['', true],
    ['action = reject or action = accept and destinationPort = 22', true],
    ['(action = reject or action = accept) and destinationPort = 22', false],
    ['action = accept and destinationPort = 22 or value > 2', true],
    ['not action = accept', true],
    ['not (action = reject and value >= 3)', false],
    ['not not value = 3', true],
    ['destinationPort in (22, 443)', true],
    ["destinationPort not in (22, '443')", false],
    ["sourceName = 'it\\'s web'", true],
    ["sourceName contains 'web'", true],
    ["sourceName CONTAIN 'w.b'", false],
    ["sourceName not contains 'web'", false],
    ["sourceName matches '^it.s w[a-e]+$'", true],
    ["sourceName not matches 'db'", true],
    ['sourceIP = 10.0.0.0/8', true],
    ["sourceIP = '10.1.2.3'", true],
    ["sourceIP != '10.0.0.0/8'", false],
    ['sourceIP in (192.0.2.0/24, 10.1.0.0/16)', true],
    ['destinationIP = 2001:db8:0:0::/32', true],
    ['destinationIP = 2001:DB8:0::1', true],
    ['destinationIP = 10.0.0.0/8', false],
    ['protocol = tcp', true],
    ['protocol = 17', false],
    ['protocol in (udp, TCP)', true],
    ["timestamp >= '2026-03-01 11:00' and timestamp < '2026-03-01T12:00:00Z'", true],
    ["timestamp > '-10m'", false],
    ['encrypted = false', true],
    ['ruleName = web', false],
    ['ruleName != web', true],
  ])('%s: %s', (query, expected) => expect(passes(query)).toBe(expected));
});

describe('a query is refused', () => {
  test.each([
    ['action = Allow', 'query, character 1: action is one of Accept, Reject, never `Allow`'],
    ['port = 22', 'flowreport has no attribute `port`'],
    ['destinationPort = ssh', 'destinationPort is a number, `ssh` is none'],
    ['sourceIP = 10.0.0', 'sourceIP is an address; `10.0.0` is neither one nor a network'],
    ['sourceIP > 10.0.0.1', 'sourceIP has no order'],
    ["resolvedName matches '('", 'flowreport has no attribute `resolvedName`'],
    ["sourceName matches '('", 'is no pattern in RE2 syntax'],
    ["sourceName = 'web", 'a single quote is not closed'],
    ['action =', 'expected a value'],
    ['action = reject and', 'found the end'],
    ['config from cloud.resource where x = 1', 'query, character 8'],
    ['network from microseg.dns_log where action = reject', 'there are no reports of `microseg.dns_log`'],
    [`${'('.repeat(DEEPEST + 1)}value = 1${')'.repeat(DEEPEST + 1)}`, 'nested more than'],
    [`${'not '.repeat(DEEPEST + 1)}value = 1`, 'nested more than'],
    [`value in (${'1, '.repeat(2000)}1)`, '4096 are read'],
  ])('%s', (query, reason) => expect(refusal(query)).toContain(reason));
});

it('brackets and not may stand beside one another as often as wanted', () => {
  expect(passes(Array.from({ length: 100 }, () => '(not value = 1)').join(' and '))).toBe(true);
});

/** Conditions as text, and what they mean by definition. */
type Condition = { text: string; holds(one: FlowReport): boolean };
const simple: fc.Arbitrary<Condition> = fc.oneof(
  fc.nat(3).map(port => ({
    text: `destinationPort = ${port}`,
    holds: (one: FlowReport) => one.destinationPort === port,
  })),
  fc.nat(3).map(port => ({
    text: `destinationPort != ${port}`,
    holds: (one: FlowReport) => one.destinationPort !== port,
  })),
  fc.nat(3).map(value => ({ text: `value <= ${value}`, holds: (one: FlowReport) => one.value <= value })),
  fc.constant<Condition>({ text: 'action = Accept', holds: (one: FlowReport) => one.action === 'Accept' }),
);
const { condition } = fc.letrec<{ condition: Condition }>(tie => {
  const joined = (word: 'and' | 'or') =>
    fc.array(tie('condition'), { minLength: 2, maxLength: 3 }).map(of => ({
      text: `(${of.map(({ text }) => text).join(` ${word} `)})`,
      holds: (one: FlowReport) =>
        word === 'and' ? of.every(each => each.holds(one)) : of.some(each => each.holds(one)),
    }));
  const negated = tie('condition').map(of => ({
    text: `not ${of.text}`,
    holds: (one: FlowReport) => !of.holds(one),
  }));
  return { condition: fc.oneof({ maxDepth: 4 }, simple, joined('and'), joined('or'), negated) };
});

it('and, or and not mean what they say: a law', () => {
  const flow = fc.record({
    destinationPort: fc.nat(3),
    value: fc.integer({ min: 1, max: 4 }),
    action: fc.constantFrom('Accept', 'Reject'),
  });
  fc.assert(
    fc.property(condition, flow, ({ text, holds }, more) => {
      const one = record(more);
      expect(passes(text, one), text).toBe(holds(one));
    }),
  );
});
