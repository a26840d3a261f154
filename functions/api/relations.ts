import { fail } from '../../shared/schema/failure.ts';
import type { Handler } from '../call.ts';

/** An empty list of what does not exist here, of an object that does. */
const empty =
  (why: string): Handler =>
  async ({ target, params, namespace }) => {
    if (target) return { body: [], total: 0, messages: [why] };
    throw fail('not_found', `nothing with the ID \`${params.id}\` in ${namespace}`);
  };

const services = empty('HTTP services are no part of microsegmentation here');
const authorities = empty('there are no certificate authorities here: agents trust a TUF root');

export const policyRelations = { listRulesetServices: services };
export const namespaceRelations = { listNamespaceTrustedCas: authorities };
export const enforcerRelations = {
  listUnitServices: services,
  listEnforcerTrustedCas: authorities,
  listEnforcerDebugBundles: empty('agents upload no debug bundles; look on the host'),
};
