import { expect, it } from 'vitest';
import { refKey } from '../../shared/adapters/table/keys.ts';
import { readObject } from '../../shared/adapters/table/read.ts';
import { type Held, type RefReads, refPage } from '../../shared/adapters/table/ref-page.ts';
import type { Stored } from '../../shared/ports/object-store.ts';
import { freshTenant, makeEnforcer } from '../make/objects.ts';

const tenant = freshTenant();
const machines = ['m1', 'm2', 'm1', 'm1', 'm2', 'm3', 'm1', 'm2', 'm3'];
const enforcers = machines.map((machine, at) => makeEnforcer(tenant, `e${at}`, machine));

const keyOf = ({ ID: id }: Stored<'enforcer'>) => ({ resource: 'enforcer', namespace: tenant, id }) as const;

/** An index whose answers are cut after so many items, whatever was asked for, as by their size. */
const cutAfter = (most: number): RefReads => ({
  tenants: async () => [tenant],
  query: async ({ pk, after, limit }) => {
    const inRange = enforcers.filter(enforcer => {
      const at = refKey(keyOf(enforcer), 'machineID', enforcer.machineID);
      return at.refPk === pk && at.refSk > (after?.refSk ?? '');
    });
    const items = inRange.slice(0, Math.min(most, limit));
    return {
      items: items.map(({ ID }) => ({ pk: tenant, sk: `ref#enforcer#machineID#${ID}` })),
      more: items.length < inRange.length,
    };
  },
  getAll: async keys =>
    enforcers
      .map(
        (enforcer): Held => ({ pk: tenant, sk: `enforcer#${enforcer.ID}`, object: JSON.stringify(enforcer) }),
      )
      .filter(({ sk }) => keys.some(key => key.sk === sk)),
});

it.each([1, 2, 3, 100])(
  'pages out of several values hold each object once and in order, where answers end after %i',
  async most => {
    for (const limit of [1, 2, 4, 50]) {
      const refs = ['m1', 'm2'].map(value => ({ attribute: 'machineID', value }));
      const names: string[] = [];
      let after: string | undefined;
      do {
        const query = { refs, recursive: true, limit, ...(after !== undefined && { after }) };
        const page = await refPage('enforcer', tenant, query, cutAfter(most), (resource, { object, sk }) =>
          readObject(resource, object, sk),
        );
        names.push(...page.items.map(({ name }) => name));
        after = page.next;
      } while (after !== undefined);
      expect(names).toEqual(['e0', 'e1', 'e2', 'e3', 'e4', 'e6', 'e7']);
    }
  },
);
