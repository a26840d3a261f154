import type { Change } from '../../shared/ports/change-feed.ts';
import type { CloudAccount } from '../../shared/schema/cloudaccount.ts';
import { shortName, tenantOf } from '../../shared/schema/ids.ts';
import { type StartDeps, startOnboarding } from '../onboarding.ts';

/** A cloud account was created through the API, which leaves it `Pending`: starts its onboarding. */
export async function cloudAccountCreated(changes: readonly Change[], deps: StartDeps): Promise<void> {
  for (const account of changes.flatMap(pending)) {
    await startOnboarding(onboardingOf(account), account.ID, deps);
  }
}

const pending = ({ resource, operation, after }: Change): CloudAccount[] => {
  if (resource !== 'cloudaccount' || operation !== 'create') return [];
  const account = after as CloudAccount;
  return account.status === 'Pending' ? [account] : [];
};

/** Whether the account may be onboarded from where it was created, the state machine decides. */
const onboardingOf = (object: CloudAccount) => ({
  home: object.namespace,
  account: {
    prismaID: object.prismaID || shortName(tenantOf(object.namespace)),
    name: object.name,
    accountID: object.accountID,
    provider: object.provider,
    defaultPUIncomingTrafficAction: object.defaultPUIncomingTrafficAction,
    defaultPUOutgoingTrafficAction: object.defaultPUOutgoingTrafficAction,
  },
});
