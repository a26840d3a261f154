import { z } from 'zod';
import { type Identity, resourceOf } from '../schema/resources.ts';
import { READ } from './fails.ts';
import type { Route } from './route.ts';

const Nothing = z.array(z.strictObject({})).max(0);

/** A relation of the original to what does not exist here: its clients ask for it, and there is nothing in it. */
const empty = (of: Identity, listed: string, what: string): Route => ({
  method: 'GET',
  path: `/${resourceOf(of).plural}/{id}/${listed}`,
  group: resourceOf(of).group,
  summary: `Taken from clients of the original: ${what}. The list is empty, and a message says why.`,
  allow: { identity: of, verb: 'get' },
  ok: Nothing,
  fails: READ,
});

export const relationRoutes = {
  listRulesetServices: empty('networkrulesetpolicy', 'services', 'HTTP services that a ruleset names'),
  listUnitServices: empty('processingunit', 'services', 'HTTP services of a processing unit'),
  listNamespaceTrustedCas: empty('namespace', 'trustedcas', 'certificate authorities of a namespace'),
  listEnforcerTrustedCas: empty('enforcer', 'trustedcas', 'certificate authorities that an enforcer trusts'),
  listEnforcerDebugBundles: empty('enforcer', 'debugbundles', 'debug bundles that an enforcer uploaded'),
} as const satisfies Record<string, Route>;
