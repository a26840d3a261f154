import { crud } from '../crud.ts';
import { decideFlow } from './decisions.ts';

export const policies = { ...crud('networkrulesetpolicy'), ...crud('externalnetwork'), decideFlow };
