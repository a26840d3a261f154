import { expect, test } from 'vitest';
import { Endings, readEnding } from '../../../../clients/enforcer/flows/endings.ts';

/** Printed by conntrack 1.4.7. */
const ENDED =
  '[1795628896.297682]\t[DESTROY] ipv6     10 tcp      6 120 CLOSE src=::1 dst=::2 sport=60114 dport=82 packets=1 bytes=80 [UNREPLIED] src=::2 dst=::1 sport=82 dport=60114 packets=1 bytes=60 mark=23 delta-time=7 id=3079931026';
const BEGUN =
  '[1795628896.298708]\t    [NEW] ipv4     2 udp      17 30 src=127.0.0.1 dst=127.0.0.1 sport=56503 dport=53 [UNREPLIED] src=127.0.0.1 dst=127.0.0.1 sport=53 dport=56503 mark=23 id=1287082180';

test('an ending tells bytes both ways and seconds', () => {
  expect(readEnding(ENDED)).toEqual({ bytes: 140, seconds: 7 });
  // Without nf_conntrack_acct and nf_conntrack_timestamp.
  expect(readEnding(ENDED.replace(/ packets=1 bytes=\d+| delta-time=7/g, ''))).toEqual({
    bytes: 0,
    seconds: 0,
  });
  expect(readEnding(BEGUN)).toBeUndefined();
  expect(readEnding('[DESTROY] nonsense')).toBeUndefined();
});

test('sums up, however the output is cut', () => {
  const endings = new Endings();
  const output = Buffer.from(`${ENDED}\n${BEGUN}\n${ENDED}\n`);
  for (const byte of output) endings.push(Buffer.from([byte]));
  expect(endings.sum).toEqual({ ended: 2, bytes: 280, seconds: 14 });
});
