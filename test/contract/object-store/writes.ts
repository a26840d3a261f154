import { describe, expect, it, vi } from 'vitest';
import { touch } from '../../../shared/core/object.ts';
import { childPath, type NamespacePath } from '../../../shared/schema/ids.ts';
import { create, makeAuthorization, makeEnforcer, makeNetwork, nextID } from '../../make/objects.ts';
import { AT, createPolicy, every, type Given, later, namesOf, refusal, toolsFor } from './given.ts';

export function writes(given: Given): void {
  const { plant, keyOf } = toolsFor(given);

  describe('reads and writes', () => {
    it('returns what was created, byte for byte', async () => {
      const tenant = await plant();
      const network = makeNetwork(tenant, 'büro "α"\u0000\u{1F600}', { annotations: { a: ['', 'b'] } });
      await given.store.commit([create('externalnetwork', network)]);
      expect(await given.store.get(keyOf(network))).toStrictEqual(network);
    });

    it('returns nothing for what is not there, in another namespace, or of another resource', async () => {
      const tenant = await plant('/a');
      const network = makeNetwork(tenant, 'n');
      await given.store.commit([create('externalnetwork', network)]);
      expect(await given.store.get({ ...keyOf(network), id: nextID() })).toBeUndefined();
      expect(await given.store.get({ ...keyOf(network), namespace: childPath(tenant, 'a') })).toBeUndefined();
      expect(await given.store.get({ ...keyOf(network), resource: 'enforcer' })).toBeUndefined();
    });

    it('replaces an object whole on update', async () => {
      const tenant = await plant();
      const network = makeNetwork(tenant, 'n', { annotations: { a: ['b'] } });
      await given.store.commit([create('externalnetwork', network)]);
      const next = { ...later(network, 'new'), annotations: {} };
      await given.store.commit([
        { kind: 'update', resource: 'externalnetwork', object: next, seen: network.updateTime },
      ]);
      expect(await given.store.get(keyOf(network))).toStrictEqual(next);
    });

    it('refreshes an object in its version: readers may still write over it, and look-ups find it', async () => {
      const tenant = await plant();
      const enforcer = makeEnforcer(tenant, 'e', 'm');
      await given.store.commit([create('enforcer', enforcer)]);
      const fresh = { ...enforcer, currentVersion: '1.0.0' };
      await given.store.commit([{ kind: 'refresh', resource: 'enforcer', object: fresh }]);
      const key = { resource: 'enforcer', namespace: tenant, id: enforcer.ID } as const;
      expect(await given.store.get(key)).toStrictEqual(fresh);
      const found = () => given.store.findBy('enforcer', tenant, 'machineID', 'm');
      await vi.waitFor(async () => expect(await found()).toStrictEqual([fresh]));
      const edited = touch('enforcer', { ...fresh, description: 'd' }, new Date(AT));
      await given.store.commit([
        { kind: 'update', resource: 'enforcer', object: edited, seen: enforcer.updateTime },
      ]);
      const late = given.store.commit([{ kind: 'refresh', resource: 'enforcer', object: fresh }]);
      expect((await refusal(late)).kind).toBe('conflict');
      const gone = { ...fresh, ID: nextID() };
      const none = given.store.commit([{ kind: 'refresh', resource: 'enforcer', object: gone }]);
      expect((await refusal(none)).kind).toBe('not_found');
    });

    it('forgets a deleted object', async () => {
      const tenant = await plant();
      const network = makeNetwork(tenant, 'n');
      await given.store.commit([create('externalnetwork', network)]);
      await given.store.commit([
        { kind: 'delete', resource: 'externalnetwork', object: network, seen: network.updateTime },
      ]);
      expect(await given.store.get(keyOf(network))).toBeUndefined();
      expect((await given.store.list('externalnetwork', tenant, { limit: 9 })).items).toEqual([]);
    });
  });

  describe('all objects of a namespace', () => {
    const listed = (tenant: NamespacePath) =>
      every(after =>
        given.store.list('apiauthorizationpolicy', tenant, {
          limit: 100,
          ...(after === undefined ? {} : { after }),
        }),
      );

    it('are those of its list, whichever process wrote last, and however they were written', async () => {
      const tenant = await plant('/a');
      const { store, other } = given.under;
      const policy = (name: string, namespace = tenant) =>
        makeAuthorization(namespace, name, [['@auth:realm=oidc', `@auth:email=${name}`]]);
      const [one, two, three] = [policy('one'), policy('two'), policy('three')];
      const same = async (): Promise<string[]> => {
        const found = await listed(tenant);
        for (const process of [store, other, store]) {
          expect(await process.all('apiauthorizationpolicy', tenant)).toEqual(found);
        }
        return namesOf(found);
      };
      expect(await same()).toEqual([]);
      await given.store.commit([one, two, policy('below', childPath(tenant, 'a'))].map(createPolicy));
      expect(await same()).toEqual(['one', 'two']);
      const changed = touch('apiauthorizationpolicy', { ...one, name: 'changed' }, new Date(AT));
      await other.commit([
        {
          kind: 'update',
          resource: 'apiauthorizationpolicy',
          object: changed,
          seen: one.updateTime,
          before: one,
        },
        createPolicy(three),
        { kind: 'delete', resource: 'apiauthorizationpolicy', object: two, seen: two.updateTime },
      ]);
      expect(await same()).toEqual(['changed', 'three']);
      const stale = given.store.commit([
        { kind: 'delete', resource: 'apiauthorizationpolicy', object: one, seen: one.updateTime },
      ]);
      expect((await refusal(stale)).kind).toBe('conflict');
      expect(await same()).toEqual(['changed', 'three']);
      await given.store.commit([
        { kind: 'delete', resource: 'apiauthorizationpolicy', object: changed, seen: changed.updateTime },
        { kind: 'delete', resource: 'apiauthorizationpolicy', object: three, seen: three.updateTime },
      ]);
      expect(await same()).toEqual([]);
    });

    it('are not read again while none changed', async () => {
      const tenant = await plant();
      const policies = Array.from({ length: 60 }, (_, at) =>
        makeAuthorization(tenant, `p${at}`, [['@auth:realm=oidc', `@auth:email=${at}`]]),
      );
      for (let from = 0; from < 60; from += 20)
        await given.store.commit(policies.slice(from, from + 20).map(createPolicy));
      const first = await given.store.all('apiauthorizationpolicy', tenant);
      expect(first).toHaveLength(60);
      expect(await given.store.all('apiauthorizationpolicy', tenant)).toBe(first);
    });

    it('written at once by many are all there', async () => {
      const tenant = await plant();
      const { store, other } = given.under;
      const policies = Array.from({ length: 8 }, (_, at) =>
        makeAuthorization(tenant, `p${at}`, [['@auth:realm=oidc', `@auth:email=${at}`]]),
      );
      await Promise.all(
        policies.map((policy, at) => (at % 2 === 0 ? store : other).commit([createPolicy(policy)])),
      );
      const first = await given.store.all('apiauthorizationpolicy', tenant);
      expect(first).toHaveLength(8);
      expect(await given.store.all('apiauthorizationpolicy', tenant)).toBe(first);
    });
  });
}
