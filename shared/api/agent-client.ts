import { enforcer } from '../schema/enforcer.ts';
import { processingunit } from '../schema/processingunit.ts';
import { type Client, type ClientOptions, clientOf } from './client-of.ts';
import { crudRoutes } from './crud-routes.ts';
import { directiveRoutes } from './directive-routes.ts';
import { enforcerRoutes } from './enforcer-routes.ts';
import { flowRoutes } from './flow-routes.ts';
import { tokenRoutes } from './token-routes.ts';

export { type Answer, ApiError, type Client, type ClientOptions, type Request } from './client-of.ts';
export { credentialToken } from './credential-token.ts';
export type { Operation } from './routes.ts';

/** What agents ask for. The schemas of everything else would take memory on every host, for nobody. */
const agentRoutes = {
  ...crudRoutes('enforcer', enforcer),
  ...crudRoutes('processingunit', processingunit),
  ...directiveRoutes,
  ...enforcerRoutes,
  ...flowRoutes,
  ...tokenRoutes,
};

export type AgentClient = Client<keyof typeof agentRoutes>;

/** A client of what agents ask for. */
export const createClient = (options: ClientOptions): AgentClient => clientOf(agentRoutes, options);
