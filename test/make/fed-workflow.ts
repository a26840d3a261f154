import type { Deps } from '../../functions/deps.ts';
import { tasks } from '../../functions/tasks/index.ts';
import { openWorkflows, type WorkflowsOptions } from '../../local/workflows.ts';
import { openChangeFeed } from '../../shared/adapters/local/change-feed.ts';
import type { Database } from '../../shared/adapters/local/database.ts';
import { noRunnerPlaces } from '../../shared/adapters/local/runner-places.ts';
import type { Change } from '../../shared/ports/change-feed.ts';
import type { ObjectStore } from '../../shared/ports/object-store.ts';
import type { Publications } from '../../shared/ports/publications.ts';
import type { WorkflowName } from '../../shared/ports/workflows.ts';
import { noBucket } from './no-bucket.ts';
import { only, quiet } from './state-machine.ts';
import type { Timeline } from './timeline.ts';

export interface FedOptions extends Pick<WorkflowsOptions, 'onTransition' | 'duplicateDelivery'> {
  database: Database;
  store: ObjectStore;
  publications: Publications;
  time: Timeline;
}

const unused = async (): Promise<never> => {
  throw new Error('no event comes of such a workflow');
};

/** The change feed, the real state machine that it starts, and the real tasks over a real store. */
export function fedBy(
  workflow: WorkflowName,
  consumer: (
    changes: readonly Change[],
    deps: Pick<Deps, 'workflows' | 'log' | 'store' | 'clock'>,
  ) => Promise<void>,
  { database, store, publications, time, ...options }: FedOptions,
) {
  const deps = {
    store,
    publications,
    bucket: noBucket,
    clock: time,
    bus: { publish: unused },
    log: quiet,
    runnerPlaces: noRunnerPlaces,
  };
  const workflows = openWorkflows({
    database,
    definitions: only(workflow),
    tasks: Object.fromEntries(
      Object.entries(tasks).map(([name, task]) => [name, (payload: unknown) => task(payload, deps)]),
    ),
    clock: time,
    timers: time.timers,
    log: quiet,
    ...options,
  });
  const feed = openChangeFeed(database);
  return {
    workflows,
    /** Hands over every change that is still kept, as a feed that begins anew does. */
    async deliver(): Promise<void> {
      let cursor = await feed.start();
      for (;;) {
        const batch = await feed.read(cursor, 100);
        if (batch.changes.length === 0) return;
        await consumer(batch.changes, { ...deps, workflows });
        cursor = batch.cursor;
      }
    },
    /** Moves time on until every execution has ended. */
    async finish(): Promise<void> {
      do await workflows.idle();
      while (time.next());
      await workflows.idle();
    },
  };
}
