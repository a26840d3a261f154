import { afterEach } from 'vitest';
import { openObjectStore } from '../../../shared/adapters/local/object-store.ts';
import { type Behaviour, beginUpgrade, type FleetOptions, plantHosts, upgrading } from '../../make/fleet.ts';
import { create, freshTenant, makeNamespace } from '../../make/objects.ts';
import { type QuickDatabase, quickDatabase } from '../../make/quick-database.ts';
import { timeline } from '../../make/timeline.ts';

const databases: QuickDatabase[] = [];
let times = 0;

/** Ends what was played since. A test's plays end with it. */
export async function endPlays(): Promise<void> {
  for (const database of databases.splice(0)) await database.stop();
}
afterEach(endPlays);

interface Played extends Pick<FleetOptions, 'onStep' | 'onTransition' | 'duplicateDelivery'> {
  hosts: number;
  behaviour?: (index: number) => Behaviour;
  spec?: object;
}

/** An upgrade of so many hosts, in a database of its own: a process that starts again is told all changes of its database. */
export async function play({ hosts: count, behaviour, spec = {}, ...options }: Played) {
  const time = timeline(undefined, `upgrade ${++times}`);
  const quick = quickDatabase();
  databases.push(quick);
  const { database } = quick;
  const store = openObjectStore(database, time);
  const tenant = freshTenant();
  await store.commit([create('namespace', makeNamespace(tenant))]);
  const hosts = await plantHosts(store, tenant, count, behaviour);
  const upgrade = await beginUpgrade(
    store,
    tenant,
    count,
    { canary: 1, waves: 2, soak: '10s', ...spec },
    time,
  );
  const open = (more: Partial<FleetOptions> = {}) =>
    upgrading({ database, store, time, hosts, ...options, ...more });
  const standing = async () => {
    const found = await store.get({ resource: 'enforcerupgrade', namespace: tenant, id: upgrade.ID });
    if (!found) throw new Error('the upgrade is gone');
    return found;
  };
  /** What is left of it all: the upgrade, and each host. */
  const outcome = async () => {
    const { status, reason, waves } = await standing();
    const enforcers = await Promise.all(
      hosts.map(({ namespace, ID: id }) => store.get({ resource: 'enforcer', namespace, id })),
    );
    return {
      status,
      reason,
      counts: waves.map(({ counts }) => counts),
      hosts: hosts.map(({ version }, index) => {
        const { state, reason: why, task, ranBy } = enforcers[index]?.migration ?? {};
        return { version, state, why, task, ranBy };
      }),
    };
  };
  return { store, time, tenant, hosts, upgrade, open, standing, outcome };
}

export type Play = Awaited<ReturnType<typeof play>>;

export const statesOf = (outcome: Awaited<ReturnType<Play['outcome']>>): string[] =>
  outcome.hosts.map(({ state = 'none', version }) => `${state} ${version || 'nothing'}`);
