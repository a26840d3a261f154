import { type Client, type ClientOptions, clientOf } from './client-of.ts';
import { routes } from './routes.ts';

// The one door to the table of operations for clients, which may import no other file of this folder. agent-client.ts is
// the door to a part of it.
export type { AnswerOf } from './answers.ts';
export {
  type Answer,
  ApiError,
  type Client,
  type ClientOptions,
  type QueryValue,
  type Request,
} from './client-of.ts';
export { credentialToken, type TokenOptions } from './credential-token.ts';
export { type Listing, listingNamed, listings } from './listings.ts';
export type { DecisionAnswer, DecisionRequest } from './messages.ts';
export type { CrudAction, Operation } from './routes.ts';
export { crudOperation } from './routes.ts';
export type { ShownHost, ShownUpgrade, UpgradePlan, UpgradeStatus } from './upgrade-routes.ts';

/** A client of every operation. */
export const createClient = (options: ClientOptions): Client => clientOf(routes, options);
