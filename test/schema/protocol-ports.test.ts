import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Failure } from '../../shared/schema/failure.ts';
import { ProtocolPorts, parseProtocolPorts } from '../../shared/schema/protocol-ports.ts';
import { protocolName, protocolNumber } from '../../shared/schema/protocols.ts';

const messages = (list: string[]): string[] => {
  const read = ProtocolPorts.safeParse(list);
  return read.success ? [] : read.error.issues.map(issue => issue.message);
};

describe('ports of a rule', () => {
  test.each([
    [[]],
    [['any']],
    [['aNy']],
    [['tcp/80', 'udp/80', 'icmp', 'ISIS']],
    [['tcp/0', 'udp/0']],
    [['tcp/0:65535', 'udp/0:65535']],
    [['icmp6']],
    [['icmp/0', 'icmp/255']],
    [['icmp/8/0', 'icmp/2/3:10', 'icmp/2/2,3:10', 'icmp/2/3,5,20,40']],
    [['GRE', 'SCTP', 'ESP', 'VRRP', 'OSPF', 'L2TP', 'IPIP']],
    [['A/N', 'TP++', 'AX.25', 'Mobility Header']],
  ])('may be %j', list => {
    expect(messages(list)).toEqual([]);
    expect(() => parseProtocolPorts(list)).not.toThrow();
  });

  test.each([
    ['tcp', 'write tcp/80'],
    ['udp/', 'write udp/80'],
    ['tcp/80/90', 'one entry for each'],
    ['tcp/80,90', 'one entry for each'],
    ['tcp/80:80', 'the lower port first'],
    ['tcp/90:80', 'the lower port first'],
    ['udp/90:800000', '0 to 65535'],
    ['tcp/65536', '0 to 65535'],
    ['tcp/-1', '0 to 65535'],
    ['tcp/1-3', '0 to 65535'],
    ['tcp/1:2:3', '0 to 65535'],
    ['tcp/ 80', '0 to 65535'],
    ['icmp/', 'icmp/<type>'],
    ['icmp6/', 'icmp6/<type>'],
    ['icmp/256', 'icmp/<type>'],
    ['icmp/9090', 'icmp/<type>'],
    ['icmp/2,3', 'icmp/<type>'],
    ['icmp/2:3', 'icmp/<type>'],
    ['icmp/2/3:', 'icmp/<type>/<codes>'],
    ['icmp/2/3/5', 'icmp/<type>/<codes>'],
    ['icmp/2/3:1', 'icmp/<type>/<codes>'],
    ['icmp/2/3:10:20', 'icmp/<type>/<codes>'],
    ['icmp/2/3:256', 'icmp/<type>/<codes>'],
    ['icmp/2/256:256', 'icmp/<type>/<codes>'],
    ['isis/9090', 'write isis alone'],
    ['6/80', 'write its name'],
    ['6/90:8000', 'write its name'],
    ['88', 'has no protocol'],
    ['90:8000', 'has no protocol'],
    ['', 'is empty'],
    ['nope', 'is no protocol'],
    [' tcp/80', 'is no protocol'],
  ])('are not %j: %s', (text, advice) => {
    const [message, ...more] = messages([text]);
    expect(message).toContain(`\`${text}\``);
    expect(message).toContain(advice);
    expect(more).toEqual([]);
    expect(() => parseProtocolPorts([text])).toThrow(Failure);
  });

  test('name the entry that is wrong', () => {
    const read = ProtocolPorts.safeParse(['tcp/80', 'udp', 'nope']);
    expect(read.error?.issues.map(issue => issue.path)).toEqual([[1], [2]]);
  });

  test('say any alone or not at all', () => {
    expect(messages(['tcp/80', 'ANY'])).toEqual([
      '`ANY` stands beside other entries; `any` must be the only one',
    ]);
    expect(() => parseProtocolPorts(['any', 'any'])).toThrow('the only one');
  });

  test('are parsed into numbers', () => {
    expect(parseProtocolPorts([])).toBe('any');
    expect(parseProtocolPorts(['TCP/80:90', 'icmp/3/1,4:6', 'ipv6-icmp', 'Sprite-RPC'])).toEqual([
      { kind: 'ports', protocol: 6, ports: { from: 80, to: 90 } },
      {
        kind: 'icmp',
        protocol: 1,
        type: 3,
        codes: [
          { from: 1, to: 1 },
          { from: 4, to: 6 },
        ],
      },
      { kind: 'icmp', protocol: 58 },
      { kind: 'protocol', protocol: 90 },
    ]);
  });

  test('are parsed or refused, never both and never neither', () => {
    const text = fc.oneof(
      fc.string(),
      fc.stringMatching(/^(tcp|udp|icmp6?|esp|any|[0-9])(\/[0-9:,/]{0,8})?$/),
    );
    fc.assert(
      fc.property(fc.array(text, { maxLength: 3 }), list => {
        const { success } = ProtocolPorts.safeParse(list);
        if (success) parseProtocolPorts(list);
        else expect(() => parseProtocolPorts(list)).toThrow(Failure);
      }),
    );
  });
});

describe('protocols', () => {
  test('have the names and numbers of the registry, in any case', () => {
    expect(['hopopt', 'TCP', 'Udp', 'gre', 'IPv6', 'ipv6-route', 'SCTP', 'rohc'].map(protocolNumber)).toEqual(
      [0, 6, 17, 47, 41, 43, 132, 142],
    );
    expect(protocolNumber('nope')).toBeUndefined();
  });

  test('print as a name that is found again', () => {
    for (let number = 0; number < 256; number++) {
      const name = protocolName(number);
      expect(name === String(number) || protocolNumber(name) === number).toBe(true);
    }
  });
});
