import { routes } from '../../shared/api/routes.ts';
import type { Grant } from '../../shared/core/grants.ts';
import { newObject } from '../../shared/core/object.ts';
import { grants } from '../../shared/core/roles.ts';
import type { Stored } from '../../shared/ports/object-store.ts';
import { fail } from '../../shared/schema/failure.ts';
import { FrozenRights, type ImportRun, importrights } from '../../shared/schema/import.ts';
import type { TokenClaims } from '../../shared/schema/token.ts';
import type { Call } from '../call.ts';
import type { Deps } from '../deps.ts';
import { heldNow, lineageObjects } from '../pipeline/authorize.ts';
import { idFrom } from '../upgrade.ts';

const rightsID = (run: Pick<ImportRun, 'ID'>) => idFrom('importrights', run.ID);

/** What the caller of a request holds, to be kept for the work that it starts. */
export function frozen(run: ImportRun, call: Call, now: Date): Stored<'importrights'> {
  const { caller, token, granted, standing, restrictions } = call;
  const rights = FrozenRights.parse(
    JSON.parse(
      JSON.stringify({
        caller,
        token,
        granted,
        standing: standing && {
          namespace: standing.namespace,
          roles: standing.roles,
          authorizedSubnets: standing.authorizedSubnets,
        },
        restrictions,
      }),
    ),
  );
  const input = importrights.input.parse({ name: run.name, import: run.ID, rights });
  return newObject('importrights', input, { id: rightsID(run), namespace: run.namespace, now });
}

export const rightsOf = (run: ImportRun, { store }: Pick<Deps, 'store'>) =>
  store.get({ resource: 'importrights', namespace: run.namespace, id: rightsID(run) });

/**
 * The call that an import is carried out in: with the rights that its starter held when it was started, nothing that came
 * later. What was taken away meanwhile counts, though: without a credential that is good still, and the right to import,
 * nothing more is done.
 *
 * @throws `unauthorized`, `forbidden` or `not_found`
 */
export async function callOf(run: ImportRun, deps: Pick<Deps, 'store' | 'clock'>): Promise<Call> {
  const { namespace } = run;
  const found = await rightsOf(run, deps);
  if (!found) throw fail('forbidden', 'nobody knows with which rights it was started; import it again');
  const { caller, token, granted, standing, restrictions } = found.rights;
  const claims: TokenClaims = { ...token, restrictions, exp: 0, opaque: {} };
  const [now, lineage] = await Promise.all([
    heldNow(claims, caller, namespace, deps),
    lineageObjects(deps.store, namespace),
  ]);
  if (!now.some(held => grants(held, 'import', 'post'))) {
    throw fail('forbidden', `its starter may no longer import into ${namespace}`);
  }
  return {
    operation: 'import',
    route: routes.import,
    requestID: run.ID,
    namespace,
    params: {},
    query: run.spec.override ? { override: ['true'] } : {},
    headers: {},
    body: undefined,
    caller,
    token: claims,
    dryRun: false,
    granted: granted as readonly Grant[],
    held: granted.map(({ permissions }) => permissions),
    standing,
    restrictions,
    lineage: lineage ?? [],
    below: [],
    target: undefined,
  };
}
