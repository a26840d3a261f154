import type { Operation } from '../../shared/api/routes.ts';
import type { Handler, Handlers } from '../call.ts';
import { activities } from './activities.ts';
import { authorizations } from './authorizations.ts';
import { conversions } from './conversions.ts';
import { enforcers } from './enforcers.ts';
import { exports } from './exports.ts';
import { flows } from './flows.ts';
import { imports } from './imports.ts';
import { largeImports } from './large-imports.ts';
import { legacy } from './legacy.ts';
import { matches } from './matches.ts';
import { namespaces } from './namespaces.ts';
import { policies } from './policies.ts';
import { policyKinds } from './policy-kinds.ts';
import { enforcerRelations, namespaceRelations, policyRelations } from './relations.ts';
import { rendering } from './rendered.ts';
import { tokens } from './tokens.ts';
import { upgrades } from './upgrades.ts';

const { listUnitRenderedPolicies } = rendering;
const {
  listEnforcerHostServices,
  listEnforcerProfiles,
  listMappedUnits,
  listMappingEnforcers,
  listMappingProfiles,
} = matches;
/** What policies have to do with enforcers and their units. */
const relations = {
  ...enforcerRelations,
  listEnforcerHostServices,
  listEnforcerProfiles,
  listMappedUnits,
  listMappingEnforcers,
  listMappingProfiles,
  listUnitRenderedPolicies,
};

/** Noun group → its operations; one Lambda function each. */
export const handlersOf = {
  authorizations,
  enforcers: { ...enforcers, ...relations },
  flows,
  imports: { ...imports, ...largeImports, ...exports, ...activities, ...conversions },
  legacy,
  namespaces: { ...namespaces, ...namespaceRelations },
  policies: { ...policies, ...policyKinds, ...policyRelations },
  tokens,
  upgrades,
} as const satisfies Record<string, Partial<Record<Operation, Handler>>>;

/** All of them. A route without a handler does not compile. */
export const handlers: Handlers = {
  ...activities,
  ...authorizations,
  ...conversions,
  ...enforcers,
  ...exports,
  ...flows,
  ...imports,
  ...largeImports,
  ...legacy,
  ...namespaces,
  ...namespaceRelations,
  ...policies,
  ...policyKinds,
  ...policyRelations,
  ...relations,
  ...tokens,
  ...upgrades,
};
