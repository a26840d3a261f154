import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { DataPlane, HostPolicy } from '../../../clients/enforcer/data-plane.ts';
import { type Network, openNetwork } from '../../../local/hosts/network.ts';
import { type Entry, make } from '../../core/objects.ts';
import { planeOf } from '../hosts/plane.ts';
import { openTalker, type Talker } from '../hosts/talk.ts';
import { until } from '../until.ts';
import { ENFORCED, externalNetwork, LASTING, PLANS, policyOf, ruleset, SHOP } from './shop.ts';

/** Milliseconds between messages of a flow. */
const EVERY = 5;
/** So many come back over a flow that goes on, while four times as many are sent. */
const MANY = 12;

/** To a host and to a container, which is decided where it is forwarded; IPv4 and IPv6. */
const FLOWS = (['tcp', 'udp'] as const).flatMap(protocol =>
  ['10.1.0.2', '2001:db8::2', '10.1.0.3', '2001:db8::3'].map(to => ({ protocol, to, port: 80 })),
);

const without = (...numbers: number[]): Entry[] =>
  LASTING.filter(({ object }) => !numbers.includes(Number.parseInt(object.ID, 16)));
/** Another like `web`. */
const stranger: Entry = {
  identity: 'processingunit',
  object: make('processingunit', SHOP, 50, {
    type: 'Host',
    associatedTags: ['app=web'],
    addresses: ['10.1.0.50', '2001:db8::50'],
  }),
};
const REJECT_ALL = [
  ruleset(900, 'app=web', 'outgoingRules', '$identity=processingunit', [], { action: 'Reject' }),
];

/** Each shuts out what web has with both others, at one end or the other. */
const CHANGES: readonly { what: string; entries: readonly Entry[]; at: readonly string[] }[] = [
  { what: 'the rules that allow it at its source are gone', entries: without(100, 102), at: ['web'] },
  { what: 'the rules that allow it at its destination are gone', entries: without(101, 103), at: ['db'] },
  { what: 'a Reject comes at its source', entries: [...LASTING, ...REJECT_ALL], at: ['web'] },
  { what: 'its source is no longer among the peers', entries: without(1), at: ['db'] },
  { what: 'its destinations are no longer among the peers', entries: without(2, 3), at: ['web'] },
];

describe('revocation', () => {
  let network: Network;
  let web: Talker;
  const servers: Talker[] = [];
  const planes = new Map<string, DataPlane>();

  beforeAll(async () => {
    network = await openNetwork(PLANS);
    for (const { name } of ENFORCED) planes.set(name, planeOf(network.host(name)));
    for (const name of ['db', 'cache']) servers.push(await openTalker(network.host(name)));
    for (const server of servers) await server.ask({ kind: 'listen', port: 80 });
    web = await openTalker(network.host('web'));
  });

  afterAll(async () => {
    for (const talker of [web, ...servers]) await talker?.close();
    await network?.close();
  });

  const apply = (entries: readonly Entry[], at: readonly string[], rest: Partial<HostPolicy> = {}) =>
    Promise.all(
      ENFORCED.filter(({ name }) => at.includes(name)).map(async host => {
        const applied = await planes.get(host.name)?.apply(policyOf(host, entries, rest));
        expect(applied).toMatchObject({ outcome: 'applied' });
      }),
    );
  const everywhere = ENFORCED.map(({ name }) => name);

  /** These flows go on and all others don't, by what comes back of the messages that are sent from now on. */
  const expectAlive = async (goesOn: (to: string) => boolean): Promise<void> => {
    const before = await web.ask({ kind: 'report' });
    const since = async () =>
      (await web.ask({ kind: 'report' })).map(({ sent, furthest, ended }, at) => {
        const then = before[at]?.sent ?? 0;
        return { sent: sent - then, back: Math.max(0, furthest - then), hasEnded: ended !== '' };
      });
    const isPlain = ({ sent, back, hasEnded }: Awaited<ReturnType<typeof since>>[number], at: number) =>
      hasEnded || (sent >= 4 * MANY && (back >= MANY || !goesOn(FLOWS[at]?.to ?? '')));
    // What goes on and isn't seen to is told below.
    await until('messages', async () => (await since()).every(isPlain), { within: 30_000 }).catch(
      () => undefined,
    );
    const alive = (await since()).map(({ back }, at) => ({ ...FLOWS[at], isAlive: back > 0 }));
    expect(alive).toEqual(FLOWS.map(flow => ({ ...flow, isAlive: goesOn(flow.to) })));
  };
  const all = () => true;
  const none = () => false;
  const toCache = (to: string) => to.endsWith('3');
  const toDb = (to: string) => !toCache(to);

  beforeEach(async () => {
    await web.ask({ kind: 'stop' });
    await apply(LASTING, everywhere);
    for (const flow of FLOWS) await web.ask({ kind: 'open', every: EVERY, ...flow });
    await expectAlive(all);
  });

  test.each(CHANGES)('established flows end when $what', async ({ entries, at }) => {
    await apply(entries, at);
    await expectAlive(none);
  });

  test('established flows end when their source goes after another peer went, and after a new epoch for that', async () => {
    await apply([...LASTING, stranger], ['db']);
    await apply(LASTING, ['db']);
    await expectAlive(all);
    expect(await planes.get('db')?.reconcile()).toEqual({ mended: false, difference: '' });
    await expectAlive(all);
    await apply([...without(1), stranger], ['db']);
    await expectAlive(none);
  });

  test('established flows end in lockdown', async () => {
    await apply(LASTING, ['db'], { lockdown: true });
    await expectAlive(none);
  });

  test('only what a change forbids ends', async () => {
    await apply(without(103), ['db']);
    await expectAlive(toDb);
  });

  test('only flows to where a name leads no more end, and no others are decided anew', async () => {
    const entries = [
      ...without(100, 102),
      externalNetwork(300, 'net=api', ['api.example.com']),
      ruleset(301, 'app=web', 'outgoingRules', 'net=api', ['tcp/80', 'udp/80']),
    ];
    const addresses = FLOWS.map(({ to }) => to);
    const leadTo = (some: readonly string[]) =>
      apply(entries, ['web'], { names: new Map([['api.example.com', some]]) });
    const epoch = async () =>
      (await network.host('web').run('nft', ['list', 'map', 'inet', 'prisma', 'stamp'])).match(
        /0x0*8 : (\w+)/,
      )?.[1];
    await leadTo(addresses);
    const before = await epoch();
    expect(before).toBeDefined();
    await expectAlive(all);
    await leadTo(addresses.filter(address => !address.endsWith('3')));
    await expectAlive(toDb);
    expect(await epoch()).toBe(before);
  });

  test('flows outlive a table that somebody else flushed and that was mended', async () => {
    await network.host('db').run('nft', ['flush', 'ruleset']);
    expect(await planes.get('db')?.reconcile()).toMatchObject({ mended: true });
    await expectAlive(all);
    await apply(without(101, 103), ['db']);
    await expectAlive(none);
  });

  test('TCP goes on when what forbade it is taken back', async () => {
    await apply(without(101), ['db']);
    await expectAlive(toCache);
    await apply(LASTING, ['db']);
    await expectAlive(all);
  });
});
