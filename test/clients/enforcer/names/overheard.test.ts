import { encode, type Packet, type Answer as Record } from 'dns-packet';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DNS_PREFIX } from '../../../../clients/enforcer/data-plane.ts';
import { isElsewhere } from '../../../../clients/enforcer/names/elsewhere.ts';
import { isBelow } from '../../../../clients/enforcer/names/heard.ts';
import { type Answer, Names } from '../../../../clients/enforcer/names/names.ts';
import { answersFor, Overheard } from '../../../../clients/enforcer/names/overheard.ts';
import { movedClock } from '../clock.ts';

const [HOST, RESOLVER] = ['10.0.0.1', '10.0.0.53'];
const NAME = 'a.cdn.example.com';

interface Said {
  from?: string;
  to?: string;
  fromPort?: number;
  toPort?: number;
}

/** An IPv4 packet with a UDP datagram, as the log has it. */
function packet(body: Buffer, { from = HOST, to = RESOLVER, fromPort = 40_000, toPort = 53 }: Said): Buffer {
  const bytes = Buffer.alloc(28 + body.length);
  bytes.writeUInt8(0x45, 0);
  bytes.writeUInt8(17, 9);
  Buffer.from(from.split('.').map(Number)).copy(bytes, 12);
  Buffer.from(to.split('.').map(Number)).copy(bytes, 16);
  bytes.writeUInt16BE(fromPort, 20);
  bytes.writeUInt16BE(toPort, 22);
  bytes.writeUInt16BE(8 + body.length, 24);
  body.copy(bytes, 28);
  return bytes;
}

const back = { from: RESOLVER, to: HOST, fromPort: 53, toPort: 40_000 };
const a = (name: string, data: string, ttl = 60): Record => ({ type: 'A', name, data, ttl });

function listening() {
  const clock = movedClock();
  const heard: [string, Answer[]][] = [];
  const overheard = new Overheard({ clock, heard: (name, answers) => heard.push([name, answers]) });
  const message = (type: 'query' | 'response', more: Partial<Packet> = {}): Buffer =>
    encode({ type, id: 7, questions: [{ type: 'A', name: NAME }], ...more });
  return {
    clock,
    heard,
    asks: (more: Partial<Packet> = {}, said: Said = {}) =>
      overheard.take({ prefix: DNS_PREFIX.question, packet: packet(message('query', more), said) }),
    answers: (more: Partial<Packet> = {}, said: Said = {}) =>
      overheard.take({
        prefix: DNS_PREFIX.answer,
        packet: packet(message('response', { answers: [a(NAME, '192.0.2.1')], ...more }), {
          ...back,
          ...said,
        }),
      }),
    take: (prefix: string, bytes: Uint8Array) => overheard.take({ prefix, packet: Buffer.from(bytes) }),
  };
}

describe('what this host is told by its resolvers', () => {
  test('an answer to a question that was seen counts, once', () => {
    const { asks, answers, heard } = listening();
    expect([asks(), answers(), answers()]).toEqual([true, true, true]);
    expect(heard).toEqual([[NAME, [{ address: '192.0.2.1', ttl: 60 }]]]);
  });

  test.each<[string, Partial<Packet>, Said]>([
    ['has another number', { id: 8 }, {}],
    ['is about another name', { questions: [{ type: 'A', name: 'b.cdn.example.com' }] }, {}],
    ['is of another kind', { questions: [{ type: 'AAAA', name: NAME }] }, {}],
    ['goes to another port', {}, { toPort: 40_001 }],
    ['goes to another client', {}, { to: '10.0.0.2' }],
    ['comes from another resolver', {}, { from: '10.0.0.54' }],
    ['has no answers', { answers: [] }, {}],
    ['speaks of a name that nobody asked for', { answers: [a('evil.example.com', '192.0.2.9')] }, {}],
  ])('an answer that %s counts for nothing', (_, more, said) => {
    const { asks, answers, heard } = listening();
    asks();
    answers(more, said);
    expect(heard).toEqual([]);
  });

  test('an answer that nobody waits for any more counts for nothing', async () => {
    const { asks, answers, heard, clock } = listening();
    answers();
    asks();
    await clock.pass(11_000);
    answers();
    expect(heard).toEqual([]);
  });

  test('aliases are followed, whatever their order, and the shortest time counts', () => {
    const alias = (name: string, data: string, ttl: number): Record => ({ type: 'CNAME', name, data, ttl });
    const chain = [
      a('edge.test', '192.0.2.1', 300),
      alias('c.test', 'EDGE.test.', 20),
      alias(NAME, 'c.test', 60),
    ];
    expect(answersFor(NAME, { answers: chain })).toEqual([{ address: '192.0.2.1', ttl: 20 }]);
    const circle = [alias(NAME, 'c.test', 1), alias('c.test', NAME, 1)];
    expect(answersFor(NAME, { answers: circle })).toEqual([]);
  });

  test('records of flows are left to others, and no bytes do harm', () => {
    const { take, heard } = listening();
    expect(take('A:1f:', Buffer.alloc(60))).toBe(false);
    fc.assert(
      fc.property(fc.constantFrom(...Object.values(DNS_PREFIX)), fc.uint8Array({ maxLength: 200 }), take),
    );
    const body = fc.uint8Array({ maxLength: 120 });
    fc.assert(
      fc.property(fc.constantFrom(...Object.values(DNS_PREFIX)), body, (prefix, bytes) =>
        take(prefix, packet(Buffer.from(bytes), {})),
      ),
    );
    expect(heard).toEqual([]);
  });
});

describe('names below a wildcard', () => {
  const WANTED = { exact: [], wildcards: ['cdn.example.com'] };

  async function told(ttl = 60) {
    const clock = movedClock();
    let used = new Set<string>();
    const names = new Names({ clock, resolve: async () => [], inUse: async () => used });
    await names.refresh(WANTED);
    let news = 0;
    names.onNews = () => news++;
    names.hear(NAME, [{ address: '192.0.2.1', ttl }]);
    return {
      names,
      news: () => news,
      use: (...addresses: string[]) => {
        used = new Set(addresses);
      },
      wait: async (seconds: number) => {
        await clock.pass(seconds * 1000);
        await names.refresh(WANTED);
        return names.current.get(NAME) ?? [];
      },
    };
  }

  test('lead to where programs of this host were told, at once', async () => {
    const { names, news } = await told();
    expect([names.current, news()]).toEqual([new Map([[NAME, ['192.0.2.1']]]), 1]);
    names.hear(NAME, [{ address: '192.0.2.1', ttl: 60 }]);
    expect(news()).toBe(1);
  });

  test('other names are not kept, and those of a policy that went are forgotten', async () => {
    const { names } = await told();
    names.hear('cdn.example.com', [{ address: '192.0.2.2', ttl: 60 }]);
    names.hear('evil.example.com', [{ address: '192.0.2.3', ttl: 60 }]);
    expect([...names.current.keys()]).toEqual([NAME]);
    expect(await names.refresh({ exact: [], wildcards: [] })).toBe(true);
    expect(names.current.size).toBe(0);
  });

  test('stay for their time and two minutes, and then while a connection goes on there, a day at most', async () => {
    const { wait, use } = await told(600);
    expect(await wait(719)).toEqual(['192.0.2.1']);
    use('192.0.2.1');
    expect(await wait(3600)).toEqual(['192.0.2.1']);
    use();
    expect(await wait(20)).toEqual([]);
    const long = await told(0);
    long.use('192.0.2.1');
    expect(await long.wait(23 * 3600)).toEqual(['192.0.2.1']);
    expect(await long.wait(2 * 3600)).toEqual([]);
  });

  test('are bounded: those that were told last stay', async () => {
    const { names } = await told();
    for (let at = 0; at < 1100; at++)
      names.hear(`h${at}.cdn.example.com`, [{ address: '192.0.2.1', ttl: 60 }]);
    expect([names.current.size, names.current.has('h1099.cdn.example.com'), names.current.has(NAME)]).toEqual(
      [1024, true, false],
    );
  });

  test('lead to so many addresses at most: those that were told last stay', async () => {
    const { names } = await told();
    for (let at = 0; at < 600; at++) names.hear(NAME, [{ address: `10.0.${at >> 8}.${at & 255}`, ttl: 60 }]);
    const led = names.current.get(NAME) ?? [];
    expect([led.length, led.includes('10.0.2.87'), led.includes('10.0.0.0')]).toEqual([512, true, false]);
  });

  test.each([
    ['127.0.0.1', false],
    ['::1', false],
    ['169.254.169.254', false],
    ['::ffff:169.254.169.254', false],
    ['fe80::1', false],
    ['0.0.0.0', false],
    ['224.0.0.1', false],
    ['255.255.255.255', false],
    ['10.0.0.1', true],
    ['fd00:ec2::254', false],
    ['fd00:ec2::253', true],
    ['192.0.2.1', true],
    ['2001:db8::1', true],
  ])('an answer that leads to %s is believed: %s', async (address, wanted) => {
    expect(isElsewhere(address)).toBe(wanted);
    const { names } = await told();
    names.hear('b.cdn.example.com', [{ address, ttl: 60 }]);
    expect(names.current.has('b.cdn.example.com')).toBe(wanted);
  });

  test('below means below', () => {
    const suffixes = new Set(['example.com']);
    expect(['a.example.com', 'a.b.example.com'].every(name => isBelow(name, suffixes))).toBe(true);
    expect(
      ['example.com', 'aexample.com', 'com', 'a.example.com.evil'].some(name => isBelow(name, suffixes)),
    ).toBe(false);
  });
});
