import { ensureAuthorization } from './ensure-authorization.ts';
import { ensureEnforcerProfile } from './ensure-enforcer-profile.ts';
import { ensureEnforcerProfileMapping } from './ensure-enforcer-profile-mapping.ts';
import { ensureNamespace } from './ensure-namespace.ts';
import { hideNamespaces } from './hide-namespaces.ts';
import { publishOutcome } from './publish-outcome.ts';
import { purgeNamespaces } from './purge-namespaces.ts';
import { recordCloudAccount } from './record-cloud-account.ts';
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
} as const satisfies Record<string, Task>;

export type TaskName = keyof typeof tasks;
