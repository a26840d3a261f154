import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import { type Answer, type Named, Names, namesIn } from '../../../../clients/enforcer/names/names.ts';
import { addressesIn, dnsResolve } from '../../../../clients/enforcer/names/system.ts';
import { movedClock } from '../clock.ts';

const exactly = (...exact: string[]): Named => ({ exact, wildcards: [] });
const WANTED = exactly('www.example.com');
const one = (address: string, ttl = 60): Answer[] => [{ address, ttl }];

function setUp(first: Answer[]) {
  const clock = movedClock();
  const state = {
    answers: first as Answer[] | Error,
    asked: 0,
    used: new Set<string>() as Set<string> | Error,
  };
  const names = new Names({
    clock,
    resolve: async () => {
      state.asked++;
      if (state.answers instanceof Error) throw state.answers;
      return state.answers;
    },
    inUse: async () => {
      if (state.used instanceof Error) throw state.used;
      return state.used;
    },
  });
  const later = async (seconds: number, wanted = WANTED) => {
    await clock.pass(seconds * 1000);
    await names.refresh(wanted);
    return names.current.get('www.example.com') ?? [];
  };
  return { state, names, later };
}

describe('names', () => {
  test('a policy asks for the names of its external networks, wildcards apart, and not for addresses', () => {
    const entries = [
      ['WWW.Example.com.', '*.example.org', '192.0.2.0/24'],
      ['a.example.com', 'www.example.com'],
    ];
    expect(namesIn({ externalNetworks: entries.map(each => ({ entries: each })) as never })).toEqual({
      exact: ['a.example.com', 'www.example.com'],
      wildcards: ['example.org'],
    });
  });

  test('a name is asked for again when its answer ends, and not before', async () => {
    const { state, later } = setUp(one('192.0.2.1', 60));
    expect(await later(0)).toEqual(['192.0.2.1']);
    await later(59);
    expect(state.asked).toBe(1);
    await later(1);
    expect(state.asked).toBe(2);
  });

  test.each([
    [0, 5],
    [86_400, 300],
  ])('an answer for %i seconds is asked for again after %i', async (ttl, seconds) => {
    const { state, later } = setUp(one('192.0.2.1', ttl));
    await later(0);
    await later(seconds - 1);
    expect(state.asked).toBe(1);
    await later(1);
    expect(state.asked).toBe(2);
  });

  test('an address that is answered no more is left out after two minutes', async () => {
    const { state, later } = setUp(one('192.0.2.1', 30));
    await later(0);
    state.answers = one('192.0.2.2', 30);
    expect(await later(30)).toEqual(['192.0.2.1', '192.0.2.2']);
    await later(60);
    expect(await later(30)).toEqual(['192.0.2.1', '192.0.2.2']);
    expect(await later(30)).toEqual(['192.0.2.2']);
  });

  test('an address stays while a connection goes on there, a day at most', async () => {
    const { state, later } = setUp(one('192.0.2.1', 30));
    await later(0);
    Object.assign(state, { answers: one('192.0.2.2', 30), used: new Set(['192.0.2.1']) });
    expect(await later(600)).toContain('192.0.2.1');
    state.used = new Error('conntrack: not found');
    expect(await later(600)).toContain('192.0.2.1');
    expect(await later(24 * 3600)).toEqual(['192.0.2.2']);
  });

  test('a resolver that fails changes nothing, and is asked later and later', async () => {
    const { state, later } = setUp(one('192.0.2.1', 30));
    await later(0);
    state.answers = new Error('queryA ETIMEOUT');
    for (let minutes = 0; minutes < 120; minutes++) expect(await later(60)).toEqual(['192.0.2.1']);
    expect(state.asked).toBeLessThan(45);
    state.answers = one('192.0.2.2', 30);
    await later(300);
    expect(await later(300)).toEqual(['192.0.2.2']);
  });

  test('a name that nobody wants any more is forgotten at once', async () => {
    const { later, names } = setUp(one('192.0.2.1'));
    await later(0);
    expect(await names.refresh(exactly())).toBe(true);
    expect(names.current).toEqual(new Map());
  });

  test('a long answer holds to its end, however often others are asked for', async () => {
    const clock = movedClock();
    const names = new Names({
      clock,
      resolve: async name => (name === 'long' ? one('192.0.2.1', 300) : one('192.0.2.2', 5)),
      inUse: async () => new Set(),
    });
    for (let round = 0; round < 200; round++) {
      await names.refresh(exactly('long', 'short'));
      expect([...names.current.keys()]).toEqual(['long', 'short']);
      await clock.pass(5_000);
    }
  });

  test('the order of answers changes nothing', async () => {
    const { state, names, later } = setUp([...one('192.0.2.2', 5), ...one('2001:DB8::1', 5)]);
    await later(0);
    state.answers = [...one('2001:db8:0::1', 5), ...one('192.0.2.2', 5)];
    await later(4);
    const before = names.current;
    await later(1);
    expect(state.asked).toBe(2);
    expect(names.current).toBe(before);
  });

  test('both ends of connections are read from what conntrack lists', () => {
    const line =
      'tcp 6 431999 ESTABLISHED src=10.0.0.1 dst=192.0.2.7 sport=1 dport=2 src=2001:db8::7 dst=10.0.0.1 [ASSURED] mark=1';
    expect([...addressesIn(line)].sort()).toEqual(['10.0.0.1', '192.0.2.7', '2001:db8:0:0:0:0:0:7']);
  });
});

describe('the resolver of the system', () => {
  /** Answers A with two addresses, and AAAA with nothing; anything but www.example.com does not exist. */
  async function dnsServer() {
    const server = createSocket('udp4');
    server.on('message', (query, { port, address }) => {
      const isKnown = query.includes('\u0003www\u0007example\u0003com');
      const isA = query[query.indexOf('com\0') + 5] === 1;
      const count = isKnown && isA ? 2 : 0;
      const header = Buffer.from(query.subarray(0, 12));
      header.writeUInt16BE(0x8180 + (isKnown ? 0 : 3), 2);
      header.writeUInt16BE(count, 6);
      header.writeUInt32BE(0, 8);
      const question = query.subarray(12, query.indexOf(0, 12) + 5);
      const records = [1, 2]
        .slice(0, count)
        .map(last => Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 42, 0, 4, 192, 0, 2, last]));
      server.send(Buffer.concat([header, question, ...records]), port, address);
    });
    server.bind(0, '127.0.0.1');
    await once(server, 'listening');
    return server;
  }

  test('gives addresses with their time, nothing for a name that is not there, and fails when nobody answers', async () => {
    const server = await dnsServer();
    const resolve = dnsResolve([`127.0.0.1:${server.address().port}`]);
    expect(await resolve('www.example.com')).toEqual([
      { address: '192.0.2.1', ttl: 42 },
      { address: '192.0.2.2', ttl: 42 },
    ]);
    expect(await resolve('nothing.example.com')).toEqual([]);
    server.close();
    await once(server, 'close');
    await expect(resolve('www.example.com')).rejects.toThrow(/ECONNREFUSED|ETIMEOUT/);
  });
});
