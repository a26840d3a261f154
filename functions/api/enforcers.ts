import type { Enforcer } from '../../shared/schema/enforcer.ts';
import { fail } from '../../shared/schema/failure.ts';
import { isWithin, NamespacePath, parentPath, ROOT, tenantOf } from '../../shared/schema/ids.ts';
import type { Call, Handler } from '../call.ts';
import { crud } from '../crud.ts';
import { reportDirective } from '../directives.ts';
import { installTokenHooks } from '../install-token.ts';
import { brokenRules } from '../pipeline/problem.ts';
import { pokeEnforcer } from '../poke.ts';
import { createPreflight } from '../preflights.ts';
import { applyPreset } from '../profiles.ts';
import { registeredEnforcers } from '../registration.ts';
import { releaseHooks } from '../release.ts';
import { pokeProcessingUnit } from '../unit-poke.ts';
import { processingUnits } from '../units.ts';

/** A mapped namespace as a full path; it may be given relative to the policy's own. Undefined when it is no path. */
function mappedPath(mapped: string, call: Call): NamespacePath | undefined {
  const from = call.namespace === ROOT ? '' : call.namespace;
  return NamespacePath.safeParse(mapped.startsWith('/') ? mapped : `${from}/${mapped}`).data;
}

const namespacemappingpolicy = crud('namespacemappingpolicy', {
  check: (input, call) => {
    const path = mappedPath(input.mappedNamespace, call);
    // Strictly below, so that mappings can never lead in a circle.
    if (path === undefined || path === call.namespace || !isWithin(path, call.namespace)) {
      throw brokenRules([
        {
          path: ['mappedNamespace'],
          input: input.mappedNamespace,
          message: `it must be a namespace below ${call.namespace}; processing units are only mapped downwards`,
        },
      ]);
    }
  },
  warn: async ({ mappedNamespace }, call, { store }) => {
    const path = mappedPath(mappedNamespace, call);
    if (path === undefined || (await store.getByName('namespace', parentPath(path), path))) return [];
    return [`there is no namespace ${path} yet; processing units are moved once it is made`];
  },
});

const createEnforcerCredentials: Handler = async (call, deps) => {
  const enforcer = call.target as Enforcer | undefined;
  const namespace = call.lineage.at(-1);
  if (!enforcer)
    throw fail('not_found', `no enforcer with the ID \`${call.params.id}\` in ${call.namespace}`);
  if (!namespace) throw fail('not_found', 'the root has no bundle; register enforcers in a namespace');
  const credentials = await deps.bundleAccess.grant(namespace.ID, enforcer.ID);
  return {
    body: {
      ...credentials,
      tenant: tenantOf(namespace.name as NamespacePath),
      namespace: namespace.name,
      namespaceID: namespace.ID,
    },
  };
};

export const enforcers = {
  ...registeredEnforcers,
  ...crud('installtoken', installTokenHooks),
  ...crud('enforcerrelease', releaseHooks),
  ...processingUnits,
  ...crud('enforcerprofile'),
  ...crud('enforcerprofilemappingpolicy'),
  ...namespacemappingpolicy,
  applyPreset,
  createEnforcerCredentials,
  createPreflight,
  pokeEnforcer,
  pokeProcessingUnit,
  reportDirective,
};
