import { readStateMachines } from '../../local/workflows.ts';
import { openObjectStore } from '../../shared/adapters/local/object-store.ts';
import type { EnforcerUpgrade } from '../../shared/schema/enforcerupgrade.ts';
import { emptyTenant } from '../../test/make/crowd.ts';
import { dataDirectory } from '../../test/make/data-directory.ts';
import { type Behaviour, beginUpgrade, plantHosts, upgrading } from '../../test/make/fleet.ts';
import { timeline } from '../../test/make/timeline.ts';
import { type Counted, counted } from './step-functions.ts';

/** What a child process of bench/upgrade.ts prints, as JSON. */
export interface Simulated {
  hosts: number;
  seconds: number;
  /** Processor time of all threads. */
  cpuSeconds: number;
  /** Of the whole process. */
  peakBytes: number;
  /** Of time as the upgrade saw it. */
  simulatedSeconds: number;
  status: EnforcerUpgrade['status'];
  outcomes: { upgraded: number; restored: number; failed: number; skipped: number };
  /** Hosts whose agent was dead, and those of them whose runner Run Command started. */
  dead: number;
  called: number;
  waves: number;
  parts: number;
  definitionBytes: number;
  /** Of inputs, payloads of tasks and variables: the largest. */
  largestPayload: number;
  /** Executions of one Map that were open at the same time. */
  mostChildren: number;
  counted: Counted;
}

/** One host in a hundred gets a release that does not start; one in fifty is an EC2 instance whose agent is dead. */
const behaviourOf = (index: number): Behaviour =>
  index % 100 === 99 ? 'broken release' : index % 50 === 24 ? 'agent dead' : 'good';

const bytes = (value: unknown): number => Buffer.byteLength(JSON.stringify(value) ?? '');

/** An upgrade of so many enforcers, by the state machine, the tasks, the store and the journal as they are. */
export async function simulate(count: number, maxConcurrency: number): Promise<Simulated> {
  const directory = dataDirectory();
  try {
    const database = directory.open();
    const time = timeline(undefined, `upgrade of ${count}`);
    const store = openObjectStore(database, time);
    const tenant = await emptyTenant(store);
    const hosts = await plantHosts(store, tenant, count, behaviourOf);
    const seen = { largestPayload: 0, mostChildren: 0 };
    const open = new Set<string>();
    const waves = { canary: 10, waves: 5, maxConcurrency, failureThreshold: '5%', soak: '10m' };
    // Nothing was told of their hosts by agents that were dead from the beginning.
    const spec = { ...waves, forceChecks: ['facts'] };
    const started = performance.now();
    const before = process.cpuUsage();
    const begun = time.now().getTime();
    const upgrade = await beginUpgrade(store, tenant, count, spec, time);
    const fleet = upgrading({
      database,
      store,
      time,
      hosts,
      abreast: 200,
      onTransition: (moment, { header, put }) => {
        if (moment === 'before') return;
        if (header.parent && header.status === 'RUNNING') open.add(header.name);
        else open.delete(header.name);
        seen.mostChildren = Math.max(seen.mostChildren, open.size);
        for (const { input, phase, variables } of put) {
          const payload = phase.kind === 'task' ? phase.payload : null;
          for (const value of [input, payload, ...Object.values(variables)])
            seen.largestPayload = Math.max(seen.largestPayload, bytes(value));
        }
      },
    });
    await fleet.finish();
    const seconds = (performance.now() - started) / 1000;
    const { user, system } = process.cpuUsage(before);
    const ended = await store.get({ resource: 'enforcerupgrade', namespace: tenant, id: upgrade.ID });
    if (!ended) throw new Error('the upgrade is gone');
    const outcomes = { upgraded: 0, restored: 0, failed: 0, skipped: 0 };
    for (const { counts } of ended.waves) {
      for (const key of ['upgraded', 'restored', 'failed', 'skipped'] as const)
        outcomes[key] += counts?.[key] ?? 0;
    }
    return {
      hosts: count,
      seconds,
      cpuSeconds: (user + system) / 1e6,
      peakBytes: process.resourceUsage().maxRSS * 1024,
      simulatedSeconds: (time.now().getTime() - begun) / 1000,
      status: ended.status,
      outcomes,
      dead: hosts.filter(({ behaviour }) => behaviour === 'agent dead').length,
      called: hosts.filter(({ calls }) => calls.size > 0).length,
      waves: ended.waves.length,
      parts: ended.waves.reduce((sum, { batches }) => sum + batches.length, 0),
      definitionBytes: Buffer.byteLength(readStateMachines()['upgrade-enforcers']),
      largestPayload: seen.largestPayload,
      mostChildren: seen.mostChildren,
      counted: counted(database, [upgrade.ID]),
    };
  } finally {
    await directory.stop();
  }
}

const [count = '', maxConcurrency = ''] = process.argv.slice(2);
if (import.meta.main) {
  process.stdout.write(JSON.stringify(await simulate(Number(count), Number(maxConcurrency))));
}
