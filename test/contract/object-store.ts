import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { touch } from '../../shared/core/object.ts';
import type { Answered, ObjectStore, Page, Stored, Write } from '../../shared/ports/object-store.ts';
import { type Failure, fail } from '../../shared/schema/failure.ts';
import { childPath, NamespacePath, ROOT, tenantOf } from '../../shared/schema/ids.ts';
import { MOST_ELEMENTS, type Ref } from '../../shared/schema/resource.ts';
import type { TestClock } from '../make/clock.ts';
import {
  create,
  freshTenant,
  make,
  makeActivity,
  makeAuthorization,
  makeEnforcer,
  makeNamespace,
  makeNetwork,
  makeUnit,
  nextID,
} from '../make/objects.ts';

import { compareWithModel } from './store-model.ts';

export interface StoreUnderTest {
  store: ObjectStore;
  /** The same table, as another process has it open. */
  other: ObjectStore;
  /** The clock that the store was given. */
  clock: TestClock;
  stop(): Promise<void>;
}

/** For which the store under test keeps the activity log. */
export const ACTIVITY_DAYS = 30;

const AT = '2026-03-01T12:00:00.000Z';
const later = (object: Stored<'externalnetwork'>, description: string): Stored<'externalnetwork'> =>
  touch('externalnetwork', { ...object, description }, new Date(AT));

/** Of what asks an endpoint many times over. */
const PATIENT = { timeout: 10_000 };

const createPolicy = (policy: Stored<'apiauthorizationpolicy'>): Write =>
  create('apiauthorizationpolicy', policy);

const refusal = async (work: Promise<unknown>): Promise<Pick<Failure, 'kind' | 'message'>> => {
  try {
    await work;
  } catch (error) {
    if (error instanceof Error && 'kind' in error) return error as Failure;
    throw error;
  }
  throw fail('bad_request', 'nothing was refused');
};

/** Everything of a list, by pages of `limit`. */
async function every<T>(read: (after?: string) => Promise<Page<T>>): Promise<T[]> {
  const all: T[] = [];
  let after: string | undefined;
  do {
    const page = await read(after);
    all.push(...page.items);
    after = page.next;
  } while (after !== undefined);
  return all;
}

const namesOf = (objects: readonly { name: string }[]): string[] => objects.map(({ name }) => name);

/** `histories`: how many random histories are compared with the model. */
export function objectStoreContract(
  name: string,
  open: () => Promise<StoreUnderTest>,
  { histories = 40 } = {},
): void {
  describe(`object store: ${name}`, () => {
    let under: StoreUnderTest;
    let store: ObjectStore;
    beforeAll(async () => {
      under = await open();
      store = under.store;
    });
    afterAll(() => under.stop());

    /** A tenant with some namespaces in it. */
    const plant = async (...below: string[]): Promise<NamespacePath> => {
      const tenant = freshTenant();
      await store.commit([create('namespace', makeNamespace(tenant))]);
      for (const path of below)
        await store.commit([create('namespace', makeNamespace(NamespacePath.parse(`${tenant}${path}`)))]);
      return tenant;
    };
    const answerTo = (tenant: NamespacePath, key: string, request: string): Answered => ({
      tenant,
      key,
      request,
      body: { ID: 'x', list: [1, null] },
      messages: ['careful'],
      date: under.clock.now().toISOString(),
    });
    const keyOf = (object: Stored<'externalnetwork'>) =>
      ({ resource: 'externalnetwork', namespace: object.namespace, id: object.ID }) as const;

    describe('reads and writes', () => {
      it('returns what was created, byte for byte', async () => {
        const tenant = await plant();
        const network = makeNetwork(tenant, 'büro "α"\u0000\u{1F600}', { annotations: { a: ['', 'b'] } });
        await store.commit([create('externalnetwork', network)]);
        expect(await store.get(keyOf(network))).toStrictEqual(network);
      });

      it('returns nothing for what is not there, in another namespace, or of another resource', async () => {
        const tenant = await plant('/a');
        const network = makeNetwork(tenant, 'n');
        await store.commit([create('externalnetwork', network)]);
        expect(await store.get({ ...keyOf(network), id: nextID() })).toBeUndefined();
        expect(await store.get({ ...keyOf(network), namespace: childPath(tenant, 'a') })).toBeUndefined();
        expect(await store.get({ ...keyOf(network), resource: 'enforcer' })).toBeUndefined();
      });

      it('replaces an object whole on update', async () => {
        const tenant = await plant();
        const network = makeNetwork(tenant, 'n', { annotations: { a: ['b'] } });
        await store.commit([create('externalnetwork', network)]);
        const next = { ...later(network, 'new'), annotations: {} };
        await store.commit([
          { kind: 'update', resource: 'externalnetwork', object: next, seen: network.updateTime },
        ]);
        expect(await store.get(keyOf(network))).toStrictEqual(next);
      });

      it('refreshes an object in its version: readers may still write over it, and look-ups find it', async () => {
        const tenant = await plant();
        const enforcer = makeEnforcer(tenant, 'e', 'm');
        await store.commit([create('enforcer', enforcer)]);
        const fresh = { ...enforcer, currentVersion: '1.0.0' };
        await store.commit([{ kind: 'refresh', resource: 'enforcer', object: fresh }]);
        const key = { resource: 'enforcer', namespace: tenant, id: enforcer.ID } as const;
        expect(await store.get(key)).toStrictEqual(fresh);
        const found = () => store.findBy('enforcer', tenant, 'machineID', 'm');
        await vi.waitFor(async () => expect(await found()).toStrictEqual([fresh]));
        const edited = touch('enforcer', { ...fresh, description: 'd' }, new Date(AT));
        await store.commit([
          { kind: 'update', resource: 'enforcer', object: edited, seen: enforcer.updateTime },
        ]);
        const late = store.commit([{ kind: 'refresh', resource: 'enforcer', object: fresh }]);
        expect((await refusal(late)).kind).toBe('conflict');
        const gone = { ...fresh, ID: nextID() };
        const none = store.commit([{ kind: 'refresh', resource: 'enforcer', object: gone }]);
        expect((await refusal(none)).kind).toBe('not_found');
      });

      it('forgets a deleted object', async () => {
        const tenant = await plant();
        const network = makeNetwork(tenant, 'n');
        await store.commit([create('externalnetwork', network)]);
        await store.commit([
          { kind: 'delete', resource: 'externalnetwork', object: network, seen: network.updateTime },
        ]);
        expect(await store.get(keyOf(network))).toBeUndefined();
        expect((await store.list('externalnetwork', tenant, { limit: 9 })).items).toEqual([]);
      });
    });

    describe('all objects of a namespace', () => {
      const listed = (tenant: NamespacePath) =>
        every(after =>
          store.list('apiauthorizationpolicy', tenant, {
            limit: 100,
            ...(after === undefined ? {} : { after }),
          }),
        );

      it('are those of its list, whichever process wrote last, and however they were written', async () => {
        const tenant = await plant('/a');
        const { other } = under;
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
        await store.commit([one, two, policy('below', childPath(tenant, 'a'))].map(createPolicy));
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
        const stale = store.commit([
          { kind: 'delete', resource: 'apiauthorizationpolicy', object: one, seen: one.updateTime },
        ]);
        expect((await refusal(stale)).kind).toBe('conflict');
        expect(await same()).toEqual(['changed', 'three']);
        await store.commit([
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
          await store.commit(policies.slice(from, from + 20).map(createPolicy));
        const first = await store.all('apiauthorizationpolicy', tenant);
        expect(first).toHaveLength(60);
        expect(await store.all('apiauthorizationpolicy', tenant)).toBe(first);
      });

      it('written at once by many are all there', async () => {
        const tenant = await plant();
        const { other } = under;
        const policies = Array.from({ length: 8 }, (_, at) =>
          makeAuthorization(tenant, `p${at}`, [['@auth:realm=oidc', `@auth:email=${at}`]]),
        );
        await Promise.all(
          policies.map((policy, at) => (at % 2 === 0 ? store : other).commit([createPolicy(policy)])),
        );
        const first = await store.all('apiauthorizationpolicy', tenant);
        expect(first).toHaveLength(8);
        expect(await store.all('apiauthorizationpolicy', tenant)).toBe(first);
      });
    });

    describe('refusals', () => {
      it('refuses a create over an ID that exists, as a conflict', async () => {
        const tenant = await plant();
        const network = makeNetwork(tenant, 'n');
        await store.commit([create('externalnetwork', network)]);
        expect((await refusal(store.commit([create('externalnetwork', network)]))).kind).toBe('conflict');
      });

      it('refuses a second object under a unique name, as a duplicate that names it', async () => {
        const tenant = await plant('/a');
        const again = await refusal(
          store.commit([create('namespace', makeNamespace(childPath(tenant, 'a')))]),
        );
        expect(again).toMatchObject({ kind: 'duplicate', message: expect.stringContaining(`${tenant}/a`) });
      });

      it('lets the same unique name stand in two namespaces, and stand again after a delete', async () => {
        const tenant = await plant('/a');
        const account = (namespace: NamespacePath) =>
          make('cloudaccount', namespace, { name: 'x', accountID: '123', provider: 'aws' });
        const first = account(tenant);
        await store.commit([create('cloudaccount', first)]);
        await store.commit([create('cloudaccount', account(childPath(tenant, 'a')))]);
        await store.commit([
          { kind: 'delete', resource: 'cloudaccount', object: first, seen: first.updateTime },
        ]);
        await expect(store.commit([create('cloudaccount', account(tenant))])).resolves.toBeUndefined();
      });

      it('refuses an update over a version it has not seen', async () => {
        const tenant = await plant();
        const network = makeNetwork(tenant, 'n');
        await store.commit([create('externalnetwork', network)]);
        const next = later(network, 'new');
        const update = {
          kind: 'update',
          resource: 'externalnetwork',
          object: next,
          seen: network.updateTime,
        } as const;
        await store.commit([update]);
        expect((await refusal(store.commit([update]))).kind).toBe('conflict');
        const stale = {
          kind: 'delete',
          resource: 'externalnetwork',
          object: next,
          seen: network.updateTime,
        } as const;
        expect((await refusal(store.commit([stale]))).kind).toBe('conflict');
      });

      it('says not_found for an update or delete of what is not there', async () => {
        const tenant = await plant();
        const object = makeNetwork(tenant, 'n');
        const step = { resource: 'externalnetwork', object, seen: object.updateTime } as const;
        expect((await refusal(store.commit([{ kind: 'update', ...step }]))).kind).toBe('not_found');
        expect((await refusal(store.commit([{ kind: 'delete', ...step }]))).kind).toBe('not_found');
      });

      it('requires a namespace to exist; the root always does', async () => {
        const tenant = await plant('/a');
        const missing = childPath(tenant, 'b');
        const network = makeNetwork(missing, 'n');
        const refused = await refusal(
          store.commit([{ kind: 'require', namespace: missing }, create('externalnetwork', network)]),
        );
        expect(refused).toMatchObject({ kind: 'not_found', message: expect.stringContaining(missing) });
        expect(await store.get(keyOf(network))).toBeUndefined();
        await store.commit([
          { kind: 'require', namespace: ROOT },
          { kind: 'require', namespace: childPath(tenant, 'a') },
        ]);
      });

      it('takes no object into a namespace that is being deleted, until it is not any more', async () => {
        const tenant = await plant('/a');
        const path = childPath(tenant, 'a');
        const open = await store.getByName('namespace', tenant, path);
        if (!open) throw new Error('not planted');
        const insert = (name: string) =>
          store.commit([
            { kind: 'require', namespace: path },
            create('externalnetwork', makeNetwork(path, name)),
          ]);
        const step = { kind: 'update', resource: 'namespace' } as const;
        const checking: Stored<'namespace'> = { ...open, deletion: 'Checking' };
        await store.commit([{ ...step, object: checking, seen: open.updateTime }]);
        expect(await refusal(insert('late'))).toMatchObject({
          kind: 'not_found',
          message: expect.stringContaining(path),
        });
        expect(await store.getByName('namespace', tenant, path)).toStrictEqual(checking);
        await store.commit([{ ...step, object: open, seen: open.updateTime }]);
        await insert('in time');
      });

      it.each(['Purging', 'Hidden'] as const)(
        'finds a %s namespace by its ID and not by its name, which stays taken',
        async deletion => {
          const tenant = await plant('/a');
          const path = childPath(tenant, 'a');
          const open = await store.getByName('namespace', tenant, path);
          if (!open) throw new Error('not planted');
          const hidden: Stored<'namespace'> = { ...open, deletion };
          await store.commit([
            { kind: 'update', resource: 'namespace', object: hidden, seen: open.updateTime },
          ]);
          expect(await store.getByName('namespace', tenant, path)).toBeUndefined();
          expect((await refusal(store.commit([{ kind: 'require', namespace: path }]))).kind).toBe(
            'not_found',
          );
          const again = store.commit([create('namespace', makeNamespace(path))]);
          expect((await refusal(again)).kind).toBe('duplicate');
          expect(await store.get({ resource: 'namespace', namespace: tenant, id: open.ID })).toStrictEqual(
            hidden,
          );
          const found = () => store.findBy('namespace', tenant, 'deletion', deletion);
          await vi.waitFor(async () => expect(await found()).toStrictEqual([hidden]));
          await store.commit([
            { kind: 'delete', resource: 'namespace', object: hidden, seen: hidden.updateTime },
          ]);
          await store.commit([create('namespace', makeNamespace(path))]);
        },
      );

      it('lets one commit make a namespace and what lives in it', async () => {
        const tenant = freshTenant();
        const network = makeNetwork(tenant, 'n');
        await store.commit([
          create('namespace', makeNamespace(tenant)),
          { kind: 'require', namespace: tenant },
          create('externalnetwork', network),
        ]);
        expect(await store.get(keyOf(network))).toStrictEqual(network);
      });

      it('does all steps or none', async () => {
        const tenant = await plant();
        const [one, two] = [makeNetwork(tenant, 'one'), makeNetwork(tenant, 'two')];
        await store.commit([create('externalnetwork', two)]);
        const refused = store.commit([
          create('externalnetwork', one),
          { kind: 'activity', activity: makeActivity(tenant, one, AT) },
          create('externalnetwork', two),
        ]);
        expect((await refusal(refused)).kind).toBe('conflict');
        expect(await store.get(keyOf(one))).toBeUndefined();
        expect((await store.activities(tenant, { limit: 9 })).items).toEqual([]);
      });

      it('refuses an object of more than 400 KB and more than 100 items, as too_large', async () => {
        const tenant = await plant();
        const big = makeNetwork(tenant, 'big', { annotations: { a: ['x'.repeat(400 * 1024)] } });
        expect((await refusal(store.commit([create('externalnetwork', big)]))).kind).toBe('too_large');
        const many = (count: number) =>
          Array.from({ length: count }, (_, index) =>
            create('externalnetwork', makeNetwork(tenant, `n${index}`)),
          );
        expect((await refusal(store.commit(many(101)))).kind).toBe('too_large');
        await store.commit(many(100));
        expect(await every(after => page(tenant, 33, after))).toHaveLength(100);
      });

      it('refuses two writes of one object in one commit', async () => {
        const tenant = await plant();
        const network = makeNetwork(tenant, 'n');
        const twice = store.commit([
          create('externalnetwork', network),
          { kind: 'delete', resource: 'externalnetwork', object: network, seen: network.updateTime },
        ]);
        expect((await refusal(twice)).kind).toBe('bad_request');
      });
    });

    const page = (namespace: NamespacePath, limit: number, after?: string) =>
      store.list('externalnetwork', namespace, { limit, ...(after !== undefined && { after }) });
    const treePage = (namespace: NamespacePath, limit: number, after?: string) =>
      store.listTree('externalnetwork', namespace, { limit, ...(after !== undefined && { after }) });

    describe('look-ups', () => {
      it('finds an object by its unique name, as it is now', async () => {
        const tenant = await plant('/a');
        const path = childPath(tenant, 'a');
        const found = await store.getByName('namespace', tenant, path);
        expect(found?.name).toBe(path);
        if (!found) return;
        const next = touch('namespace', { ...found, description: 'new' }, new Date(AT));
        await store.commit([{ kind: 'update', resource: 'namespace', object: next, seen: found.updateTime }]);
        expect(await store.getByName('namespace', tenant, path)).toStrictEqual(next);
        await store.commit([{ kind: 'delete', resource: 'namespace', object: next, seen: next.updateTime }]);
        expect(await store.getByName('namespace', tenant, path)).toBeUndefined();
      });

      it('finds objects of a tenant by ID, and not those of another tenant', async () => {
        const tenant = await plant('/a', '/a/b');
        const other = await plant();
        const enforcer = makeEnforcer(NamespacePath.parse(`${tenant}/a/b`), 'e', 'm1');
        await store.commit([create('enforcer', enforcer)]);
        await vi.waitFor(async () =>
          expect(await store.findBy('enforcer', tenant, 'ID', enforcer.ID)).toStrictEqual([enforcer]),
        );
        expect(await store.findBy('enforcer', other, 'ID', enforcer.ID)).toEqual([]);
        expect(await store.findBy('externalnetwork', tenant, 'ID', enforcer.ID)).toEqual([]);
      });

      it('finds objects by an attribute of refs, follows its changes, and knows no empty value', async () => {
        const tenant = await plant('/a');
        const [one, two, none] = [
          makeEnforcer(tenant, 'one', 'm'),
          makeEnforcer(childPath(tenant, 'a'), 'two', 'm'),
          makeEnforcer(tenant, 'none', ''),
        ];
        await store.commit([one, two, none].map(enforcer => create('enforcer', enforcer)));
        const found = async (value: string) =>
          namesOf(await store.findBy('enforcer', tenant, 'machineID', value));
        await vi.waitFor(async () => expect(await found('m')).toEqual(['one', 'two']));
        expect(await found('')).toEqual([]);
        const moved = touch('enforcer', { ...one, machineID: 'n' }, new Date(AT));
        const emptied = touch('enforcer', { ...two, machineID: '' }, new Date(AT));
        await store.commit([
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
        await store.commit([one, two].map(unit => create('processingunit', unit)));
        const found = async (value: string) =>
          namesOf(await store.findBy('processingunit', tenant, 'addresses', value));
        await vi.waitFor(async () => expect(await found('10.0.0.1')).toEqual(['one', 'two']));
        await vi.waitFor(async () => expect(await found('2001:db8::1')).toEqual(['one']));
        const moved = { ...one, addresses: ['2001:db8::1', '10.0.0.2'] };
        const next = touch('processingunit', moved, new Date(AT));
        await store.commit([
          { kind: 'update', resource: 'processingunit', object: next, seen: one.updateTime, before: one },
        ]);
        await vi.waitFor(async () => expect(await found('10.0.0.2')).toEqual(['one']));
        await vi.waitFor(async () => expect(await found('10.0.0.1')).toEqual(['two']));
        expect(await found('2001:db8::1')).toEqual(['one']);
        await store.commit([
          { kind: 'delete', resource: 'processingunit', object: next, seen: next.updateTime },
        ]);
        for (const address of ['10.0.0.2', '2001:db8::1'])
          await vi.waitFor(async () => expect(await found(address)).toEqual([]));
      });

      it('finds objects by what follows from them, and follows its changes', async () => {
        const tenant = await plant('/a');
        const subjects = (...names: string[]) =>
          names.map(name => ['@auth:realm=oidc', `@auth:email=${name}`]);
        const one = makeAuthorization(tenant, 'one', subjects('x', 'y'));
        const two = makeAuthorization(childPath(tenant, 'a'), 'two', subjects('x', 'x'));
        await store.commit([one, two].map(each => create('apiauthorizationpolicy', each)));
        const found = async (name: string) =>
          namesOf(await store.findBy('apiauthorizationpolicy', tenant, 'claims', `@auth:email=${name}`));
        await vi.waitFor(async () => expect(await found('x')).toEqual(['one', 'two']));
        const { subject } = makeAuthorization(tenant, 'next', subjects('y', 'z'));
        const next = touch('apiauthorizationpolicy', { ...one, subject }, new Date(AT));
        await store.commit([
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
        await store.commit([
          { kind: 'delete', resource: 'apiauthorizationpolicy', object: next, seen: next.updateTime },
        ]);
        for (const name of ['y', 'z']) await vi.waitFor(async () => expect(await found(name)).toEqual([]));
      });

      it('never finds by an element that is gone, even where an update did not say what was before', async () => {
        const tenant = await plant();
        const unit = makeUnit(tenant, 'one', ['10.0.0.1']);
        await store.commit([create('processingunit', unit)]);
        const next = touch('processingunit', { ...unit, addresses: ['10.0.0.2'] }, new Date(AT));
        await store.commit([
          { kind: 'update', resource: 'processingunit', object: next, seen: unit.updateTime },
        ]);
        const found = (value: string) => store.findBy('processingunit', tenant, 'addresses', value);
        await vi.waitFor(async () => expect(namesOf(await found('10.0.0.2'))).toEqual(['one']));
        expect(await found('10.0.0.1')).toEqual([]);
      });

      it('changes every element of the longest list in one transaction', async () => {
        const tenant = await plant();
        const all = (from: number) => Array.from({ length: MOST_ELEMENTS }, (_, at) => `10.${from}.0.${at}`);
        const unit = makeUnit(tenant, 'one', all(0));
        await store.commit([create('processingunit', unit)]);
        const next = touch('processingunit', { ...unit, addresses: all(1) }, new Date(AT));
        await store.commit([
          { kind: 'update', resource: 'processingunit', object: next, seen: unit.updateTime, before: unit },
        ]);
        const found = () => store.findBy('processingunit', tenant, 'addresses', '10.1.0.31');
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
        await store.commit([silent, heard, gone, never].map(enforcer => create('enforcer', enforcer)));
        await store.commit([
          {
            kind: 'refresh',
            resource: 'enforcer',
            object: { ...heard, lastPokeTime: '2026-03-01T12:08:00.000Z' },
          },
          { kind: 'delete', resource: 'enforcer', object: gone, seen: gone.updateTime },
        ]);
        const due = async (time: string) => {
          const keys = await store.due('enforcer', new Date(time));
          return keys.filter(({ namespace }) => tenantOf(namespace) === tenant).map(({ id }) => id);
        };
        await vi.waitFor(
          async () => expect(await due('2026-03-01T12:06:00.001Z')).toEqual([silent.ID]),
          PATIENT,
        );
        expect(await due('2026-03-01T12:02:00.000Z')).toEqual([]);
        expect((await due('2026-03-01T12:16:00.000Z')).toSorted()).toEqual([silent.ID, heard.ID].toSorted());
        expect(await store.due('enforcer', new Date('2026-03-01T12:06:00.001Z'))).toContainEqual({
          resource: 'enforcer',
          namespace: below,
          id: silent.ID,
        });
        await store.commit([
          { kind: 'refresh', resource: 'enforcer', object: { ...silent, unreachable: true } },
        ]);
        await vi.waitFor(async () => expect(await due('2026-03-01T12:06:00.001Z')).toEqual([]), PATIENT);
        expect(await store.due('externalnetwork', new Date('2100-01-01'))).toEqual([]);
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
        await store.commit(all.map(policy => create('apiauthorizationpolicy', policy)));
        const due = async () => {
          const keys = await store.due('apiauthorizationpolicy', new Date('2026-03-01T12:00:00.001Z'));
          return keys.filter(({ namespace }) => namespace === tenant).map(({ id }) => id);
        };
        await vi.waitFor(async () => expect(await due()).toEqual([over.ID]), PATIENT);
        const object = { ...kept, protected: false, updateTime: '2026-03-01T12:00:00.001Z' };
        await store.commit([
          { kind: 'update', resource: 'apiauthorizationpolicy', object, seen: kept.updateTime },
        ]);
        await vi.waitFor(
          async () => expect((await due()).toSorted()).toEqual([over.ID, kept.ID].toSorted()),
          PATIENT,
        );
      });

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
        await store.commit(units.map(each => create('processingunit', each)));
        const other = units[4]?.ID ?? '';
        const mine = { attribute: 'enforcerID', value: enforcerID };
        const addressed = { attribute: 'addresses', value: '10.0.0.2' };
        const pages = async (path: string, recursive: boolean, limit: number, ...refs: Ref[]) =>
          namesOf(
            await every(after =>
              store.listBy('processingunit', at(path), {
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
        await store.commit(enforcers.map(enforcer => create('enforcer', enforcer)));
        const refs = [{ attribute: 'machineID', value: 'm' }];
        const query = { refs, recursive: true, limit: 1 };
        await vi.waitFor(async () => {
          const tree = await store.listTree('enforcer', tenant, { limit: 1 });
          const found = await store.listBy('enforcer', tenant, query);
          expect(found).toStrictEqual(tree);
          const after = found.next ?? '';
          expect(await store.listBy('enforcer', tenant, { ...query, after })).toStrictEqual(
            await store.listTree('enforcer', tenant, { limit: 1, after }),
          );
        });
        const { next: after = '' } = await store.listBy('enforcer', tenant, query);
        const moved = store.listBy('enforcer', below, { ...query, after });
        expect((await refusal(moved)).kind).toBe('bad_request');
      });

      it('lists nothing by a value that an object has no more, and goes on behind it', async () => {
        const tenant = await plant();
        const units = ['one', 'two', 'three'].map(name => makeUnit(tenant, name, ['10.0.0.1']));
        await store.commit(units.map(unit => create('processingunit', unit)));
        const found = async (limit: number) =>
          namesOf(
            await every(after =>
              store.listBy('processingunit', tenant, {
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
        await store.commit([
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
        for (const unit of units) await store.commit([create('processingunit', unit)]);
        const query = { refs: [{ attribute: 'addresses', value: '10.0.0.1' }], recursive: true, limit: 9 };
        await vi.waitFor(async () => {
          const first = await store.listBy('processingunit', tenant, query);
          expect(namesOf(first.items)).toEqual(['one', 'two', 'three']);
          const { next: after = '' } = first;
          const second = await store.listBy('processingunit', tenant, { ...query, after });
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
        for (const enforcer of enforcers) await store.commit([create('enforcer', enforcer)]);
        const machine = { attribute: 'machineID', value };
        const names = async (limit: number, ...refs: Ref[]) =>
          namesOf(
            await every(after =>
              store.listBy('enforcer', ROOT, {
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
          store.listBy('enforcer', namespace, {
            refs: [{ attribute, value: 'x' }],
            recursive: true,
            limit: 9,
          });
        expect((await refusal(by('name', tenant))).kind).toBe('bad_request');
        expect((await refusal(by('name', ROOT))).kind).toBe('bad_request');
      });

      it('refuses an attribute that is not indexed and a namespace that is no tenant', async () => {
        const tenant = await plant();
        expect((await refusal(store.findBy('enforcer', tenant, 'name', 'x'))).kind).toBe('bad_request');
        const below = childPath(tenant, 'a');
        expect((await refusal(store.findBy('enforcer', below, 'ID', nextID()))).kind).toBe('bad_request');
      });
    });

    describe('lists', () => {
      it('lists one namespace in order of creation, in pages of any size', async () => {
        const tenant = await plant('/a');
        const names = ['c', 'a', 'b', 'e', 'd'];
        await store.commit(names.map(each => create('externalnetwork', makeNetwork(tenant, each))));
        await store.commit([create('externalnetwork', makeNetwork(childPath(tenant, 'a'), 'below'))]);
        for (const limit of [1, 2, 5, 100])
          expect(namesOf(await every(after => page(tenant, limit, after)))).toEqual(names);
      });

      it('gives no cursor on the last page', async () => {
        const tenant = await plant();
        const networks = ['a', 'b'].map(each => create('externalnetwork', makeNetwork(tenant, each)));
        await store.commit(networks);
        expect(await page(tenant, 2)).not.toHaveProperty('next');
        expect(await page(tenant, 1)).toHaveProperty('next');
      });

      it('lists a namespace and what is below, and no sibling whose name begins alike', async () => {
        const tenant = await plant('/a', '/a-b', '/a/b', '/ab');
        for (const path of ['', '/a', '/a-b', '/a/b', '/ab'])
          await store.commit([
            create('externalnetwork', makeNetwork(NamespacePath.parse(`${tenant}${path}`), `in ${path}`)),
          ]);
        const below = childPath(tenant, 'a');
        for (const limit of [1, 2, 100]) {
          await vi.waitFor(async () =>
            expect(namesOf(await every(after => treePage(below, limit, after)))).toEqual([
              'in /a',
              'in /a/b',
            ]),
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
          await store.commit([create('externalnetwork', makeNetwork(tenant, tenant))]);
        await vi.waitFor(async () => {
          const names = namesOf(await every(after => treePage(ROOT, 50, after)));
          expect(names.filter(each => tenants.some(tenant => tenant === each))).toEqual(tenants.toSorted());
        }, 30_000);
      });

      it('ends a page at 1 MB and goes on behind it', async () => {
        const tenant = await plant();
        const annotations = { a: ['x'.repeat(300 * 1024)] };
        for (const each of ['a', 'b', 'c', 'd', 'e'])
          await store.commit([create('externalnetwork', makeNetwork(tenant, each, { annotations }))]);
        const first = await page(tenant, 100);
        expect(first.items.length).toBeGreaterThan(0);
        expect(first.items.length).toBeLessThan(5);
        expect(namesOf(await every(after => page(tenant, 100, after)))).toEqual(['a', 'b', 'c', 'd', 'e']);
        expect(namesOf(await every(after => treePage(tenant, 100, after)))).toEqual([
          'a',
          'b',
          'c',
          'd',
          'e',
        ]);
      });

      it('refuses a cursor that is made up, damaged, or of a place outside', async () => {
        const tenant = await plant('/a', '/b');
        const inside = childPath(tenant, 'a');
        for (const path of [inside, childPath(tenant, 'b')])
          for (const each of ['x', 'y'])
            await store.commit([create('externalnetwork', makeNetwork(path, each))]);
        const foreign = (await treePage(childPath(tenant, 'b'), 1)).next ?? '';
        for (const cursor of ['', 'x', 'bnVsbA', foreign, Buffer.from('["a"]').toString('base64url')])
          expect((await refusal(treePage(inside, 1, cursor))).kind).toBe('bad_request');
        expect((await refusal(page(inside, 1, foreign))).kind).toBe('bad_request');
        expect((await refusal(page(inside, 0))).kind).toBe('bad_request');
      });
    });

    it('does what a map does, over random histories', () =>
      compareWithModel(store, (real, expected) => expect(real).toEqual(expected), histories));

    describe('activity', () => {
      it('is listed newest first, by namespace, in pages', async () => {
        const tenant = await plant('/a');
        const network = makeNetwork(tenant, 'n');
        const dates = [1, 2, 3, 4, 5].map(second => `2026-03-01T12:00:0${second}.000Z`);
        for (const date of dates) {
          const activity = makeActivity(tenant, network, date);
          await store.commit([{ kind: 'activity', activity }]);
        }
        await store.commit([
          { kind: 'activity', activity: makeActivity(childPath(tenant, 'a'), network, AT) },
        ]);
        const all = await every(after =>
          store.activities(tenant, { limit: 2, ...(after !== undefined && { after }) }),
        );
        expect(all.map(({ date }) => date)).toEqual(dates.toReversed());
        expect(all[0]).toMatchObject({ targetID: network.ID, after: { ID: network.ID } });
        const window = { from: dates[1] ?? '', to: dates[4] ?? '' };
        for (const limit of [1, 2, 9]) {
          const inside = await every(after =>
            store.activities(tenant, { ...window, limit, ...(after !== undefined && { after }) }),
          );
          expect(inside.map(({ date }) => date)).toEqual(dates.slice(1, 4).toReversed());
        }
      });

      it('is kept for so many days and not shown a moment longer', async () => {
        const tenant = await plant('/a');
        const now = under.clock.now().getTime();
        const ends = now - ACTIVITY_DAYS * 24 * 3600_000;
        const dates = [ends - 1000, ends, ends + 1, now].map(time => new Date(time).toISOString());
        for (const date of dates) {
          const activity = makeActivity(tenant, makeNetwork(tenant, 'n'), date);
          await store.commit([{ kind: 'activity', activity }]);
        }
        for (const limit of [1, 2, 9]) {
          const kept = await every(after =>
            store.activities(tenant, { from: '', limit, ...(after !== undefined && { after }) }),
          );
          expect(kept.map(({ date }) => date)).toEqual([dates[3], dates[2]]);
        }
      });

      it('keeps a refused write, which may name no object of the registry', async () => {
        const tenant = await plant('/a');
        const { targetID: _, after: __, ...entry } = makeActivity(tenant, makeNetwork(tenant, 'n'), AT);
        const error = [{ code: 403, title: 'Forbidden', description: 'no' }];
        const refused = { ...entry, targetIdentity: 'import', source: '192.0.2.1', error };
        await store.commit([{ kind: 'activity', activity: refused }]);
        expect((await store.activities(tenant, { limit: 9 })).items).toEqual([refused]);
      });
    });

    describe('a check', () => {
      it('refuses what a commit would refuse, for the same reason', async () => {
        const tenant = await plant('/a');
        const network = makeNetwork(tenant, 'n');
        await store.commit([create('externalnetwork', network)]);
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
          expect(await refusal(store.check([write])), kind).toMatchObject({ kind });
          expect(await refusal(store.commit([write])), kind).toMatchObject({ kind });
        }
      });

      it('of what a commit would do writes nothing', async () => {
        const tenant = await plant();
        const [there, made] = [makeNetwork(tenant, 'there'), makeNetwork(tenant, 'made')];
        await store.commit([create('externalnetwork', there)]);
        await store.check([
          { kind: 'require', namespace: tenant },
          create('externalnetwork', made),
          { kind: 'delete', resource: 'externalnetwork', object: there, seen: there.updateTime },
          { kind: 'activity', activity: makeActivity(tenant, made, AT) },
          { kind: 'answer', answer: answerTo(tenant, 'key', 'request') },
        ]);
        expect((await store.list('externalnetwork', tenant, { limit: 9 })).items).toStrictEqual([there]);
        expect((await store.activities(tenant, { limit: 9 })).items).toEqual([]);
        expect(await store.answered(tenant, 'key')).toBeUndefined();
      });
    });

    describe('answers', () => {
      it('are found by tenant and key for 24 hours, and then the key is free again', async () => {
        const [tenant, other] = [freshTenant(), freshTenant()];
        const answer = answerTo(tenant, 'a#b', 'first');
        await store.commit([{ kind: 'answer', answer }]);
        expect(await store.answered(tenant, 'a#b')).toStrictEqual(answer);
        expect(await store.answered(tenant, 'a')).toBeUndefined();
        expect(await store.answered(other, 'a#b')).toBeUndefined();
        under.clock.advance(24 * 3600_000 - 1000);
        const early = await refusal(
          store.commit([{ kind: 'answer', answer: answerTo(tenant, 'a#b', 'second') }]),
        );
        expect(early.kind).toBe('conflict');
        under.clock.advance(1000);
        expect(await store.answered(tenant, 'a#b')).toBeUndefined();
        const second = answerTo(tenant, 'a#b', 'second');
        await store.commit([{ kind: 'answer', answer: second }]);
        expect(await store.answered(tenant, 'a#b')).toStrictEqual(second);
      });

      it('of many with one key let one be written, with what goes with it', async () => {
        const tenant = await plant();
        const kinds = await Promise.all(
          Array.from({ length: 20 }, (_, index) =>
            store
              .commit([
                { kind: 'answer', answer: answerTo(tenant, 'key', `${index}`) },
                create('externalnetwork', makeNetwork(tenant, `n${index}`)),
              ])
              .then(
                () => 'written',
                error => error.kind,
              ),
          ),
        );
        expect(kinds.sort()).toEqual([...Array.from({ length: 19 }, () => 'conflict'), 'written']);
        const { items } = await store.list('externalnetwork', tenant, { limit: 99 });
        const kept = await store.answered(tenant, 'key');
        expect(items.map(({ name }) => name)).toEqual([`n${kept?.request}`]);
      });
    });

    describe('one-use keys', () => {
      it('says true once for a key of a tenant, and true again only after its time', async () => {
        const [tenant, other] = [freshTenant(), freshTenant()];
        expect(await store.once(tenant, 'jti', 60)).toBe(true);
        expect(await store.once(tenant, 'jti', 60)).toBe(false);
        expect(await store.once(other, 'jti', 60)).toBe(true);
        expect(await store.once(tenant, 'another', 60)).toBe(true);
        under.clock.advance(59_000);
        expect(await store.once(tenant, 'jti', 60)).toBe(false);
        under.clock.advance(2_000);
        expect(await store.once(tenant, 'jti', 60)).toBe(true);
      });

      it('tells whether a key was used, and does not use it', async () => {
        const [tenant, other] = [freshTenant(), freshTenant()];
        for (const _ of [1, 2]) expect(await store.wasUsed(tenant, 'jti')).toBe(false);
        expect(await store.once(tenant, 'jti', 60)).toBe(true);
        expect(await store.wasUsed(tenant, 'jti')).toBe(true);
        expect(await store.wasUsed(other, 'jti')).toBe(false);
        expect(await store.uses(tenant, 'jti')).toBe(0);
        under.clock.advance(61_000);
        expect(await store.wasUsed(tenant, 'jti')).toBe(false);
      });

      it('lets one of many win', async () => {
        const tenant = freshTenant();
        const answers = await Promise.all(Array.from({ length: 50 }, () => store.once(tenant, 'jti', 60)));
        expect(answers.filter(first => first)).toHaveLength(1);
      });
    });

    describe('counted keys', () => {
      it('counts the uses of a key of a tenant up to the limit', async () => {
        const [tenant, other] = [freshTenant(), freshTenant()];
        expect(await store.take(tenant, 'quota', 2, 60)).toBe(1);
        expect(await store.take(tenant, 'quota', 2, 60)).toBe(2);
        expect(await store.take(tenant, 'quota', 2, 60)).toBeUndefined();
        expect(await store.take(tenant, 'quota', 1, 60)).toBeUndefined();
        expect(await store.take(tenant, 'quota', 3, 60)).toBe(3);
        expect(await store.take(other, 'quota', 2, 60)).toBe(1);
        expect(await store.take(tenant, 'another', 1, 60)).toBe(1);
        under.clock.advance(59_000);
        expect(await store.take(tenant, 'quota', 3, 60)).toBeUndefined();
      });

      it('tells how many uses were counted, and counts none', async () => {
        const [tenant, other] = [freshTenant(), freshTenant()];
        for (const _ of [1, 2]) expect(await store.uses(tenant, 'quota')).toBe(0);
        for (const _ of [1, 2, 3]) await store.take(tenant, 'quota', 2, 60);
        for (const _ of [1, 2]) expect(await store.uses(tenant, 'quota')).toBe(2);
        expect(await store.uses(other, 'quota')).toBe(0);
        expect(await store.wasUsed(tenant, 'quota')).toBe(false);
      });

      it('gives each number to one of many', async () => {
        const tenant = freshTenant();
        const uses = await Promise.all(Array.from({ length: 50 }, () => store.take(tenant, 'quota', 20, 60)));
        const counted = uses.filter(use => use !== undefined).sort((a, b) => a - b);
        expect(counted).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
      });
    });

    describe('races', () => {
      it('lets one of many creates of a name win; the others are duplicates', async () => {
        const tenant = await plant();
        const path = childPath(tenant, 'a');
        const kinds = await Promise.all(
          Array.from({ length: 30 }, () =>
            store.commit([create('namespace', makeNamespace(path))]).then(
              () => 'made',
              error => error.kind,
            ),
          ),
        );
        expect(kinds.sort()).toEqual([...Array.from({ length: 29 }, () => 'duplicate'), 'made']);
        expect((await store.list('namespace', tenant, { limit: 9 })).items).toHaveLength(1);
      });

      it('lets one of many transactions that take a name win whole: of the others nothing is done', async () => {
        const tenant = await plant();
        const networks = Array.from({ length: 20 }, (_, index) => makeNetwork(tenant, `n${index}`));
        await store.commit(networks.map(network => create('externalnetwork', network)));
        const path = childPath(tenant, 'a');
        const kinds = await Promise.all(
          networks.map(network => {
            const object = later(network, 'changed');
            return store
              .commit([
                { kind: 'update', resource: 'externalnetwork', object, seen: network.updateTime },
                create('namespace', makeNamespace(path)),
              ])
              .then(
                () => 'made',
                error => error.kind,
              );
          }),
        );
        expect(kinds.toSorted()).toEqual([...Array.from({ length: 19 }, () => 'duplicate'), 'made']);
        const { items } = await store.list('externalnetwork', tenant, { limit: 99 });
        const changed = items.filter(({ description }) => description === 'changed');
        expect(changed.map(({ ID }) => ID)).toEqual([networks[kinds.indexOf('made')]?.ID]);
      });

      it('lets one of many updates of a version win; the others are conflicts', async () => {
        const tenant = await plant();
        const network = makeNetwork(tenant, 'n');
        await store.commit([create('externalnetwork', network)]);
        const kinds = await Promise.all(
          Array.from({ length: 30 }, (_, index) => {
            const object = later(network, `by ${index}`);
            return store
              .commit([{ kind: 'update', resource: 'externalnetwork', object, seen: network.updateTime }])
              .then(
                () => 'written',
                error => error.kind,
              );
          }),
        );
        expect(kinds.sort()).toEqual([...Array.from({ length: 29 }, () => 'conflict'), 'written']);
      });
    });
  });
}
