import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { touch } from '../../shared/core/object.ts';
import type { Change, ChangeFeed } from '../../shared/ports/change-feed.ts';
import type { ObjectStore } from '../../shared/ports/object-store.ts';
import type { NamespacePath } from '../../shared/schema/ids.ts';
import {
  create,
  freshTenant,
  makeActivity,
  makeEnforcer,
  makeNamespace,
  makeNetwork,
} from '../make/objects.ts';

export interface FeedUnderTest {
  store: ObjectStore;
  feed: ChangeFeed;
  stop(): Promise<void>;
}

const AT = '2026-03-01T12:00:00.000Z';

export function changeFeedContract(name: string, open: () => Promise<FeedUnderTest>): void {
  describe(`change feed: ${name}`, () => {
    let under: FeedUnderTest;
    beforeAll(async () => {
      under = await open();
    });
    afterAll(() => under.stop());

    /** Reads to the end. The feed may be shared, so only changes of one tenant are kept. */
    const changesOf = async (tenant: NamespacePath, from: string, limit = 100) => {
      const mine: Change[] = [];
      let cursor = from;
      for (;;) {
        const batch = await under.feed.read(cursor, limit);
        expect(batch.changes.length).toBeLessThanOrEqual(limit);
        mine.push(...batch.changes.filter(({ before, after }) => isOf(tenant, before ?? after)));
        if (batch.changes.length === 0) return { changes: mine, cursor: batch.cursor };
        cursor = batch.cursor;
      }
    };
    let end: string | undefined;
    /** A cursor behind everything that was written so far. */
    const now = async (): Promise<string> => {
      const nobody = freshTenant();
      end = (await changesOf(nobody, end ?? (await under.feed.start()), 1000)).cursor;
      return end;
    };
    const isOf = (tenant: NamespacePath, object: { namespace: string } | undefined): boolean =>
      object?.namespace === tenant;

    const history = async () => {
      const tenant = freshTenant();
      const one = makeNetwork(tenant, 'one');
      const two = touch('externalnetwork', { ...one, description: 'new' }, new Date(AT));
      const step = { resource: 'externalnetwork' } as const;
      await under.store.commit([create('namespace', makeNamespace(tenant))]);
      await under.store.commit([
        create('externalnetwork', one),
        { kind: 'activity', activity: makeActivity(tenant, one, AT) },
      ]);
      await under.store.commit([{ kind: 'update', ...step, object: two, seen: one.updateTime }]);
      await under.store.commit([{ kind: 'delete', ...step, object: two, seen: two.updateTime }]);
      return { tenant, one, two };
    };

    it('gives every write of an object once, in order, with what was before and after', async () => {
      const from = await now();
      const { tenant, one, two } = await history();
      const { changes } = await changesOf(tenant, from);
      expect(changes).toStrictEqual([
        { resource: 'externalnetwork', operation: 'create', after: one },
        { resource: 'externalnetwork', operation: 'update', before: one, after: two },
        { resource: 'externalnetwork', operation: 'delete', before: two },
      ]);
    });

    it('reports an object with names and look-ups once, and no activity', async () => {
      const from = await now();
      const tenant = freshTenant();
      await under.store.commit([create('namespace', makeNamespace(tenant))]);
      const enforcer = makeEnforcer(tenant, 'e', 'm');
      await under.store.commit([create('enforcer', enforcer)]);
      const { changes } = await changesOf(tenant, from);
      expect(changes).toStrictEqual([{ resource: 'enforcer', operation: 'create', after: enforcer }]);
    });

    it('goes on behind a cursor, in batches of any size, and is empty at the end', async () => {
      const from = await now();
      const { tenant } = await history();
      const { changes, cursor } = await changesOf(tenant, from, 1);
      expect(changes).toHaveLength(3);
      expect((await under.feed.read(cursor, 10)).changes).toEqual([]);
      const next = await history();
      expect((await changesOf(next.tenant, cursor, 2)).changes).toHaveLength(3);
      expect((await changesOf(tenant, cursor)).changes).toEqual([]);
    });

    it('begins with what is still kept', async () => {
      const { tenant } = await history();
      expect((await changesOf(tenant, await under.feed.start(), 1000)).changes).toHaveLength(3);
    });

    it('says nothing of a commit that was refused', async () => {
      const { tenant, one } = await history();
      const cursor = await now();
      const refused = under.store.commit([
        create('externalnetwork', makeNetwork(tenant, 'x')),
        { kind: 'update', resource: 'externalnetwork', object: one, seen: AT },
      ]);
      await expect(refused).rejects.toMatchObject({ kind: 'not_found' });
      expect((await changesOf(tenant, cursor)).changes).toEqual([]);
    });

    it('refuses a cursor that is none', async () => {
      await expect(under.feed.read('x', 1)).rejects.toMatchObject({ kind: 'bad_request' });
    });
  });
}
