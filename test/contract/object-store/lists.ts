import { describe, expect, it, vi } from 'vitest';
import { childPath, NamespacePath, ROOT } from '../../../shared/schema/ids.ts';
import { create, makeActivity, makeNetwork } from '../../make/objects.ts';
import { ACTIVITY_DAYS, AT, every, type Given, namesOf, refusal, toolsFor } from './given.ts';

export function lists(given: Given): void {
  const { plant, page, treePage } = toolsFor(given);

  describe('lists', () => {
    it('lists one namespace in order of creation, in pages of any size', async () => {
      const tenant = await plant('/a');
      const names = ['c', 'a', 'b', 'e', 'd'];
      await given.store.commit(names.map(each => create('externalnetwork', makeNetwork(tenant, each))));
      await given.store.commit([create('externalnetwork', makeNetwork(childPath(tenant, 'a'), 'below'))]);
      for (const limit of [1, 2, 5, 100])
        expect(namesOf(await every(after => page(tenant, limit, after)))).toEqual(names);
    });

    it('gives no cursor on the last page', async () => {
      const tenant = await plant();
      const networks = ['a', 'b'].map(each => create('externalnetwork', makeNetwork(tenant, each)));
      await given.store.commit(networks);
      expect(await page(tenant, 2)).not.toHaveProperty('next');
      expect(await page(tenant, 1)).toHaveProperty('next');
    });

    it('lists a namespace and what is below, and no sibling whose name begins alike', async () => {
      const tenant = await plant('/a', '/a-b', '/a/b', '/ab');
      for (const path of ['', '/a', '/a-b', '/a/b', '/ab'])
        await given.store.commit([
          create('externalnetwork', makeNetwork(NamespacePath.parse(`${tenant}${path}`), `in ${path}`)),
        ]);
      const below = childPath(tenant, 'a');
      for (const limit of [1, 2, 100]) {
        await vi.waitFor(async () =>
          expect(namesOf(await every(after => treePage(below, limit, after)))).toEqual(['in /a', 'in /a/b']),
        );
        expect(namesOf(await every(after => treePage(tenant, limit, after)))).toEqual([
          'in ',
          'in /a-b',
          'in /a',
          'in /a/b',
          'in /ab',
        ]);
      }
    });

    it('lists every tenant below the root', async () => {
      const tenants = [await plant(), await plant()];
      for (const tenant of tenants)
        await given.store.commit([create('externalnetwork', makeNetwork(tenant, tenant))]);
      await vi.waitFor(async () => {
        const names = namesOf(await every(after => treePage(ROOT, 50, after)));
        expect(names.filter(each => tenants.some(tenant => tenant === each))).toEqual(tenants.toSorted());
      }, 30_000);
    });

    it('ends a page at 1 MB and goes on behind it', async () => {
      const tenant = await plant();
      const annotations = { a: ['x'.repeat(300 * 1024)] };
      for (const each of ['a', 'b', 'c', 'd', 'e'])
        await given.store.commit([create('externalnetwork', makeNetwork(tenant, each, { annotations }))]);
      const first = await page(tenant, 100);
      expect(first.items.length).toBeGreaterThan(0);
      expect(first.items.length).toBeLessThan(5);
      expect(namesOf(await every(after => page(tenant, 100, after)))).toEqual(['a', 'b', 'c', 'd', 'e']);
      expect(namesOf(await every(after => treePage(tenant, 100, after)))).toEqual(['a', 'b', 'c', 'd', 'e']);
    });

    it('refuses a cursor that is made up, damaged, or of a place outside', async () => {
      const tenant = await plant('/a', '/b');
      const inside = childPath(tenant, 'a');
      for (const path of [inside, childPath(tenant, 'b')])
        for (const each of ['x', 'y'])
          await given.store.commit([create('externalnetwork', makeNetwork(path, each))]);
      const foreign = (await treePage(childPath(tenant, 'b'), 1)).next ?? '';
      for (const cursor of ['', 'x', 'bnVsbA', foreign, Buffer.from('["a"]').toString('base64url')])
        expect((await refusal(treePage(inside, 1, cursor))).kind).toBe('bad_request');
      expect((await refusal(page(inside, 1, foreign))).kind).toBe('bad_request');
      expect((await refusal(page(inside, 0))).kind).toBe('bad_request');
    });
  });

  describe('activity', () => {
    it('is listed newest first, by namespace, in pages', async () => {
      const tenant = await plant('/a');
      const network = makeNetwork(tenant, 'n');
      const dates = [1, 2, 3, 4, 5].map(second => `2026-03-01T12:00:0${second}.000Z`);
      for (const date of dates) {
        const activity = makeActivity(tenant, network, date);
        await given.store.commit([{ kind: 'activity', activity }]);
      }
      await given.store.commit([
        { kind: 'activity', activity: makeActivity(childPath(tenant, 'a'), network, AT) },
      ]);
      const all = await every(after =>
        given.store.activities(tenant, { limit: 2, ...(after !== undefined && { after }) }),
      );
      expect(all.map(({ date }) => date)).toEqual(dates.toReversed());
      expect(all[0]).toMatchObject({ targetID: network.ID, after: { ID: network.ID } });
      const window = { from: dates[1] ?? '', to: dates[4] ?? '' };
      for (const limit of [1, 2, 9]) {
        const inside = await every(after =>
          given.store.activities(tenant, { ...window, limit, ...(after !== undefined && { after }) }),
        );
        expect(inside.map(({ date }) => date)).toEqual(dates.slice(1, 4).toReversed());
      }
    });

    it('is kept for so many days and not shown a moment longer', async () => {
      const tenant = await plant('/a');
      const now = given.under.clock.now().getTime();
      const ends = now - ACTIVITY_DAYS * 24 * 3600_000;
      const dates = [ends - 1000, ends, ends + 1, now].map(time => new Date(time).toISOString());
      for (const date of dates) {
        const activity = makeActivity(tenant, makeNetwork(tenant, 'n'), date);
        await given.store.commit([{ kind: 'activity', activity }]);
      }
      for (const limit of [1, 2, 9]) {
        const kept = await every(after =>
          given.store.activities(tenant, { from: '', limit, ...(after !== undefined && { after }) }),
        );
        expect(kept.map(({ date }) => date)).toEqual([dates[3], dates[2]]);
      }
    });

    it('keeps a refused write, which may name no object of the registry', async () => {
      const tenant = await plant('/a');
      const { targetID: _, after: __, ...entry } = makeActivity(tenant, makeNetwork(tenant, 'n'), AT);
      const error = [{ code: 403, title: 'Forbidden', description: 'no' }];
      const refused = { ...entry, targetIdentity: 'import', source: '192.0.2.1', error };
      await given.store.commit([{ kind: 'activity', activity: refused }]);
      expect((await given.store.activities(tenant, { limit: 9 })).items).toEqual([refused]);
    });
  });
}
