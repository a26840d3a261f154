import { describe, expect, it, vi } from 'vitest';
import { touch } from '../../../shared/core/object.ts';
import { childPath, NamespacePath, tenantOf } from '../../../shared/schema/ids.ts';
import { MOST_ELEMENTS } from '../../../shared/schema/resource.ts';
import { create, makeAuthorization, makeEnforcer, makeUnit } from '../../make/objects.ts';
import { AT, type Given, namesOf, PATIENT, toolsFor } from './given.ts';

export function lookUps(given: Given): void {
  const { plant } = toolsFor(given);

  describe('look-ups', () => {
    it('finds an object by its unique name, as it is now', async () => {
      const tenant = await plant('/a');
      const path = childPath(tenant, 'a');
      const found = await given.store.getByName('namespace', tenant, path);
      expect(found?.name).toBe(path);
      if (!found) return;
      const next = touch('namespace', { ...found, description: 'new' }, new Date(AT));
      await given.store.commit([
        { kind: 'update', resource: 'namespace', object: next, seen: found.updateTime },
      ]);
      expect(await given.store.getByName('namespace', tenant, path)).toStrictEqual(next);
      await given.store.commit([
        { kind: 'delete', resource: 'namespace', object: next, seen: next.updateTime },
      ]);
      expect(await given.store.getByName('namespace', tenant, path)).toBeUndefined();
    });

    it('finds objects of a tenant by ID, and not those of another tenant', async () => {
      const tenant = await plant('/a', '/a/b');
      const other = await plant();
      const enforcer = makeEnforcer(NamespacePath.parse(`${tenant}/a/b`), 'e', 'm1');
      await given.store.commit([create('enforcer', enforcer)]);
      await vi.waitFor(async () =>
        expect(await given.store.findBy('enforcer', tenant, 'ID', enforcer.ID)).toStrictEqual([enforcer]),
      );
      expect(await given.store.findBy('enforcer', other, 'ID', enforcer.ID)).toEqual([]);
      expect(await given.store.findBy('externalnetwork', tenant, 'ID', enforcer.ID)).toEqual([]);
    });

    it('finds objects by an attribute of refs, follows its changes, and knows no empty value', async () => {
      const tenant = await plant('/a');
      const [one, two, none] = [
        makeEnforcer(tenant, 'one', 'm'),
        makeEnforcer(childPath(tenant, 'a'), 'two', 'm'),
        makeEnforcer(tenant, 'none', ''),
      ];
      await given.store.commit([one, two, none].map(enforcer => create('enforcer', enforcer)));
      const found = async (value: string) =>
        namesOf(await given.store.findBy('enforcer', tenant, 'machineID', value));
      await vi.waitFor(async () => expect(await found('m')).toEqual(['one', 'two']));
      expect(await found('')).toEqual([]);
      const moved = touch('enforcer', { ...one, machineID: 'n' }, new Date(AT));
      const emptied = touch('enforcer', { ...two, machineID: '' }, new Date(AT));
      await given.store.commit([
        { kind: 'update', resource: 'enforcer', object: moved, seen: one.updateTime },
        { kind: 'update', resource: 'enforcer', object: emptied, seen: two.updateTime },
      ]);
      await vi.waitFor(async () => expect(await found('n')).toEqual(['one']));
      await vi.waitFor(async () => expect(await found('m')).toEqual([]));
    });

    it('finds objects by each element of a list of elementRefs, and follows its changes', async () => {
      const tenant = await plant('/a');
      const one = makeUnit(tenant, 'one', ['10.0.0.1', '2001:db8::1']);
      const two = makeUnit(childPath(tenant, 'a'), 'two', ['10.0.0.1']);
      await given.store.commit([one, two].map(unit => create('processingunit', unit)));
      const found = async (value: string) =>
        namesOf(await given.store.findBy('processingunit', tenant, 'addresses', value));
      await vi.waitFor(async () => expect(await found('10.0.0.1')).toEqual(['one', 'two']));
      await vi.waitFor(async () => expect(await found('2001:db8::1')).toEqual(['one']));
      const moved = { ...one, addresses: ['2001:db8::1', '10.0.0.2'] };
      const next = touch('processingunit', moved, new Date(AT));
      await given.store.commit([
        { kind: 'update', resource: 'processingunit', object: next, seen: one.updateTime, before: one },
      ]);
      await vi.waitFor(async () => expect(await found('10.0.0.2')).toEqual(['one']));
      await vi.waitFor(async () => expect(await found('10.0.0.1')).toEqual(['two']));
      expect(await found('2001:db8::1')).toEqual(['one']);
      await given.store.commit([
        { kind: 'delete', resource: 'processingunit', object: next, seen: next.updateTime },
      ]);
      for (const address of ['10.0.0.2', '2001:db8::1'])
        await vi.waitFor(async () => expect(await found(address)).toEqual([]));
    });

    it('finds objects by what follows from them, and follows its changes', async () => {
      const tenant = await plant('/a');
      const subjects = (...names: string[]) => names.map(name => ['@auth:realm=oidc', `@auth:email=${name}`]);
      const one = makeAuthorization(tenant, 'one', subjects('x', 'y'));
      const two = makeAuthorization(childPath(tenant, 'a'), 'two', subjects('x', 'x'));
      await given.store.commit([one, two].map(each => create('apiauthorizationpolicy', each)));
      const found = async (name: string) =>
        namesOf(await given.store.findBy('apiauthorizationpolicy', tenant, 'claims', `@auth:email=${name}`));
      await vi.waitFor(async () => expect(await found('x')).toEqual(['one', 'two']));
      const { subject } = makeAuthorization(tenant, 'next', subjects('y', 'z'));
      const next = touch('apiauthorizationpolicy', { ...one, subject }, new Date(AT));
      await given.store.commit([
        {
          kind: 'update',
          resource: 'apiauthorizationpolicy',
          object: next,
          seen: one.updateTime,
          before: one,
        },
      ]);
      await vi.waitFor(async () => expect(await found('z')).toEqual(['one']));
      await vi.waitFor(async () => expect(await found('x')).toEqual(['two']));
      expect(await found('y')).toEqual(['one']);
      await given.store.commit([
        { kind: 'delete', resource: 'apiauthorizationpolicy', object: next, seen: next.updateTime },
      ]);
      for (const name of ['y', 'z']) await vi.waitFor(async () => expect(await found(name)).toEqual([]));
    });

    it('never finds by an element that is gone, even where an update did not say what was before', async () => {
      const tenant = await plant();
      const unit = makeUnit(tenant, 'one', ['10.0.0.1']);
      await given.store.commit([create('processingunit', unit)]);
      const next = touch('processingunit', { ...unit, addresses: ['10.0.0.2'] }, new Date(AT));
      await given.store.commit([
        { kind: 'update', resource: 'processingunit', object: next, seen: unit.updateTime },
      ]);
      const found = (value: string) => given.store.findBy('processingunit', tenant, 'addresses', value);
      await vi.waitFor(async () => expect(namesOf(await found('10.0.0.2'))).toEqual(['one']));
      expect(await found('10.0.0.1')).toEqual([]);
    });

    it('changes every element of the longest list in one transaction', async () => {
      const tenant = await plant();
      const all = (from: number) => Array.from({ length: MOST_ELEMENTS }, (_, at) => `10.${from}.0.${at}`);
      const unit = makeUnit(tenant, 'one', all(0));
      await given.store.commit([create('processingunit', unit)]);
      const next = touch('processingunit', { ...unit, addresses: all(1) }, new Date(AT));
      await given.store.commit([
        { kind: 'update', resource: 'processingunit', object: next, seen: unit.updateTime, before: unit },
      ]);
      const found = () => given.store.findBy('processingunit', tenant, 'addresses', '10.1.0.31');
      await vi.waitFor(async () => expect(namesOf(await found())).toEqual(['one']));
    });

    it('tells where objects are whose moment has come, as it is after the last write, and nobody else', async () => {
      const tenant = await plant('/a');
      const poked = (namespace: NamespacePath, lastPokeTime: string) => ({
        ...makeEnforcer(namespace, 'e', ''),
        operationalStatus: 'Connected' as const,
        lastPokeTime,
      });
      const below = childPath(tenant, 'a');
      const [silent, heard, gone, never] = [
        poked(below, '2026-03-01T12:00:00.000Z'),
        poked(tenant, '2026-03-01T12:00:00.000Z'),
        poked(tenant, '2026-03-01T12:00:00.000Z'),
        makeEnforcer(tenant, 'never', ''),
      ];
      await given.store.commit([silent, heard, gone, never].map(enforcer => create('enforcer', enforcer)));
      await given.store.commit([
        {
          kind: 'refresh',
          resource: 'enforcer',
          object: { ...heard, lastPokeTime: '2026-03-01T12:08:00.000Z' },
        },
        { kind: 'delete', resource: 'enforcer', object: gone, seen: gone.updateTime },
      ]);
      const due = async (time: string) => {
        const keys = await given.store.due('enforcer', new Date(time));
        return keys.filter(({ namespace }) => tenantOf(namespace) === tenant).map(({ id }) => id);
      };
      await vi.waitFor(
        async () => expect(await due('2026-03-01T12:06:00.001Z')).toEqual([silent.ID]),
        PATIENT,
      );
      expect(await due('2026-03-01T12:02:00.000Z')).toEqual([]);
      expect((await due('2026-03-01T12:16:00.000Z')).toSorted()).toEqual([silent.ID, heard.ID].toSorted());
      expect(await given.store.due('enforcer', new Date('2026-03-01T12:06:00.001Z'))).toContainEqual({
        resource: 'enforcer',
        namespace: below,
        id: silent.ID,
      });
      await given.store.commit([
        { kind: 'refresh', resource: 'enforcer', object: { ...silent, unreachable: true } },
      ]);
      await vi.waitFor(async () => expect(await due('2026-03-01T12:06:00.001Z')).toEqual([]), PATIENT);
      expect(await given.store.due('externalnetwork', new Date('2100-01-01'))).toEqual([]);
    });

    it('knows which authorizations are over, but for those that are protected', async () => {
      const tenant = await plant();
      const subject = [['@auth:realm=oidc', '@auth:email=a']];
      const ending = (name: string, expirationTime?: string) => ({
        ...makeAuthorization(tenant, name, subject),
        ...(expirationTime === undefined ? {} : { expirationTime }),
      });
      const noon = '2026-03-01T12:00:00.000Z';
      const over = ending('over', noon);
      const kept = { ...ending('kept', noon), protected: true };
      const all = [over, kept, ending('ever'), ending('later', '2026-03-01T12:00:00.001Z')];
      await given.store.commit(all.map(policy => create('apiauthorizationpolicy', policy)));
      const due = async () => {
        const keys = await given.store.due('apiauthorizationpolicy', new Date('2026-03-01T12:00:00.001Z'));
        return keys.filter(({ namespace }) => namespace === tenant).map(({ id }) => id);
      };
      await vi.waitFor(async () => expect(await due()).toEqual([over.ID]), PATIENT);
      const object = { ...kept, protected: false, updateTime: '2026-03-01T12:00:00.001Z' };
      await given.store.commit([
        { kind: 'update', resource: 'apiauthorizationpolicy', object, seen: kept.updateTime },
      ]);
      await vi.waitFor(
        async () => expect((await due()).toSorted()).toEqual([over.ID, kept.ID].toSorted()),
        PATIENT,
      );
    });
  });
}
