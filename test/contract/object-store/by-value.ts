import { describe, expect, it, vi } from 'vitest';
import { touch } from '../../../shared/core/object.ts';
import type { Stored } from '../../../shared/ports/object-store.ts';
import { childPath, NamespacePath, ROOT } from '../../../shared/schema/ids.ts';
import type { Ref } from '../../../shared/schema/resource.ts';
import { create, freshTenant, makeEnforcer, makeUnit, nextID } from '../../make/objects.ts';
import { AT, every, type Given, namesOf, PATIENT, refusal, toolsFor } from './given.ts';

export function listsByValue(given: Given): void {
  const { plant } = toolsFor(given);

  describe('lists of what has a value', () => {
    it('lists what has one of some values, each once, in the order of a list, in pages of any size', async () => {
      const tenant = await plant('/a', '/a/b', '/a-b');
      const at = (path: string) => NamespacePath.parse(`${tenant}${path}`);
      const enforcerID = nextID();
      const unit = (path: string, name: string, more: Partial<Stored<'processingunit'>> = {}) => ({
        ...makeUnit(at(path), name, []),
        ...more,
      });
      const units = [
        unit('', 'above', { enforcerID }),
        unit('/a/b', 'deep', { enforcerID, addresses: ['10.0.0.2'] }),
        unit('/a', 'one', { enforcerID, addresses: ['10.0.0.1', '10.0.0.2'] }),
        unit('/a-b', 'beside', { enforcerID }),
        unit('/a', 'other', { enforcerID: nextID(), addresses: ['10.0.0.1'] }),
        unit('/a', 'two', { enforcerID }),
        unit('/a', 'none'),
      ];
      await given.store.commit(units.map(each => create('processingunit', each)));
      const other = units[4]?.ID ?? '';
      const mine = { attribute: 'enforcerID', value: enforcerID };
      const addressed = { attribute: 'addresses', value: '10.0.0.2' };
      const pages = async (path: string, recursive: boolean, limit: number, ...refs: Ref[]) =>
        namesOf(
          await every(after =>
            given.store.listBy('processingunit', at(path), {
              refs,
              recursive,
              limit,
              ...(after !== undefined && { after }),
            }),
          ),
        );
      for (const limit of [1, 2, 3, 50])
        await vi.waitFor(async () => {
          expect(await pages('/a', true, limit, mine)).toEqual(['one', 'two', 'deep']);
          expect(await pages('/a', false, limit, mine)).toEqual(['one', 'two']);
          expect(await pages('', true, limit, mine)).toEqual(['above', 'beside', 'one', 'two', 'deep']);
          const either = await pages('/a', true, limit, addressed, mine, { attribute: 'ID', value: other });
          expect(either).toEqual(['one', 'other', 'two', 'deep']);
          expect(await pages('/a', false, limit, { attribute: 'ID', value: other })).toEqual(['other']);
          expect(await pages('/a/b', false, limit, { attribute: 'ID', value: other })).toEqual([]);
        }, PATIENT);
      expect(await pages('/a', true, 9)).toEqual([]);
    });

    it('takes the cursors of a list for a list of what has a value, and gives such', async () => {
      const tenant = await plant('/a');
      const names = ['a', 'b', 'c', 'd'];
      const below = childPath(tenant, 'a');
      const enforcers = names.map(name => makeEnforcer(name < 'c' ? tenant : below, name, 'm'));
      await given.store.commit(enforcers.map(enforcer => create('enforcer', enforcer)));
      const refs = [{ attribute: 'machineID', value: 'm' }];
      const query = { refs, recursive: true, limit: 1 };
      await vi.waitFor(async () => {
        const tree = await given.store.listTree('enforcer', tenant, { limit: 1 });
        const found = await given.store.listBy('enforcer', tenant, query);
        expect(found).toStrictEqual(tree);
        const after = found.next ?? '';
        expect(await given.store.listBy('enforcer', tenant, { ...query, after })).toStrictEqual(
          await given.store.listTree('enforcer', tenant, { limit: 1, after }),
        );
      });
      const { next: after = '' } = await given.store.listBy('enforcer', tenant, query);
      const moved = given.store.listBy('enforcer', below, { ...query, after });
      expect((await refusal(moved)).kind).toBe('bad_request');
    });

    it('lists nothing by a value that an object has no more, and goes on behind it', async () => {
      const tenant = await plant();
      const units = ['one', 'two', 'three'].map(name => makeUnit(tenant, name, ['10.0.0.1']));
      await given.store.commit(units.map(unit => create('processingunit', unit)));
      const found = async (limit: number) =>
        namesOf(
          await every(after =>
            given.store.listBy('processingunit', tenant, {
              refs: [{ attribute: 'addresses', value: '10.0.0.1' }],
              recursive: true,
              limit,
              ...(after !== undefined && { after }),
            }),
          ),
        );
      await vi.waitFor(async () => expect(await found(1)).toEqual(['one', 'two', 'three']));
      const [one, two] = units;
      if (!one || !two) throw new Error('there are three');
      // Nothing is said of what was before: the pointer stays.
      const object = touch('processingunit', { ...one, addresses: [] }, new Date(AT));
      await given.store.commit([
        { kind: 'update', resource: 'processingunit', object, seen: one.updateTime },
        { kind: 'delete', resource: 'processingunit', object: two, seen: two.updateTime },
      ]);
      for (const limit of [1, 2, 9])
        await vi.waitFor(async () => expect(await found(limit)).toEqual(['three']));
    });

    it('ends a page of what is found before it holds more than a megabyte', async () => {
      const tenant = await plant();
      const units = ['one', 'two', 'three', 'four'].map(name => ({
        ...makeUnit(tenant, name, ['10.0.0.1']),
        annotations: { a: ['x'.repeat(300 * 1024)] },
      }));
      for (const unit of units) await given.store.commit([create('processingunit', unit)]);
      const query = { refs: [{ attribute: 'addresses', value: '10.0.0.1' }], recursive: true, limit: 9 };
      await vi.waitFor(async () => {
        const first = await given.store.listBy('processingunit', tenant, query);
        expect(namesOf(first.items)).toEqual(['one', 'two', 'three']);
        const { next: after = '' } = first;
        const second = await given.store.listBy('processingunit', tenant, { ...query, after });
        expect([namesOf(second.items), second.next]).toEqual([['four'], undefined]);
      });
    });

    it('lists what has a value below the root too: what lives there, and then tenant by tenant, in pages of any size', async () => {
      const value = freshTenant().slice(1);
      const other = `${value}-other`;
      const tenants = [await plant('/a'), await plant(), await plant('/a')].toSorted();
      const [first, , third] = tenants as [NamespacePath, NamespacePath, NamespacePath];
      const enforcers = [
        makeEnforcer(ROOT, 'root 1', value),
        makeEnforcer(ROOT, 'root 2', value),
        makeEnforcer(first, 'first 1', value),
        makeEnforcer(first, 'first 2', other),
        makeEnforcer(childPath(first, 'a'), 'first 3', value),
        makeEnforcer(childPath(third, 'a'), 'third', value),
      ];
      for (const enforcer of enforcers) await given.store.commit([create('enforcer', enforcer)]);
      const machine = { attribute: 'machineID', value };
      const names = async (limit: number, ...refs: Ref[]) =>
        namesOf(
          await every(after =>
            given.store.listBy('enforcer', ROOT, {
              refs,
              recursive: true,
              limit,
              ...(after === undefined ? {} : { after }),
            }),
          ),
        );
      const all = ['root 1', 'root 2', 'first 1', 'first 3', 'third'];
      for (const limit of [1, 2, 3, 50])
        await vi.waitFor(async () => expect(await names(limit, machine)).toEqual(all), PATIENT);
      expect(await names(50, machine, { attribute: 'machineID', value: other })).toEqual([
        ...all.slice(0, 3),
        'first 2',
        ...all.slice(3),
      ]);
      const one = enforcers[4]?.ID ?? '';
      expect(await names(50, { attribute: 'ID', value: one })).toEqual(['first 3']);
    });

    it('refuses a list by an attribute that is not indexed', async () => {
      const tenant = await plant();
      const by = (attribute: string, namespace: NamespacePath) =>
        given.store.listBy('enforcer', namespace, {
          refs: [{ attribute, value: 'x' }],
          recursive: true,
          limit: 9,
        });
      expect((await refusal(by('name', tenant))).kind).toBe('bad_request');
      expect((await refusal(by('name', ROOT))).kind).toBe('bad_request');
    });

    it('refuses an attribute that is not indexed and a namespace that is no tenant', async () => {
      const tenant = await plant();
      expect((await refusal(given.store.findBy('enforcer', tenant, 'name', 'x'))).kind).toBe('bad_request');
      const below = childPath(tenant, 'a');
      expect((await refusal(given.store.findBy('enforcer', below, 'ID', nextID()))).kind).toBe('bad_request');
    });
  });
}
