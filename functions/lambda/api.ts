import { handlersOf } from '../api/index.ts';
import { compose } from '../compose.ts';
import { httpFunction } from '../http.ts';

/** One Lambda function for each noun group, by its name. */
export const authorizations = httpFunction(handlersOf.authorizations, compose);
export const enforcers = httpFunction(handlersOf.enforcers, compose);
export const flows = httpFunction(handlersOf.flows, compose);
export const imports = httpFunction(handlersOf.imports, compose);
export const legacy = httpFunction(handlersOf.legacy, compose);
export const namespaces = httpFunction(handlersOf.namespaces, compose);
export const policies = httpFunction(handlersOf.policies, compose);
export const tokens = httpFunction(handlersOf.tokens, compose);
export const upgrades = httpFunction(handlersOf.upgrades, compose);
