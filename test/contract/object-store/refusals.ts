import { describe, expect, it, vi } from 'vitest';
import type { Stored, Write } from '../../../shared/ports/object-store.ts';
import { childPath, type NamespacePath, ROOT } from '../../../shared/schema/ids.ts';
import { create, freshTenant, make, makeActivity, makeNamespace, makeNetwork } from '../../make/objects.ts';
import { AT, every, type Given, later, refusal, toolsFor } from './given.ts';

export function refusals(given: Given): void {
  const { plant, answerTo, keyOf, page } = toolsFor(given);

  describe('refusals', () => {
    it('refuses a create over an ID that exists, as a conflict', async () => {
      const tenant = await plant();
      const network = makeNetwork(tenant, 'n');
      await given.store.commit([create('externalnetwork', network)]);
      expect((await refusal(given.store.commit([create('externalnetwork', network)]))).kind).toBe('conflict');
    });

    it('refuses a second object under a unique name, as a duplicate that names it', async () => {
      const tenant = await plant('/a');
      const again = await refusal(
        given.store.commit([create('namespace', makeNamespace(childPath(tenant, 'a')))]),
      );
      expect(again).toMatchObject({ kind: 'duplicate', message: expect.stringContaining(`${tenant}/a`) });
    });

    it('lets the same unique name stand in two namespaces, and stand again after a delete', async () => {
      const tenant = await plant('/a');
      const account = (namespace: NamespacePath) =>
        make('cloudaccount', namespace, { name: 'x', accountID: '123', provider: 'aws' });
      const first = account(tenant);
      await given.store.commit([create('cloudaccount', first)]);
      await given.store.commit([create('cloudaccount', account(childPath(tenant, 'a')))]);
      await given.store.commit([
        { kind: 'delete', resource: 'cloudaccount', object: first, seen: first.updateTime },
      ]);
      await expect(given.store.commit([create('cloudaccount', account(tenant))])).resolves.toBeUndefined();
    });

    it('refuses an update over a version it has not seen', async () => {
      const tenant = await plant();
      const network = makeNetwork(tenant, 'n');
      await given.store.commit([create('externalnetwork', network)]);
      const next = later(network, 'new');
      const update = {
        kind: 'update',
        resource: 'externalnetwork',
        object: next,
        seen: network.updateTime,
      } as const;
      await given.store.commit([update]);
      expect((await refusal(given.store.commit([update]))).kind).toBe('conflict');
      const stale = {
        kind: 'delete',
        resource: 'externalnetwork',
        object: next,
        seen: network.updateTime,
      } as const;
      expect((await refusal(given.store.commit([stale]))).kind).toBe('conflict');
    });

    it('says not_found for an update or delete of what is not there', async () => {
      const tenant = await plant();
      const object = makeNetwork(tenant, 'n');
      const step = { resource: 'externalnetwork', object, seen: object.updateTime } as const;
      expect((await refusal(given.store.commit([{ kind: 'update', ...step }]))).kind).toBe('not_found');
      expect((await refusal(given.store.commit([{ kind: 'delete', ...step }]))).kind).toBe('not_found');
    });

    it('requires a namespace to exist; the root always does', async () => {
      const tenant = await plant('/a');
      const missing = childPath(tenant, 'b');
      const network = makeNetwork(missing, 'n');
      const refused = await refusal(
        given.store.commit([{ kind: 'require', namespace: missing }, create('externalnetwork', network)]),
      );
      expect(refused).toMatchObject({ kind: 'not_found', message: expect.stringContaining(missing) });
      expect(await given.store.get(keyOf(network))).toBeUndefined();
      await given.store.commit([
        { kind: 'require', namespace: ROOT },
        { kind: 'require', namespace: childPath(tenant, 'a') },
      ]);
    });

    it('takes no object into a namespace that is being deleted, until it is not any more', async () => {
      const tenant = await plant('/a');
      const path = childPath(tenant, 'a');
      const open = await given.store.getByName('namespace', tenant, path);
      if (!open) throw new Error('not planted');
      const insert = (name: string) =>
        given.store.commit([
          { kind: 'require', namespace: path },
          create('externalnetwork', makeNetwork(path, name)),
        ]);
      const step = { kind: 'update', resource: 'namespace' } as const;
      const checking: Stored<'namespace'> = { ...open, deletion: 'Checking' };
      await given.store.commit([{ ...step, object: checking, seen: open.updateTime }]);
      expect(await refusal(insert('late'))).toMatchObject({
        kind: 'not_found',
        message: expect.stringContaining(path),
      });
      expect(await given.store.getByName('namespace', tenant, path)).toStrictEqual(checking);
      await given.store.commit([{ ...step, object: open, seen: open.updateTime }]);
      await insert('in time');
    });

    it.each(['Purging', 'Hidden'] as const)(
      'finds a %s namespace by its ID and not by its name, which stays taken',
      async deletion => {
        const tenant = await plant('/a');
        const path = childPath(tenant, 'a');
        const open = await given.store.getByName('namespace', tenant, path);
        if (!open) throw new Error('not planted');
        const hidden: Stored<'namespace'> = { ...open, deletion };
        await given.store.commit([
          { kind: 'update', resource: 'namespace', object: hidden, seen: open.updateTime },
        ]);
        expect(await given.store.getByName('namespace', tenant, path)).toBeUndefined();
        expect((await refusal(given.store.commit([{ kind: 'require', namespace: path }]))).kind).toBe(
          'not_found',
        );
        const again = given.store.commit([create('namespace', makeNamespace(path))]);
        expect((await refusal(again)).kind).toBe('duplicate');
        expect(
          await given.store.get({ resource: 'namespace', namespace: tenant, id: open.ID }),
        ).toStrictEqual(hidden);
        const found = () => given.store.findBy('namespace', tenant, 'deletion', deletion);
        await vi.waitFor(async () => expect(await found()).toStrictEqual([hidden]));
        await given.store.commit([
          { kind: 'delete', resource: 'namespace', object: hidden, seen: hidden.updateTime },
        ]);
        await given.store.commit([create('namespace', makeNamespace(path))]);
      },
    );

    it('lets one commit make a namespace and what lives in it', async () => {
      const tenant = freshTenant();
      const network = makeNetwork(tenant, 'n');
      await given.store.commit([
        create('namespace', makeNamespace(tenant)),
        { kind: 'require', namespace: tenant },
        create('externalnetwork', network),
      ]);
      expect(await given.store.get(keyOf(network))).toStrictEqual(network);
    });

    it('does all steps or none', async () => {
      const tenant = await plant();
      const [one, two] = [makeNetwork(tenant, 'one'), makeNetwork(tenant, 'two')];
      await given.store.commit([create('externalnetwork', two)]);
      const refused = given.store.commit([
        create('externalnetwork', one),
        { kind: 'activity', activity: makeActivity(tenant, one, AT) },
        create('externalnetwork', two),
      ]);
      expect((await refusal(refused)).kind).toBe('conflict');
      expect(await given.store.get(keyOf(one))).toBeUndefined();
      expect((await given.store.activities(tenant, { limit: 9 })).items).toEqual([]);
    });

    it('refuses an object of more than 400 KB and more than 100 items, as too_large', async () => {
      const tenant = await plant();
      const big = makeNetwork(tenant, 'big', { annotations: { a: ['x'.repeat(400 * 1024)] } });
      expect((await refusal(given.store.commit([create('externalnetwork', big)]))).kind).toBe('too_large');
      const many = (count: number) =>
        Array.from({ length: count }, (_, index) =>
          create('externalnetwork', makeNetwork(tenant, `n${index}`)),
        );
      expect((await refusal(given.store.commit(many(101)))).kind).toBe('too_large');
      await given.store.commit(many(100));
      expect(await every(after => page(tenant, 33, after))).toHaveLength(100);
    });

    it('refuses two writes of one object in one commit', async () => {
      const tenant = await plant();
      const network = makeNetwork(tenant, 'n');
      const twice = given.store.commit([
        create('externalnetwork', network),
        { kind: 'delete', resource: 'externalnetwork', object: network, seen: network.updateTime },
      ]);
      expect((await refusal(twice)).kind).toBe('bad_request');
    });
  });

  describe('a check', () => {
    it('refuses what a commit would refuse, for the same reason', async () => {
      const tenant = await plant('/a');
      const network = makeNetwork(tenant, 'n');
      await given.store.commit([create('externalnetwork', network)]);
      const missing = makeNetwork(tenant, 'missing');
      const changed = later(network, 'changed');
      const update = (object: Stored<'externalnetwork'>, seen: string): Write => ({
        kind: 'update',
        resource: 'externalnetwork',
        object,
        seen,
      });
      const refused: [string, Write][] = [
        ['conflict', create('externalnetwork', network)],
        ['duplicate', create('namespace', makeNamespace(childPath(tenant, 'a')))],
        ['conflict', update(changed, AT)],
        ['not_found', update(missing, missing.updateTime)],
        ['not_found', { kind: 'require', namespace: childPath(tenant, 'b') }],
      ];
      for (const [kind, write] of refused) {
        expect(await refusal(given.store.check([write])), kind).toMatchObject({ kind });
        expect(await refusal(given.store.commit([write])), kind).toMatchObject({ kind });
      }
    });

    it('of what a commit would do writes nothing', async () => {
      const tenant = await plant();
      const [there, made] = [makeNetwork(tenant, 'there'), makeNetwork(tenant, 'made')];
      await given.store.commit([create('externalnetwork', there)]);
      await given.store.check([
        { kind: 'require', namespace: tenant },
        create('externalnetwork', made),
        { kind: 'delete', resource: 'externalnetwork', object: there, seen: there.updateTime },
        { kind: 'activity', activity: makeActivity(tenant, made, AT) },
        { kind: 'answer', answer: answerTo(tenant, 'key', 'request') },
      ]);
      expect((await given.store.list('externalnetwork', tenant, { limit: 9 })).items).toStrictEqual([there]);
      expect((await given.store.activities(tenant, { limit: 9 })).items).toEqual([]);
      expect(await given.store.answered(tenant, 'key')).toBeUndefined();
    });
  });
}
