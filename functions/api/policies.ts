import { clauseWarnings } from '../../shared/core/lint.ts';
import { crud } from '../crud.ts';
import { decideFlow } from './decisions.ts';
import { lintNamespace } from './lint.ts';

const networkrulesetpolicy = crud('networkrulesetpolicy', {
  warn: (ruleset, { lineage, namespace }) => clauseWarnings(ruleset, lineage, namespace),
});

export const policies = { ...networkrulesetpolicy, ...crud('externalnetwork'), decideFlow, lintNamespace };
