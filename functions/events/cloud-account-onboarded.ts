import { z } from 'zod';
import { CloudAccountOnboarded, CreateManagedAccount } from '../../shared/schema/event.ts';
import { fail } from '../../shared/schema/failure.ts';
import { childPath, ROOT } from '../../shared/schema/ids.ts';
import type { Deps } from '../deps.ts';
import { Account, type Onboarding, type StartDeps, startOnboarding } from '../onboarding.ts';

const AccountAdded = z.discriminatedUnion('source', [CloudAccountOnboarded, CreateManagedAccount]);
type AccountAdded = z.infer<typeof AccountAdded>;

/**
 * A cloud account was added: starts its onboarding. Bad events fail with `invalid` and so end in the dead letters.
 * Control Tower's events of failed creations, and all of them where no tenant is configured, are logged and left.
 */
export async function cloudAccountOnboarded(
  event: unknown,
  deps: StartDeps & Pick<Deps, 'defaultTenant'>,
): Promise<void> {
  const added = AccountAdded.safeParse(event);
  if (!added.success) {
    throw fail('invalid', `not an event of an added account: ${z.prettifyError(added.error)}`);
  }
  const onboarding = onboardingOf(added.data, deps);
  if (onboarding) await startOnboarding(onboarding, added.data.id, deps);
}

function onboardingOf(
  event: AccountAdded,
  deps: Pick<Deps, 'log' | 'defaultTenant'>,
): Onboarding | undefined {
  if (event.source === 'microseg') return inTenant(event.detail);
  const { state, account, message } = event.detail.serviceEventDetails.createManagedAccountStatus;
  if (state !== 'SUCCEEDED' || deps.defaultTenant === '') {
    const why = state === 'SUCCEEDED' ? 'no default tenant is configured' : message;
    deps.log.info('account of AWS Control Tower left alone', { accountID: account.accountId, state, why });
    return undefined;
  }
  return inTenant(
    Account.parse({
      prismaID: deps.defaultTenant,
      name: segment(account.accountName),
      accountID: account.accountId,
      provider: 'aws',
    }),
  );
}

const inTenant = (account: Account): Onboarding => ({ home: childPath(ROOT, account.prismaID), account });

/** Control Tower's names may hold anything; each run of what a namespace cannot hold becomes one `-`. */
const segment = (name: string): string => name.replace(/[^a-zA-Z0-9_-]+/g, '-').slice(0, 128);
