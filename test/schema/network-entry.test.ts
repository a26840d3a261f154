import fc from 'fast-check';
import ipaddr from 'ipaddr.js';
import { describe, expect, test } from 'vitest';
import type { z } from 'zod';
import { contains, parseAddress, parseCidr } from '../../shared/schema/cidr.ts';
import {
  CidrList,
  NetworkEntries,
  parseNetworkEntries,
  UnicastCidrList,
} from '../../shared/schema/network-entry.ts';

const problems = (schema: z.ZodType, list: unknown): string[] =>
  schema.safeParse(list).error?.issues.map(issue => issue.message) ?? [];

describe('a `!` network', () => {
  const part = fc.constantFrom(
    '10.0.0.0/8',
    '10.0.0.0/9',
    '10.64.0.0/10',
    '10.0.0.1',
    '0.0.0.0/0',
    '192.0.2.0/24',
    '::/0',
    '2001:db8::/32',
    '2001:db8::1',
  );
  test('is refused exactly when no other entry contains it', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(part, { minLength: 1, maxLength: 5 }),
        fc.infiniteStream(fc.boolean()),
        (parts, excluded) => {
          const list = parts.map(text => ({
            text,
            cidr: parseCidr(text),
            isExcluded: excluded.next().value,
          }));
          const alone = list.filter(
            one =>
              one.isExcluded &&
              !list.some(
                other => !other.isExcluded && other.cidr && one.cidr && contains(other.cidr, one.cidr),
              ),
          );
          const found = problems(
            CidrList,
            list.map(({ text, isExcluded }) => `${isExcluded ? '!' : ''}${text}`),
          );
          expect(found.filter(message => message.includes('no entry includes'))).toHaveLength(alone.length);
        },
      ),
    );
  });
});

describe('entries of an external network', () => {
  test.each([
    [['10.10.10.10/32']],
    [['10.10.10.2/16', '0.0.0.0/0']],
    [['!10.10.10.10/32', '!10.10.10.0/24', '!10.10.0.0/16', '!10.0.0.0/8', '0.0.0.0/0']],
    [['10.10.10.10/32', '!10.10.10.0/24', '10.10.0.0/16', '!10.0.0.0/8', '0.0.0.0/0']],
    [['2001:db8::/64', '!2001:db8::/128']],
    [['2001:db8::/128', '2001:db8::/64', '2001:db8::/32', '2001:db8::/16', '::/0']],
    [['google.com', '0.0.0.0/0', '!10.0.0.0/8']],
    [['*.google.com', '_sip._tcp.example.com', 'localhost', 'trailing.dot.', 'a_.']],
    [['10.100.0.1', '2001:db8::1']],
  ])('may be %j', list => {
    expect(problems(NetworkEntries, list)).toEqual([]);
    expect(parseNetworkEntries(list)).toHaveLength(list.length);
  });

  test.each([
    [[], 'at least one'],
    [['!10.0.0.0/8'], 'leaves out a network that no entry includes'],
    [['google.com', '!10.0.0.0/8'], 'leaves out a network that no entry includes'],
    [['::/0', '!10.0.0.0/8'], 'such as 0.0.0.0/0'],
    [['2001:db8::/64', '!2001:db8::/32'], 'such as ::/0'],
    [['10.10.10.0/16', '!10.10.10.10/8'], 'leaves out a network'],
    [['0.0.0.0/0', '10.10.10.2/16', '10.10.10.4/16'], 'is the same network as `10.10.10.2/16`'],
    [['0.0.0.0/0', '!10.10.10.2/16', '10.10.10.4/16'], 'is the same network as `!10.10.10.2/16`'],
    [['10.1.2.3', '10.1.2.3/32'], 'is the same network'],
    [['!!10.0.0.0/8'], 'more than one `!`'],
    [['10.10.10.10/ss'], 'is not a CIDR'],
    [['10.10.10.10/33'], 'is not a CIDR'],
    [['10.10.10/24'], 'is not a CIDR'],
    [['10.0.0.0/8/8'], 'is not a CIDR'],
    [['2001:db8:/64'], 'is not a CIDR'],
    [['fe80::1%eth0'], 'is not a CIDR'],
    [['!www.example.com'], 'is not a CIDR'],
    [['300.1.1.1'], 'looks like an address but is none'],
    [['10.1'], 'looks like an address but is none'],
    [['010.1.1.1'], 'looks like an address but is none'],
    [['google@com'], 'neither a CIDR'],
    [['a..b'], 'neither a CIDR'],
    [['*.*.example.com'], 'neither a CIDR'],
    [['www.*.com'], 'neither a CIDR'],
    [[`${'a'.repeat(64)}.com`], 'neither a CIDR'],
    [[''], 'neither a CIDR'],
  ])('are not %j: %s', (list, advice) => {
    const found = problems(NetworkEntries, list);
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(advice);
    const bad = list.find(text => found[0]?.includes(`\`${text}\``));
    expect(list.length === 0 || bad !== undefined).toBe(true);
  });

  test('are read without case and without the trailing dot', () => {
    expect(parseNetworkEntries(['*.Example.COM.'])).toEqual([
      { kind: 'name', name: 'example.com', wildcard: true },
    ]);
  });
});

describe('lists of CIDRs', () => {
  test('may be empty, and are when left out', () => {
    expect(CidrList.parse(undefined)).toEqual([]);
    expect(UnicastCidrList.parse([])).toEqual([]);
  });

  test('hold no names', () => {
    expect(problems(CidrList, ['invalid'])[0]).toContain('`invalid` is not a CIDR');
  });

  test.each([
    [['0.0.0.0/0', '!224.0.0.0/4']],
    [['0.0.0.0/0', '!10.0.0.0/8', '!224.0.0.0/4']],
    [['0.0.0.0/0', '!128.0.0.0/1']],
    [['10.0.0.0/8', '2001:db8::/32']],
    [['::/0', '!ff00::/8']],
  ])('without multicast: %j', list => {
    expect(problems(UnicastCidrList, list)).toEqual([]);
  });

  test.each([
    [['0.0.0.0/0']],
    [['0.0.0.0/0', '128.0.0.0/1']],
    [['0.0.0.0/0', '!224.0.0.0/4', '239.1.0.0/16']],
    [['224.0.0.251/32']],
    [['::/0']],
    [['ff02::fb/128']],
  ])('with multicast, refused: %j', list => {
    expect(problems(UnicastCidrList, list)[0]).toContain('reaches into multicast');
    expect(problems(CidrList, list)).toEqual([]);
  });
});

describe('addresses and networks', () => {
  const v4 = fc.ipV4();
  const v6 = fc.ipV6();

  test('contain what an independent library says they contain', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.tuple(v4, v4, fc.nat(32)), fc.tuple(v6, v6, fc.nat(128))),
        ([network, address, length]) => {
          const outer = parseCidr(`${network}/${length}`);
          const inner = parseAddress(address);
          const base = ipaddr.parse(network);
          const host = ipaddr.parse(address);
          fc.pre(
            base.kind() === 'ipv4' ||
              ![base, host].some(one => 'isIPv4MappedAddress' in one && one.isIPv4MappedAddress()),
          );
          expect(outer && inner && contains(outer, inner)).toBe(host.match(base, length));
        },
      ),
    );
  });

  test('take IPv4 in IPv6 clothes for IPv4', () => {
    expect(parseAddress('::ffff:10.0.0.1')).toEqual(parseAddress('10.0.0.1'));
    expect(parseCidr('::ffff:10.0.0.0/104')).toEqual(parseCidr('10.0.0.0/8'));
    expect(parseCidr('::ffff:10.0.0.0/40')).toBeUndefined();
  });
});
