import fc from 'fast-check';
import { touch } from '../../shared/core/object.ts';
import type { ObjectStore, Stored } from '../../shared/ports/object-store.ts';
import { Failure } from '../../shared/schema/failure.ts';
import { isWithin, NamespacePath, tenantOf } from '../../shared/schema/ids.ts';
import { create, freshTenant, makeEnforcer, makeNamespace } from '../make/objects.ts';

/**
 * What the store should do, said again over a plain map: enforcers in a tree of namespaces, written, read and found in
 * any order. Answers of the store are compared with the map's after every step.
 */
interface Model {
  objects: Map<string, Stored<'enforcer'>>;
}

interface Real {
  store: ObjectStore;
  tenant: NamespacePath;
  check: (real: unknown, expected: unknown) => void;
}

const PLACES = ['', '/a', '/a/b', '/a-b', '/ab'];
const MACHINES = ['', 'm1', 'm2'];

const byPlace = (a: Stored, b: Stored): number => (placeKey(a) < placeKey(b) ? -1 : 1);
const placeKey = ({ namespace, ID }: Stored): string => `${namespace}/#${ID}`;

const kindOf = async (work: Promise<void>): Promise<string> => {
  try {
    await work;
    return 'done';
  } catch (error) {
    if (error instanceof Failure) return error.kind;
    throw error;
  }
};

type Step = (model: Model, real: Real) => Promise<void>;
const pick = (model: Model, index: number): Stored<'enforcer'> | undefined =>
  [...model.objects.values()][index % Math.max(1, model.objects.size)];

const place = fc.constantFrom(...PLACES);
const machine = fc.constantFrom(...MACHINES);
const index = fc.nat(20);

const creates = fc.tuple(place, machine).map(
  ([path, machineID]): Step =>
    async (model, real) => {
      const object = makeEnforcer(NamespacePath.parse(`${real.tenant}${path}`), 'e', machineID);
      real.check(await kindOf(real.store.commit([create('enforcer', object)])), 'done');
      model.objects.set(object.ID, object);
    },
);

const createsAgain = index.map(
  (at): Step =>
    async (model, real) => {
      const object = pick(model, at);
      if (object) real.check(await kindOf(real.store.commit([create('enforcer', object)])), 'conflict');
    },
);

/** `stale`: over a version that it has not seen. */
const updates = fc.tuple(index, machine, fc.boolean()).map(
  ([at, machineID, stale]): Step =>
    async (model, real) => {
      const former = pick(model, at);
      if (!former) return;
      const object = touch('enforcer', { ...former, machineID }, new Date(0));
      const seen = stale ? object.updateTime : former.updateTime;
      const kind = await kindOf(real.store.commit([{ kind: 'update', resource: 'enforcer', object, seen }]));
      real.check(kind, stale ? 'conflict' : 'done');
      if (!stale) model.objects.set(object.ID, object);
    },
);

const deletes = fc.tuple(index, fc.boolean()).map(
  ([at, stale]): Step =>
    async (model, real) => {
      const object = pick(model, at);
      if (!object) return;
      const seen = stale ? '2000-01-01T00:00:00.000Z' : object.updateTime;
      const kind = await kindOf(real.store.commit([{ kind: 'delete', resource: 'enforcer', object, seen }]));
      real.check(kind, stale ? 'conflict' : 'done');
      if (!stale) model.objects.delete(object.ID);
    },
);

const gets = index.map(
  (at): Step =>
    async (model, real) => {
      const object = pick(model, at);
      if (!object) return;
      const key = { resource: 'enforcer', namespace: object.namespace, id: object.ID } as const;
      real.check(await real.store.get(key), object);
    },
);

const lists = fc.tuple(place, fc.integer({ min: 1, max: 4 }), fc.boolean()).map(
  ([path, limit, recursive]): Step =>
    async (model, real) => {
      const namespace = NamespacePath.parse(`${real.tenant}${path}`);
      const read = recursive ? real.store.listTree : real.store.list;
      const found: Stored<'enforcer'>[] = [];
      let after: string | undefined;
      do {
        const page = await read('enforcer', namespace, { limit, ...(after !== undefined && { after }) });
        found.push(...page.items);
        after = page.next;
      } while (after !== undefined);
      const inside = (object: Stored): boolean =>
        recursive ? isWithin(object.namespace, namespace) : object.namespace === namespace;
      real.check(found, [...model.objects.values()].filter(inside).sort(byPlace));
    },
);

const finds = fc.constantFrom('m1', 'm2').map(
  (machineID): Step =>
    async (model, real) => {
      const found = await real.store.findBy('enforcer', tenantOf(real.tenant), 'machineID', machineID);
      const expected = [...model.objects.values()].filter(object => object.machineID === machineID);
      real.check(found, expected.sort(byPlace));
    },
);

const findsIn = fc
  .tuple(
    fc.subarray(['m1', 'm2']),
    place,
    fc.integer({ min: 1, max: 4 }),
    fc.boolean(),
    fc.option(index, { nil: undefined }),
  )
  .map(
    ([machines, path, limit, recursive, at]): Step =>
      async (model, real) => {
        const namespace = NamespacePath.parse(`${real.tenant}${path}`);
        const one = at === undefined ? undefined : pick(model, at);
        const refs = [
          ...machines.map(value => ({ attribute: 'machineID', value })),
          ...(one ? [{ attribute: 'ID', value: one.ID }] : []),
        ];
        const found: Stored<'enforcer'>[] = [];
        let after: string | undefined;
        do {
          const query = { refs, recursive, limit, ...(after !== undefined && { after }) };
          const page = await real.store.listBy('enforcer', namespace, query);
          found.push(...page.items);
          after = page.next;
        } while (after !== undefined);
        const isMeant = (object: Stored<'enforcer'>): boolean =>
          (recursive ? isWithin(object.namespace, namespace) : object.namespace === namespace) &&
          (machines.includes(object.machineID) || object.ID === one?.ID);
        real.check(found, [...model.objects.values()].filter(isMeant).sort(byPlace));
      },
  );

/** Plays random histories against the store and a map, side by side. `check` compares and throws when they differ. */
export const compareWithModel = (store: ObjectStore, check: Real['check'], runs: number): Promise<void> =>
  fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.oneof(
          { weight: 3, arbitrary: creates },
          createsAgain,
          updates,
          deletes,
          gets,
          lists,
          finds,
          findsIn,
        ),
        {
          minLength: 10,
          maxLength: 40,
        },
      ),
      async steps => {
        const tenant = freshTenant();
        for (const path of PLACES)
          await store.commit([create('namespace', makeNamespace(NamespacePath.parse(`${tenant}${path}`)))]);
        const model: Model = { objects: new Map() };
        for (const step of steps) await step(model, { store, tenant, check });
      },
    ),
    { numRuns: runs },
  );
