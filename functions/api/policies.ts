import { clauseWarnings } from '../../shared/core/lint.ts';
import { crud } from '../crud.ts';
import { decideFlow } from './decisions.ts';
import { lintNamespace } from './lint.ts';
import { matches } from './matches.ts';
import { rendering } from './rendered.ts';

const networkrulesetpolicy = crud('networkrulesetpolicy', {
  warn: (ruleset, { lineage, namespace }) => clauseWarnings(ruleset, lineage, namespace),
});

export const networkPolicies = { ...networkrulesetpolicy, ...crud('externalnetwork') };

const { graphPolicy, renderPolicy } = rendering;
const { listRulesetUnits, listRulesetNetworks, matchClauses } = matches;

export const policies = {
  ...networkPolicies,
  decideFlow,
  lintNamespace,
  graphPolicy,
  renderPolicy,
  listRulesetUnits,
  listRulesetNetworks,
  matchClauses,
};
