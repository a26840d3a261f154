import { z } from 'zod';
import { type Identity, resourceOf } from '../schema/resources.ts';
import { ASK, READ, WRITE } from './fails.ts';
import type { ParameterName } from './parameters.ts';
import {
  ClausesMatch,
  ClausesMatchRequest,
  Policy,
  PolicyGraph,
  PolicyGraphRequest,
  PolicyRenderer,
  PolicyRendererRequest,
  RenderedPolicy,
  RenderedPolicyRequest,
} from './policy-messages.ts';
import type { Route } from './route.ts';

const PAGED: readonly ParameterName[] = ['page', 'pagesize', 'order', 'q'];

/** What an object has to do with. The permission on the kind that is listed is needed too, and is asked for there. */
const related = (
  of: Identity,
  listed: Identity,
  summary: string,
  takes: readonly ParameterName[] = [],
): Route => ({
  method: 'GET',
  path: `/${resourceOf(of).plural}/{id}/${resourceOf(listed).plural}`,
  group: resourceOf(of).group,
  summary,
  allow: { identity: of, verb: 'get' },
  ok: z.array(resourceOf(listed).stored),
  takes,
  fails: READ,
});

/** What would apply to whom: nothing here changes anything but `deletePolicy`. */
export const policyRoutes = {
  renderPolicy: {
    method: 'POST',
    path: '/renderedpolicies',
    group: 'policies',
    summary: 'Gets the rules that count for a processing unit, or would for one with these tags.',
    allow: { identity: 'renderedpolicy', verb: 'post' },
    input: RenderedPolicyRequest,
    readOnly: true,
    ok: RenderedPolicy,
    fails: ASK,
  },
  listUnitRenderedPolicies: {
    method: 'GET',
    path: '/processingunits/{id}/renderedpolicies',
    group: 'enforcers',
    summary: 'Gets the rules that count for one processing unit.',
    allow: { identity: 'renderedpolicy', verb: 'get' },
    ok: z.array(RenderedPolicy),
    fails: READ,
  },
  graphPolicy: {
    method: 'POST',
    path: '/policygraphs',
    group: 'policies',
    summary: 'Gets whom a processing unit with these tags could talk to, and on which ports.',
    allow: { identity: 'policygraph', verb: 'post' },
    input: PolicyGraphRequest,
    readOnly: true,
    ok: PolicyGraph,
    fails: ASK,
  },
  matchClauses: {
    method: 'POST',
    path: '/clausesmatches',
    group: 'policies',
    summary: 'Lists the processing units and external networks that a tag expression selects.',
    allow: { identity: 'clausesmatch', verb: 'post' },
    input: ClausesMatchRequest,
    readOnly: true,
    ok: ClausesMatch,
    fails: ASK,
  },
  renderPolicies: {
    method: 'POST',
    path: '/policyrenderers',
    group: 'policies',
    summary: 'Lists the policies of a kind whose subject, or object, selects something with these tags.',
    allow: { identity: 'policyrenderer', verb: 'post' },
    input: PolicyRendererRequest,
    readOnly: true,
    ok: PolicyRenderer,
    fails: ASK,
  },
  listPolicies: {
    method: 'GET',
    path: '/policies',
    group: 'policies',
    summary: 'Lists policies of every kind that the caller may see, in what they share.',
    allow: { identity: 'policy', verb: 'get' },
    ok: z.array(Policy),
    takes: ['page', 'pagesize', 'order', 'q', 'recursive', 'propagated'],
    fails: READ,
  },
  getPolicy: {
    method: 'GET',
    path: '/policies/{id}',
    group: 'policies',
    summary: 'Gets one policy of any kind by ID.',
    allow: { identity: 'policy', verb: 'get' },
    ok: Policy,
    fails: READ,
  },
  deletePolicy: {
    method: 'DELETE',
    path: '/policies/{id}',
    group: 'policies',
    summary: 'Deletes one policy of any kind.',
    allow: { identity: 'policy', verb: 'delete' },
    ok: Policy,
    fails: WRITE,
  },
  listRulesetUnits: related(
    'networkrulesetpolicy',
    'processingunit',
    'Lists the processing units that a ruleset names, or with mode=subject those that it is for.',
    [...PAGED, 'mode'],
  ),
  listRulesetNetworks: related(
    'networkrulesetpolicy',
    'externalnetwork',
    'Lists the external networks that a ruleset names.',
    [...PAGED, 'mode'],
  ),
  listMappedUnits: related(
    'namespacemappingpolicy',
    'processingunit',
    'Lists the processing units that a namespace mapping selects.',
    PAGED,
  ),
  listMappingEnforcers: related(
    'enforcerprofilemappingpolicy',
    'enforcer',
    'Lists the enforcers that a profile mapping selects.',
    PAGED,
  ),
  listMappingProfiles: related(
    'enforcerprofilemappingpolicy',
    'enforcerprofile',
    'Lists the profiles that a profile mapping gives.',
    PAGED,
  ),
  listEnforcerProfiles: related(
    'enforcer',
    'enforcerprofile',
    'Gets the profile that counts for an enforcer; a message says which mapping gives it, and why.',
  ),
  listEnforcerHostServices: related(
    'enforcer',
    'hostservice',
    'Deprecated: lists the host services that mappings give an enforcer; they have no effect.',
    PAGED,
  ),
} as const satisfies Record<string, Route>;
