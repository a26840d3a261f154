import { expect, test } from 'vitest';
import { openersIn } from '../../../../clients/enforcer/connections/openers.ts';

const line = (ends: string, counts: string) =>
  `ESTAB 0      0      ${ends} cubic wscale:7,7 rto:204 ${counts} segs_out:2`;

test.each<[string, string, string, boolean | undefined]>([
  ['nothing sent by the opener', '10.0.0.1:50000 10.0.0.2:50001', 'bytes_acked:1', true],
  ['nothing sent by the other', '10.0.0.1:50000 10.0.0.2:50001', '', false],
  ['much sent by the opener', '10.0.0.1:50000 10.0.0.2:50001', 'bytes_sent:10 bytes_acked:11', true],
  ['much sent by the other', '10.0.0.1:50000 10.0.0.2:50001', 'bytes_sent:56 bytes_acked:56', false],
  [
    'some of it sent twice',
    '10.0.0.1:50000 10.0.0.2:50001',
    'bytes_sent:70 bytes_retrans:14 bytes_acked:56',
    false,
  ],
  ['some on its way', '10.0.0.1:50000 10.0.0.2:50001', 'bytes_sent:70 bytes_acked:56 unacked:1', undefined],
  ['a kernel that counts less', '10.0.0.1:50000 10.0.0.2:50001', 'bytes_acked:4711', undefined],
  ['IPv4 in the clothes of IPv6', '[::ffff:10.0.0.1]:50000 [::ffff:10.0.0.2]:50001', 'bytes_acked:1', true],
  ['an interface beside the address', '10.0.0.1%eth0:50000 10.0.0.2:50001', 'bytes_acked:1', true],
])('%s', (_, ends, counts, opened) => {
  const found = openersIn(`${line(ends, counts)}\n`);
  expect(found.get('10.0.0.1 50000 > 10.0.0.2 50001')).toBe(opened);
});

test('IPv6, and what is no connection', () => {
  const found = openersIn(
    `${line('[2001:db8::1]:50000 [2001:DB8::2]:50001', 'bytes_acked:1')}\nnonsense\n\n`,
  );
  expect([...found]).toEqual([['2001:db8::1 50000 > 2001:db8::2 50001', true]]);
});
