import { crud } from '../crud.ts';

export const policies = { ...crud('networkrulesetpolicy'), ...crud('externalnetwork') };
