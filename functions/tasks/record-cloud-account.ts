import { z } from 'zod';
import { newObject, newObjectId, touch } from '../../shared/core/object.ts';
import { type CloudAccount, cloudaccount } from '../../shared/schema/cloudaccount.ts';
import { createOrReread, systemActivity } from '../ensure-object.ts';
import { Onboarding } from '../onboarding.ts';
import { Called, type TaskDeps, task } from './task.ts';

/** What a step's Catch was given, and the step's name. A task's cause is Lambda's JSON; other causes are plain text. */
const StepFailure = z.object({
  Step: z.string(),
  Error: z.string().default(''),
  Cause: z.string().default(''),
});

const Input = Onboarding.extend({
  ...Called,
  status: z.enum(['Onboarding', 'Ready', 'Failed']),
  accountNamespace: cloudaccount.readOnly.accountNamespace,
  failure: StepFailure.optional(),
});
type Input = z.infer<typeof Input>;

/**
 * Writes into the cloud account's object where its onboarding stands, making the object if need be. `Ready` is final:
 * a repeated event that comes late or fails takes nothing back. Answers with the account as it is on record, so that
 * events which name one account differently make one tree.
 */
export const recordCloudAccount = task(Input, async (input, deps) => {
  const { home, account } = input;
  const reread = () => deps.store.getByName('cloudaccount', home, account.accountID);
  const stored =
    (await reread()) ??
    (await createOrReread('cloudaccount', created(input, deps), 'duplicate', reread, input.execution, deps));
  if (stored.status !== 'Ready') await update(stored, input, deps);
  const { name, provider, defaultPUIncomingTrafficAction, defaultPUOutgoingTrafficAction } = stored;
  return {
    account: { ...account, name, provider, defaultPUIncomingTrafficAction, defaultPUOutgoingTrafficAction },
  };
});

/** A write that lost a race fails with `conflict`; the state machine tries again. */
async function update(stored: CloudAccount, input: Input, deps: TaskDeps): Promise<void> {
  const wanted = { ...stored, ...standing(input) };
  if (JSON.stringify(wanted) === JSON.stringify(stored)) return;
  const object = touch('cloudaccount', wanted, deps.clock.now());
  await deps.store.commit([
    { kind: 'update', resource: 'cloudaccount', object, seen: stored.updateTime },
    systemActivity('cloudaccount', 'update', input.execution, deps, { before: stored, after: object }),
  ]);
}

function created(input: Input, deps: TaskDeps): CloudAccount {
  const now = deps.clock.now();
  const id = newObjectId(now, size => deps.clock.randomBytes(size));
  const object = newObject('cloudaccount', cloudaccount.input.parse(input.account), {
    id,
    namespace: input.home,
    now,
  });
  return { ...object, ...standing(input) };
}

const standing = ({ status, accountNamespace, failure }: Input) => ({
  status,
  accountNamespace,
  statusReason: status === 'Failed' && failure ? reason(failure) : '',
});

const reason = ({ Step, Error: error, Cause }: z.infer<typeof StepFailure>): string =>
  `${Step}: ${[error, messageOf(Cause)].filter(text => text !== '').join(': ')}`.slice(0, 1024);

const LambdaCause = z.object({ errorMessage: z.string() });

function messageOf(cause: string): string {
  try {
    return LambdaCause.parse(JSON.parse(cause)).errorMessage;
  } catch {
    return cause;
  }
}
