import { advanceUpgrade } from './advance-upgrade.ts';
import { applyImport } from './apply-import.ts';
import { callRunners } from './call-runners.ts';
import { directEnforcer } from './direct-enforcer.ts';
import { ensureAuthorization } from './ensure-authorization.ts';
import { ensureEnforcerProfile } from './ensure-enforcer-profile.ts';
import { ensureEnforcerProfileMapping } from './ensure-enforcer-profile-mapping.ts';
import { ensureNamespace } from './ensure-namespace.ts';
import { finishImport } from './finish-import.ts';
import { finishUpgrade } from './finish-upgrade.ts';
import { gateUpgradeBatch } from './gate-upgrade-batch.ts';
import { hideNamespaces } from './hide-namespaces.ts';
import { judgeUpgrade } from './judge-upgrade.ts';
import { loadUpgradeBatch } from './load-upgrade-batch.ts';
import { moveUnits } from './move-units.ts';
import { pauseUpgrade } from './pause-upgrade.ts';
import { planImport } from './plan-import.ts';
import { planUpgrade } from './plan-upgrade.ts';
import { publishImport } from './publish-import.ts';
import { publishOutcome } from './publish-outcome.ts';
import { publishUpgrade } from './publish-upgrade.ts';
import { purgeNamespaces } from './purge-namespaces.ts';
import { recordCloudAccount } from './record-cloud-account.ts';
import { releaseUpgrade } from './release-upgrade.ts';
import { settleUpgradeHost } from './settle-upgrade-host.ts';
import type { Task } from './task.ts';
import { validateImport } from './validate-import.ts';

/** Every task by the name that state machines call it: `${EnsureNamespace}` is ensure-namespace.ts. */
export const tasks = {
  EnsureAuthorization: ensureAuthorization,
  EnsureEnforcerProfile: ensureEnforcerProfile,
  EnsureEnforcerProfileMapping: ensureEnforcerProfileMapping,
  EnsureNamespace: ensureNamespace,
  HideNamespaces: hideNamespaces,
  MoveUnits: moveUnits,
  PublishOutcome: publishOutcome,
  PurgeNamespaces: purgeNamespaces,
  RecordCloudAccount: recordCloudAccount,
  ApplyImport: applyImport,
  FinishImport: finishImport,
  PlanImport: planImport,
  PublishImport: publishImport,
  ValidateImport: validateImport,
  AdvanceUpgrade: advanceUpgrade,
  CallRunners: callRunners,
  DirectEnforcer: directEnforcer,
  FinishUpgrade: finishUpgrade,
  GateUpgradeBatch: gateUpgradeBatch,
  JudgeUpgrade: judgeUpgrade,
  LoadUpgradeBatch: loadUpgradeBatch,
  PauseUpgrade: pauseUpgrade,
  PlanUpgrade: planUpgrade,
  PublishUpgrade: publishUpgrade,
  ReleaseUpgrade: releaseUpgrade,
  SettleUpgradeHost: settleUpgradeHost,
} as const satisfies Record<string, Task>;

export type TaskName = keyof typeof tasks;
