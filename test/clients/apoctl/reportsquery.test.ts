import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ControlPlane, startControlPlane } from '../../../local/control-plane.ts';
import { systemClock } from '../../../shared/adapters/local/clock.ts';
import { createClient, credentialToken } from '../../../shared/api/client.ts';
import { Credential } from '../../../shared/schema/appcredential.ts';
import { type DataDirectory, dataDirectory } from '../../make/data-directory.ts';
import { quiet } from '../../make/state-machine.ts';
import { type Terminal, terminal } from './terminal.ts';

const ACME = '/acme';
let directory: DataDirectory;
let plane: ControlPlane;
let user: Terminal;

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

beforeAll(async () => {
  directory = dataDirectory();
  plane = await startControlPlane({ data: directory.path, host: '127.0.0.1', port: 0, log: quiet });
  user = await terminal({ APOCTL_CREDS: plane.administrator, APOCTL_NAMESPACE: ACME });
  await user.type('api', 'create', 'namespace', '-n', '/', '-k', 'name', 'acme', '-k', 'type', 'Tenant');
  const credential = Credential.parse(JSON.parse(readFileSync(plane.administrator, 'utf8')));
  const token = credentialToken(credential, { now: Date.now, randomBytes: systemClock.randomBytes });
  const client = createClient({ api: credential.APIURL, token });
  const recent = Array.from({ length: 2500 }, (_, at) => flow(at, 1));
  const body = [...recent, flow(9000, 90)] as never;
  await client.call('createFlowReports', { namespace: ACME, body });
});
afterAll(async () => {
  await user.leave();
  await plane.stop();
  await directory.stop();
});

const rules = (out: string): string[] =>
  (JSON.parse(out) as { ruleName: string }[]).map(({ ruleName }) => ruleName);

describe('apoctl reportsquery flows', () => {
  test('finds records by RQL, across pages, as many as are wanted', async () => {
    const query = ['reportsquery', 'flows', "action = Reject and sourceIP = '192.0.2.0/24'"];
    const all = await user.type(...query, '-l', '5000');
    expect([all.code, all.err]).toEqual([0, '']);
    expect(new Set(rules(all.out)).size).toBe(1250);
    const some = await user.type(...query);
    expect(rules(some.out)).toHaveLength(1000);
    expect(some.err).toContain(
      'there are more than 1000 records; these are the newest. Raise -l, or narrow the query',
    );
  });

  test('takes a window of time, and looks at the last hour without one', async () => {
    const old = ['reportsquery', 'flows', 'ruleName = r9000'];
    expect(rules((await user.type(...old)).out)).toEqual([]);
    expect(rules((await user.type(...old, '--from-rel', '2h')).out)).toEqual(['r9000']);
    expect(rules((await user.type(...old, '--from', ago(100), '--to', ago(80))).out)).toEqual(['r9000']);
    expect(rules((await user.type(...old, '--from-rel', '2h', '--to-rel', '1h50m')).out)).toEqual([]);
  });

  test('takes the language of filters instead, or no condition at all', async () => {
    const { out } = await user.type('reportsquery', 'flows', '-f', 'ruleName == r7', '-f', 'ruleName == r8');
    expect(rules(out).toSorted()).toEqual(['r7', 'r8']);
    expect(rules((await user.type('reportsquery', 'flows', '-l', '3')).out)).toHaveLength(3);
  });

  test('shows a table that fits people, or the columns that are named', async () => {
    const query = ['reportsquery', 'flows', 'ruleName = r7', '-o', 'table'];
    expect((await user.type(...query)).out).toMatch(
      /^timestamp +action +sourceName +sourceIP +destinationName +destinationIP +destinationPort +protocol +policyID +value\n\S+Z +Accept +192\.0\.2\.7 /,
    );
    expect((await user.type(...query, '-c', 'rulename')).out).toBe('ruleName\nr7\n');
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
    const { code, err } = await user.type('reportsquery', 'flows', ...words);
    expect([code, err]).toEqual([status, expect.stringContaining(why)]);
  });
});
