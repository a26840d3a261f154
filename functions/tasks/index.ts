import { advanceUpgrade } from './advance-upgrade.ts';
import { directEnforcer } from './direct-enforcer.ts';
import { ensureAuthorization } from './ensure-authorization.ts';
import { ensureEnforcerProfile } from './ensure-enforcer-profile.ts';
import { ensureEnforcerProfileMapping } from './ensure-enforcer-profile-mapping.ts';
import { ensureNamespace } from './ensure-namespace.ts';
import { finishUpgrade } from './finish-upgrade.ts';
import { gateUpgradeBatch } from './gate-upgrade-batch.ts';
import { hideNamespaces } from './hide-namespaces.ts';
import { loadUpgradeBatch } from './load-upgrade-batch.ts';
import { pauseUpgrade } from './pause-upgrade.ts';
import { planUpgrade } from './plan-upgrade.ts';
import { publishOutcome } from './publish-outcome.ts';
import { publishUpgrade } from './publish-upgrade.ts';
import { purgeNamespaces } from './purge-namespaces.ts';
import { recordCloudAccount } from './record-cloud-account.ts';
import { settleUpgradeHost } from './settle-upgrade-host.ts';
import type { Task } from './task.ts';

/** Every task by the name that state machines call it: `${EnsureNamespace}` is ensure-namespace.ts. */
export const tasks = {
  EnsureAuthorization: ensureAuthorization,
  EnsureEnforcerProfile: ensureEnforcerProfile,
  EnsureEnforcerProfileMapping: ensureEnforcerProfileMapping,
  EnsureNamespace: ensureNamespace,
  HideNamespaces: hideNamespaces,
  PublishOutcome: publishOutcome,
  PurgeNamespaces: purgeNamespaces,
  RecordCloudAccount: recordCloudAccount,
  AdvanceUpgrade: advanceUpgrade,
  DirectEnforcer: directEnforcer,
  FinishUpgrade: finishUpgrade,
  GateUpgradeBatch: gateUpgradeBatch,
  LoadUpgradeBatch: loadUpgradeBatch,
  PauseUpgrade: pauseUpgrade,
  PlanUpgrade: planUpgrade,
  PublishUpgrade: publishUpgrade,
  SettleUpgradeHost: settleUpgradeHost,
} as const satisfies Record<string, Task>;

export type TaskName = keyof typeof tasks;
