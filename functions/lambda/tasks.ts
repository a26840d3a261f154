import { compose } from '../compose.ts';
import { type TaskName, tasks } from '../tasks/index.ts';

const lambda = (name: TaskName) => (payload: unknown) => tasks[name](payload, compose());

/** One Lambda function for each task of a state machine, by the name that the state machine calls. */
export const EnsureAuthorization = lambda('EnsureAuthorization');
export const EnsureEnforcerProfile = lambda('EnsureEnforcerProfile');
export const EnsureEnforcerProfileMapping = lambda('EnsureEnforcerProfileMapping');
export const EnsureNamespace = lambda('EnsureNamespace');
export const HideNamespaces = lambda('HideNamespaces');
export const MoveUnits = lambda('MoveUnits');
export const PublishOutcome = lambda('PublishOutcome');
export const PurgeNamespaces = lambda('PurgeNamespaces');
export const RecordCloudAccount = lambda('RecordCloudAccount');
export const ApplyImport = lambda('ApplyImport');
export const FinishImport = lambda('FinishImport');
export const PlanImport = lambda('PlanImport');
export const PublishImport = lambda('PublishImport');
export const ValidateImport = lambda('ValidateImport');
export const AdvanceUpgrade = lambda('AdvanceUpgrade');
export const CallRunners = lambda('CallRunners');
export const DirectEnforcer = lambda('DirectEnforcer');
export const FinishUpgrade = lambda('FinishUpgrade');
export const GateUpgradeBatch = lambda('GateUpgradeBatch');
export const JudgeUpgrade = lambda('JudgeUpgrade');
export const LoadUpgradeBatch = lambda('LoadUpgradeBatch');
export const PauseUpgrade = lambda('PauseUpgrade');
export const PlanUpgrade = lambda('PlanUpgrade');
export const PublishUpgrade = lambda('PublishUpgrade');
export const ReleaseUpgrade = lambda('ReleaseUpgrade');
export const SettleUpgradeHost = lambda('SettleUpgradeHost');
