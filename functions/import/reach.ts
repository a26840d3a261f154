import { fail } from '../../shared/schema/failure.ts';
import type { Deps } from '../deps.ts';
import type { TaskDeps } from '../tasks/task.ts';

/** A part of the world that the work has no business with: whatever is asked of it fails, by name. */
const absent = <T extends object>(what: string): T =>
  new Proxy((() => {}) as unknown as T, {
    get: () => absent(what),
    apply: () => {
      throw fail('unavailable', `an import has nothing to do with ${what}`);
    },
  });

/** What operations see while a task carries them out: the store and little else. */
export const reachOf = (deps: TaskDeps): Deps => ({
  ...deps,
  uploads: absent('uploads'),
  flows: absent('flow records'),
  workflows: absent('workflows'),
  tokenKeys: absent('tokens'),
  bundleKeys: absent('bundles'),
  bundleAccess: absent('bundles'),
  web: absent('the web'),
  keySets: absent('other issuers'),
  issuers: { pcIssuer: '', pcAudience: '', azureAudience: '', gcpAudience: '' },
  connections: absent('listeners'),
  apiURL: '',
  eventsURL: '',
  defaultTenant: '',
});
