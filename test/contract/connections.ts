import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Connection, Connections } from '../../shared/ports/connections.ts';
import { childPath, type NamespacePath, ROOT } from '../../shared/schema/ids.ts';
import { PushConfig } from '../../shared/schema/push.ts';
import { freshTenant, nextID } from '../make/objects.ts';

/** The far end of a connection. */
export interface FarEnd {
  received(): Promise<string[]>;
  /** Bytes that came as they do on this way. */
  bytes(): Promise<Uint8Array[]>;
  isOpen(): Promise<boolean>;
  /** Goes without a word. */
  vanish(): Promise<void>;
}

export interface ConnectionsUnderTest {
  connections: Connections;
  /** Opens a connection that was added. */
  open(id: string): Promise<FarEnd>;
  stop(): Promise<void>;
}

const LATER = 3_600_000;

/** One that has been open for a minute. */
export const connectionIn = (namespace: NamespacePath, more: Partial<Connection> = {}): Connection => ({
  id: `${nextID()}=`,
  claims: {
    realm: 'certificate',
    sub: nextID(),
    namespace,
    exp: Math.floor((Date.now() + LATER) / 1000),
    data: { team: 'ops' },
    restrictions: {},
    opaque: {},
  },
  address: '192.0.2.1',
  namespace,
  recursive: false,
  config: PushConfig.parse({}),
  tellsErrors: false,
  reads: 'application/json',
  writes: 'application/json',
  since: new Date(Date.now() - 60_000).toISOString(),
  ...more,
});

const idsOf = (all: readonly Connection[]): string[] => all.map(({ id }) => id).sort();

export function connectionsContract(name: string, begin: () => Promise<ConnectionsUnderTest>): void {
  describe(`connections: ${name}`, () => {
    let under: ConnectionsUnderTest;
    let connections: Connections;
    beforeAll(async () => {
      under = await begin();
      connections = under.connections;
    });
    afterAll(() => under.stop());

    const entered = async (
      namespace: NamespacePath,
      more: Partial<Connection> = {},
    ): Promise<[Connection, FarEnd]> => {
      const connection = connectionIn(namespace, more);
      await connections.add(connection);
      return [connection, await under.open(connection.id)];
    };

    it('are found whole by their ID, and in their tenant', async () => {
      const tenant = freshTenant();
      const [one] = await entered(childPath(tenant, 'shop'), {
        recursive: true,
        tellsErrors: true,
        reads: 'application/msgpack',
      });
      expect(await connections.get(one.id)).toEqual(one);
      expect(await connections.open(tenant)).toEqual([one]);
    });

    it('are told apart by tenant, and those of the root are in none', async () => {
      const [tenant, other] = [freshTenant(), freshTenant()];
      const [[first], [second], [third], [root]] = [
        await entered(tenant),
        await entered(childPath(tenant, 'a')),
        await entered(other),
        await entered(ROOT),
      ];
      expect(idsOf(await connections.open(tenant))).toEqual([first.id, second.id].sort());
      expect(idsOf(await connections.open(other))).toEqual([third.id]);
      expect(idsOf(await connections.open(ROOT))).toEqual([root.id]);
      await expect
        .poll(async () => idsOf(await connections.everybody()))
        .toEqual(expect.arrayContaining([first.id, second.id, third.id, root.id]));
    });

    it('are heard where somebody listens', async () => {
      const tenant = freshTenant();
      expect(await connections.isHeard(tenant)).toBe(false);
      const [one] = await entered(childPath(tenant, 'a'));
      expect(await connections.isHeard(tenant)).toBe(true);
      await connections.remove(one.id);
      expect(await connections.isHeard(tenant)).toBe(false);
    });

    it('are counted by tenant and caller', async () => {
      const tenant = freshTenant();
      const [one] = await entered(tenant);
      await entered(childPath(tenant, 'a'), { claims: { ...one.claims, exp: 1 } });
      await entered(tenant);
      const [foreign] = await entered(freshTenant());
      const oidc = {
        ...one.claims,
        namespace: tenant,
        realm: 'oidc',
        provider: nextID(),
        sub: 'x'.repeat(4000),
      } as const;
      await entered(tenant, { claims: oidc });
      await expect
        .poll(() => connections.crowd({ namespace: tenant, claims: oidc }))
        .toEqual({ all: 4, own: 1 });
      expect(await connections.crowd({ namespace: childPath(tenant, 'b'), claims: one.claims })).toEqual({
        all: 4,
        own: 2,
      });
      expect(await connections.crowd({ namespace: tenant, claims: foreign.claims })).toEqual({
        all: 4,
        own: 0,
      });
    });

    it('change what they want to hear of, and one that is gone does not come back by it', async () => {
      const tenant = freshTenant();
      const [one] = await entered(tenant);
      const config = PushConfig.parse({
        identities: { namespace: ['create'] },
        filters: { namespace: 'name == "ü"' },
        parameters: { of: ['an', 'original'] },
      });
      await connections.change(one.id, config);
      expect(await connections.open(tenant)).toEqual([{ ...one, config }]);
      await connections.remove(one.id);
      await connections.change(one.id, config);
      expect(await connections.get(one.id)).toBeUndefined();
      expect(await connections.open(tenant)).toEqual([]);
    });

    it('get what is sent, in order and byte by byte, also as much as a message may hold', async () => {
      const [one, end] = await entered(freshTenant());
      const messages = ['{"a":1}', '“ü😀”', 'x'.repeat(128 * 1024)];
      for (const message of messages) await connections.send(one, message);
      await expect.poll(() => end.received()).toEqual(messages);
    });

    it('get bytes too, as many as a message may hold', async () => {
      const [one, end] = await entered(freshTenant());
      const bytes = new Uint8Array(96 * 1024).map((_, at) => at % 256);
      await connections.send(one, bytes);
      await expect
        .poll(async () => (await end.bytes()).map(each => Buffer.from(each).equals(bytes)))
        .toEqual([true]);
    });

    it('that vanish are forgotten once they are sent something, and that is no error', async () => {
      const tenant = freshTenant();
      const [gone, end] = await entered(tenant);
      const [there, other] = await entered(tenant);
      await end.vanish();
      await connections.send(gone, 'unheard');
      await connections.send(there, 'heard');
      await expect.poll(() => connections.get(gone.id)).toBeUndefined();
      expect(idsOf(await connections.open(tenant))).toEqual([there.id]);
      await expect.poll(() => other.received()).toEqual(['heard']);
      await connections.send(gone, 'still no error');
    });

    it('end when they are closed, and closing one that is gone is no error', async () => {
      const tenant = freshTenant();
      const [one, end] = await entered(tenant);
      await connections.close(one.id, 'the token has expired');
      await expect.poll(() => end.isOpen()).toBe(false);
      expect(await connections.get(one.id)).toBeUndefined();
      expect(await connections.open(tenant)).toEqual([]);
      await connections.close(one.id, 'again');
      await connections.remove(one.id);
    });

    it('are found however many and large they are', async () => {
      const tenant = freshTenant();
      const filters = Object.fromEntries(
        Array.from({ length: 6 }, (_, index) => [`filter${index}`, 'x'.repeat(4096)]),
      );
      const all = Array.from({ length: 60 }, () =>
        connectionIn(tenant, { config: PushConfig.parse({ filters }) }),
      );
      for (const connection of all) await connections.add(connection);
      expect(idsOf(await connections.open(tenant))).toEqual(idsOf(all));
      await expect
        .poll(() => connections.crowd({ namespace: tenant, claims: all[0]?.claims as Connection['claims'] }))
        .toEqual({ all: 60, own: 1 });
      await Promise.all(all.map(({ id }) => connections.remove(id)));
      expect(await connections.open(tenant)).toEqual([]);
    });
  });
}
