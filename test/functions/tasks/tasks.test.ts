import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { tasks } from '../../../functions/tasks/index.ts';
import { publishOutcome } from '../../../functions/tasks/publish-outcome.ts';
import { type TaskDeps, task } from '../../../functions/tasks/task.ts';
import { openObjectStore } from '../../../shared/adapters/local/object-store.ts';
import { openPublications } from '../../../shared/adapters/local/publications.ts';
import { noRunnerPlaces } from '../../../shared/adapters/local/runner-places.ts';
import type { BusEvent } from '../../../shared/schema/event.ts';
import { fail } from '../../../shared/schema/failure.ts';
import { ROOT } from '../../../shared/schema/ids.ts';
import { testClock } from '../../make/clock.ts';
import { dataDirectory } from '../../make/data-directory.ts';
import { noBucket } from '../../make/no-bucket.ts';
import { quiet } from '../../make/state-machine.ts';

const clock = testClock();

async function withDeps(use: (deps: TaskDeps, published: BusEvent[]) => Promise<void>) {
  const directory = dataDirectory();
  const published: BusEvent[] = [];
  const bus = {
    publish: async (event: BusEvent) => {
      published.push(event);
    },
  };
  try {
    const database = directory.open();
    const publications = openPublications(database);
    const store = openObjectStore(database, clock);
    await use(
      { store, publications, bucket: noBucket, clock, bus, log: quiet, runnerPlaces: noRunnerPlaces },
      published,
    );
  } finally {
    await directory.stop();
  }
}

it('names every task as its file: EnsureNamespace is ensure-namespace.ts', () => {
  const files = readdirSync(new URL('../../../functions/tasks', import.meta.url))
    .filter(file => !['index.ts', 'task.ts'].includes(file))
    .map(file =>
      file.replace(/(?:^|-)([a-z])|\.ts$/g, (_, letter: string | undefined) => letter?.toUpperCase() ?? ''),
    );
  expect(files.sort()).toEqual(Object.keys(tasks).sort());
});

describe('a task', () => {
  const add = task(z.strictObject({ n: z.number() }), async ({ n }) => {
    if (n === 13) throw fail('conflict', 'unlucky');
    if (n === 14) throw new TypeError('a bug');
    return n + 1;
  });

  it('gives what it makes of its payload', () =>
    withDeps(async deps => expect(await add({ n: 1 }, deps)).toBe(2)));

  it('refuses any other payload as Microseg.invalid, naming the field', () =>
    withDeps(async deps => {
      const refused = { name: 'Microseg.invalid', message: expect.stringContaining('at n') };
      await expect(add({ n: 'x' }, deps)).rejects.toMatchObject(refused);
      await expect(add({ n: 1, m: 2 }, deps)).rejects.toMatchObject({ name: 'Microseg.invalid' });
      await expect(add(undefined, deps)).rejects.toMatchObject({ name: 'Microseg.invalid' });
    }));

  it('names what it refuses by its kind, and leaves other errors as they are', () =>
    withDeps(async deps => {
      await expect(add({ n: 13 }, deps)).rejects.toMatchObject({
        name: 'Microseg.conflict',
        kind: 'conflict',
      });
      await expect(add({ n: 14 }, deps)).rejects.toMatchObject({ name: 'TypeError' });
    }));

  it.each(Object.entries(tasks))('%s refuses a payload that is not its own', (_, one) =>
    withDeps(async deps => {
      await expect(one({ execution: 'e', what: 1 }, deps)).rejects.toMatchObject({
        name: 'Microseg.invalid',
      });
    }),
  );
});

describe('EnsureNamespace', () => {
  const payload = {
    execution: 'e',
    parent: '/',
    name: 't',
    type: 'Tenant',
    defaultPUIncomingTrafficAction: 'Inherit',
    defaultPUOutgoingTrafficAction: 'Inherit',
  };

  it('makes one namespace when many ask at once, and writes down who', () =>
    withDeps(async deps => {
      const made = await Promise.all(Array.from({ length: 5 }, () => tasks.EnsureNamespace(payload, deps)));
      expect(new Set(made.map(({ ID }) => ID)).size).toBe(1);
      const { items } = await deps.store.activities(ROOT, { limit: 10 });
      expect(items).toHaveLength(1);
      expect(items[0]).toMatchObject({
        operation: 'create',
        targetIdentity: 'namespace',
        claims: ['@auth:realm=system', '@auth:subject=onboard-account'],
        requestID: 'e',
      });
    }));

  it('leaves a namespace that is there as it is', () =>
    withDeps(async deps => {
      const first = await tasks.EnsureNamespace(payload, deps);
      const other = { ...payload, type: 'Group', defaultPUIncomingTrafficAction: 'Allow' };
      expect(await tasks.EnsureNamespace(other, deps)).toEqual(first);
    }));

  it('does not make a namespace where there is no parent', () =>
    withDeps(async deps => {
      await expect(tasks.EnsureNamespace({ ...payload, parent: '/gone' }, deps)).rejects.toMatchObject({
        name: 'Microseg.not_found',
      });
    }));
});

it('publishes an outcome under the same ID when it is called again', () =>
  withDeps(async (deps, published) => {
    const account = {
      prismaID: 't',
      name: 'n',
      accountID: '1',
      provider: 'aws',
      defaultPUIncomingTrafficAction: 'Allow',
      defaultPUOutgoingTrafficAction: 'Allow',
    };
    const failure = { Error: 'E', Cause: 'c', Step: 'S' };
    for (const _ of [1, 2])
      await publishOutcome({ execution: 'e', account, outcome: 'Failed', failure }, deps);
    expect(published.map(({ id }) => id)).toEqual(['e-Failed', 'e-Failed']);
    expect(published[0]).toMatchObject({
      'detail-type': 'CloudAccountFailed',
      detail: { error: 'E', cause: 'c' },
    });
  }));
