import { describe, expect, test } from 'vitest';
import { inAcme } from './in-acme.ts';

const ACME = '/acme';

const ago = (minutes: number): string => new Date(Date.now() - minutes * 60_000).toISOString();
const flow = (at: number, minutes: number) => ({
  timestamp: ago(minutes),
  action: at % 2 === 0 ? 'Reject' : 'Accept',
  sourceID: 'a',
  sourceType: 'ExternalNetwork',
  sourceIP: `192.0.2.${at % 250}`,
  destinationID: 'b',
  destinationType: 'ProcessingUnit',
  destinationIP: '10.0.0.7',
  destinationPort: 22,
  protocol: 6,
  policyID: 'default',
  policyNamespace: ACME,
  namespace: ACME,
  ruleName: `r${at}`,
  value: 1,
});

const acme = inAcme((_, client) => {
  const recent = Array.from({ length: 2500 }, (_, at) => flow(at, 1));
  const body = [...recent, flow(9000, 90)] as never;
  return client.call('createFlowReports', { namespace: ACME, body });
});

const rules = (out: string): string[] =>
  (JSON.parse(out) as { ruleName: string }[]).map(({ ruleName }) => ruleName);

describe('apoctl reportsquery flows', () => {
  test('finds records by RQL, across pages, as many as are wanted', async () => {
    const query = ['reportsquery', 'flows', "action = Reject and sourceIP = '192.0.2.0/24'"];
    const all = await acme.user.type(...query, '-l', '5000');
    expect([all.code, all.err]).toEqual([0, '']);
    expect(new Set(rules(all.out)).size).toBe(1250);
    const some = await acme.user.type(...query);
    expect(rules(some.out)).toHaveLength(1000);
    expect(some.err).toContain(
      'there are more than 1000 records; these are the newest. Raise -l, or narrow the query',
    );
  });

  test('takes a window of time, and looks at the last hour without one', async () => {
    const old = ['reportsquery', 'flows', 'ruleName = r9000'];
    expect(rules((await acme.user.type(...old)).out)).toEqual([]);
    expect(rules((await acme.user.type(...old, '--from-rel', '2h')).out)).toEqual(['r9000']);
    expect(rules((await acme.user.type(...old, '--from', ago(100), '--to', ago(80))).out)).toEqual(['r9000']);
    expect(rules((await acme.user.type(...old, '--from-rel', '2h', '--to-rel', '1h50m')).out)).toEqual([]);
  });

  test('takes the language of filters instead, or no condition at all', async () => {
    const { out } = await acme.user.type(
      'reportsquery',
      'flows',
      '-f',
      'ruleName == r7',
      '-f',
      'ruleName == r8',
    );
    expect(rules(out).toSorted()).toEqual(['r7', 'r8']);
    expect(rules((await acme.user.type('reportsquery', 'flows', '-l', '3')).out)).toHaveLength(3);
  });

  test('shows a table that fits people, or the columns that are named', async () => {
    const query = ['reportsquery', 'flows', 'ruleName = r7', '-o', 'table'];
    expect((await acme.user.type(...query)).out).toMatch(
      /^timestamp +action +sourceName +sourceIP +destinationName +destinationIP +destinationPort +protocol +policyID +value\n\S+Z +Accept +192\.0\.2\.7 /,
    );
    expect((await acme.user.type(...query, '-c', 'rulename')).out).toBe('ruleName\nr7\n');
  });

  test.each([
    [['action = Allow'], 1, 'query, character 1: action is one of Accept, Reject, never `Allow`'],
    [
      ['action = Reject', '-f', 'value == 1'],
      2,
      'a query and -f are two languages for the same; give one of them',
    ],
    [['--from-rel', 'yesterday'], 1, 'startRelative'],
    [['-c', 'colour'], 2, 'flowreports have no attribute `colour`'],
  ])('%j is refused with %i', async (words, status, why) => {
    const { code, err } = await acme.user.type('reportsquery', 'flows', ...words);
    expect([code, err]).toEqual([status, expect.stringContaining(why)]);
  });
});
