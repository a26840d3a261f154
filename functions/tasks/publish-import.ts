import { z } from 'zod';
import { ImportEnded } from '../../shared/schema/event.ts';
import { importAt } from '../import/run.ts';
import { OfImport } from './plan-import.ts';
import { task } from './task.ts';

const Input = z.strictObject(OfImport);

/** Tells the bus how an import ended. A repeated call publishes an event of the same ID. */
export const publishImport = task(Input, async (input, deps) => {
  const run = await importAt(input, deps);
  if (!run) return {};
  const { ID, namespace, label, status, reason, total, created, updated, unchanged, removed } = run;
  await deps.bus.publish(
    ImportEnded.parse({
      id: `${ID}-ended`,
      time: deps.clock.now().toISOString(),
      source: 'microseg',
      'detail-type': 'ImportEnded',
      detail: { ID, namespace, label, status, reason, total, created, updated, unchanged, removed },
    }),
  );
  return {};
});
