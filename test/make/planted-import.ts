import { expect } from 'vitest';
import { NamespacePath } from '../../shared/schema/ids.ts';
import { identities } from '../../shared/schema/resources.ts';
import { begin, shown } from './importing.ts';
import type { Plane } from './plane.ts';

const network = (name: string, more: object = {}) => ({ name, entries: ['192.0.2.0/24'], ...more });
const LABEL = { label: 'l' };

/** What was imported before: some of it changes, some goes, and a namespace with it. */
const FORMER = {
  externalnetworks: [
    network('stays', { namespace: 'a' }),
    network('changes'),
    network('goes'),
    network('goes', { namespace: 'old' }),
  ],
  namespaces: [{ name: 'a' }, { name: 'old' }],
};
const networks = (count: number, namespace: string) =>
  Array.from({ length: count }, (_, at) => network(`n${at}`, { namespace }));
/** In two parts: a namespace of its own, and one with more objects than one transaction takes. */
const FILE = {
  data: {
    externalnetworks: [
      network('stays', { namespace: 'a' }),
      network('changes', { description: 'changed' }),
      ...networks(60, 'a'),
      ...networks(150, 'a/b'),
    ],
    networkrulesetpolicies: [{ name: 'web', subject: [['app=web']], namespace: 'a/b' }],
    namespaces: [{ name: 'b', namespace: 'a' }, { name: 'a' }],
  },
};
const COUNTS = {
  created: 212,
  updated: 1,
  unchanged: 2,
  removed: 3,
  leftOut: 0,
  total: 218,
  validated: 218,
  applied: 218,
};

/** A tenant in which an import under the same label is over, and another one is started. */
export async function plant(plane: Plane): Promise<{ tenant: string; ID: string }> {
  const tenant = await plane.tenant();
  const body = { data: { ...LABEL, data: FORMER } };
  const made = await plane.root('POST /import', tenant, { body });
  if (made.status !== 200) throw new Error(made.text);
  const { ID } = await begin(plane, plane.root, tenant, FILE, { ...LABEL, deleteMissing: true });
  return { tenant, ID };
}

/** What there is in a tenant, as `<identity> <namespace>`, each with how often. */
export async function inventory(plane: Plane, tenant: string): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const identity of identities) {
    const { items } = await plane.deps.store.listTree(identity, NamespacePath.parse(tenant), { limit: 1000 });
    for (const { namespace } of items) {
      const key = `${identity} ${namespace.slice(tenant.length)}`;
      counts[key] = (counts[key] ?? 0) + 1;
    }
  }
  return counts;
}

const WHOLE = {
  'namespace ': 1,
  'namespace /a': 1,
  'externalnetwork ': 1,
  'externalnetwork /a': 61,
  'externalnetwork /a/b': 150,
  'networkrulesetpolicy /a/b': 1,
};

/** The import has come to its end: all of it is there, nothing else, and nothing was done twice. */
export async function mustBeWhole(
  plane: Plane,
  { tenant, ID }: { tenant: string; ID: string },
  where: string,
): Promise<void> {
  const run = await shown(plane.root, tenant, ID);
  expect(run.status, `${where}: ${run.reason}`).toBe('Succeeded');
  expect(run, where).toMatchObject(COUNTS);
  expect(await inventory(plane, tenant), where).toEqual(WHOLE);
  const { items: labels } = await plane.deps.store.list('importlabel', NamespacePath.parse(tenant), {
    limit: 9,
  });
  expect(labels, where).toEqual([]);
  const made = await plane.deps.store.activities(NamespacePath.parse(`${tenant}/a/b`), { limit: 1000 });
  // Each object has its entry once: nothing was done twice.
  expect(made.items, where).toHaveLength(151);
}
