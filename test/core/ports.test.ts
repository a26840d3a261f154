import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  canonicalPorts,
  intersectPorts,
  portsMatch,
  printPorts,
  printTraffic,
} from '../../shared/core/ports.ts';
import { parseProtocolPorts } from '../../shared/schema/protocol-ports.ts';
import { traffic } from './random-tenant.ts';

const range = (highest: number) =>
  fc
    .tuple(fc.nat(highest), fc.nat(highest))
    .map(([a, b]) => (a === b ? `${a}` : `${Math.min(a, b)}:${Math.max(a, b)}`));

/** Close to where the traffic of the tests lies, so that sets meet. */
const entry = fc.oneof(
  range(500).map(ports => `tcp/${ports}`),
  range(100).map(ports => `udp/${ports}`),
  fc.constantFrom('icmp', 'icmp6', 'esp', 'gre'),
  fc
    .tuple(fc.constantFrom('icmp/3', 'icmp/8', 'icmp6/128'), fc.array(range(9), { maxLength: 2 }))
    .map(([type, codes]) => (codes.length > 0 ? `${type}/${codes.join(',')}` : type)),
);
const set = fc.oneof(
  { weight: 1, arbitrary: fc.constant('any' as const) },
  {
    weight: 6,
    arbitrary: fc.array(entry, { minLength: 1, maxLength: 5 }).map(list => parseProtocolPorts(list)),
  },
);

describe('the intersection of ports', () => {
  test('holds exactly what both hold', () => {
    fc.assert(
      fc.property(set, set, traffic, (a, b, one) => {
        expect(portsMatch(intersectPorts(a, b), one)).toBe(portsMatch(a, one) && portsMatch(b, one));
      }),
    );
  });

  test('does not depend on the order', () => {
    fc.assert(
      fc.property(set, set, set, (a, b, c) => {
        expect(intersectPorts(a, b)).toEqual(intersectPorts(b, a));
        expect(intersectPorts(intersectPorts(a, b), c)).toEqual(intersectPorts(a, intersectPorts(b, c)));
      }),
    );
  });

  test('with itself and with any is the same set', () => {
    fc.assert(
      fc.property(set, a => {
        expect(intersectPorts(a, a)).toEqual(canonicalPorts(a));
        expect(intersectPorts(a, 'any')).toEqual(canonicalPorts(a));
      }),
    );
  });

  test.each([
    [['tcp/22'], ['udp/53'], []],
    [['tcp/1:100'], ['tcp/50:200', 'tcp/10'], ['tcp/10', 'tcp/50:100']],
    [['icmp/3/0:5'], ['icmp'], ['icmp/3/0:5']],
    [['icmp/3'], ['icmp/3/0:255'], ['icmp/3']],
    [['icmp/3/1,2,4'], ['icmp/3/2:4'], ['icmp/3/2,4']],
    [['icmp/3'], ['icmp/8'], []],
    [['ESP', 'tcp/80'], ['esp'], ['esp']],
    [['TCP/80:81', 'tcp/82'], ['any'], ['tcp/80:82']],
  ])('of %j and %j is %j', (a, b, both) => {
    expect(printPorts(intersectPorts(parseProtocolPorts(a), parseProtocolPorts(b)))).toEqual(both);
  });
});

describe('ports in words', () => {
  test('are read back as the same set', () => {
    fc.assert(
      fc.property(set, a => {
        expect(canonicalPorts(parseProtocolPorts(printPorts(a)))).toEqual(canonicalPorts(a));
      }),
    );
  });

  test('name the traffic as a rule would', () => {
    expect(printTraffic({ kind: 'ports', protocol: 6, port: 443 })).toBe('tcp/443');
    expect(printTraffic({ kind: 'icmp', protocol: 58, type: 128, code: 0 })).toBe('icmp6/128/0');
    expect(printTraffic({ kind: 'protocol', protocol: 50 })).toBe('esp');
    expect(printTraffic({ kind: 'protocol', protocol: 200 })).toBe('200');
  });
});
