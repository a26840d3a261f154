import { compose } from '../compose.ts';
import { type TaskName, tasks } from '../tasks/index.ts';

const lambda = (name: TaskName) => (payload: unknown) => tasks[name](payload, compose());

/** One Lambda function for each task of a state machine, by the name that the state machine calls. */
export const EnsureAuthorization = lambda('EnsureAuthorization');
export const EnsureEnforcerProfile = lambda('EnsureEnforcerProfile');
export const EnsureEnforcerProfileMapping = lambda('EnsureEnforcerProfileMapping');
export const EnsureNamespace = lambda('EnsureNamespace');
export const HideNamespaces = lambda('HideNamespaces');
export const PublishOutcome = lambda('PublishOutcome');
export const PurgeNamespaces = lambda('PurgeNamespaces');
export const RecordCloudAccount = lambda('RecordCloudAccount');
