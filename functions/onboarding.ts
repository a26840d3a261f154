import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Workflows } from '../shared/ports/workflows.ts';
import { cloudaccount } from '../shared/schema/cloudaccount.ts';
import { NamespacePath } from '../shared/schema/ids.ts';
import type { Deps } from './deps.ts';

/** A cloud account as whoever added it told us. */
export const Account = z.strictObject(cloudaccount.createOnly).omit({ metadata: true });
export type Account = z.infer<typeof Account>;

/** Input of statemachines/onboard-account.asl.json. */
export const Onboarding = z.strictObject({
  /** Namespace in which the cloud account's object lives. */
  home: NamespacePath,
  account: Account,
});
export type Onboarding = z.infer<typeof Onboarding>;

/** Where executions are started and what happened is logged. */
export interface StartDeps extends Pick<Deps, 'log'> {
  workflows: Pick<Workflows, 'start'>;
}

/**
 * Starts the onboarding of an account, once for each `occasion` (an event's ID, an object's ID): a second delivery of
 * the same one starts nothing. The name of the execution shows the account and is made from all three.
 */
export async function startOnboarding(
  onboarding: Onboarding,
  occasion: string,
  deps: StartDeps,
): Promise<void> {
  const { prismaID, accountID } = onboarding.account;
  const digest = createHash('sha256')
    .update(JSON.stringify([prismaID, accountID, occasion]))
    .digest('hex');
  const execution = `${accountID.slice(0, 15)}-${digest}`;
  const { started } = await deps.workflows.start('onboard-account', execution, onboarding);
  deps.log.info(started ? 'onboarding started' : 'onboarding was started before', { execution });
}
