import { z } from 'zod';
import { CloudAccountFailed, CloudAccountReady } from '../../shared/schema/event.ts';
import { Account } from '../onboarding.ts';
import { Called, task } from './task.ts';

const Input = z.strictObject({
  ...Called,
  account: Account,
  outcome: z.enum(['Ready', 'Failed']),
  failure: z.object({ Error: z.string().default(''), Cause: z.string().default('') }).optional(),
});

/** Tells the bus what became of an onboarding. A repeated call publishes an event of the same ID. */
export const publishOutcome = task(Input, async ({ execution, account, outcome, failure }, deps) => {
  const schema = outcome === 'Ready' ? CloudAccountReady : CloudAccountFailed;
  const event = schema.parse({
    id: `${execution}-${outcome}`,
    time: deps.clock.now().toISOString(),
    source: 'microseg',
    'detail-type': `CloudAccount${outcome}`,
    detail: {
      prismaID: account.prismaID,
      name: account.name,
      accountID: account.accountID,
      ...(failure ? { error: failure.Error, cause: failure.Cause } : {}),
    },
  });
  await deps.bus.publish(event);
  return { event: event.id };
});
