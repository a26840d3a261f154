import type { Operation } from '../../shared/api/routes.ts';
import type { Handler, Handlers } from '../call.ts';
import { activities } from './activities.ts';
import { authorizations } from './authorizations.ts';
import { conversions } from './conversions.ts';
import { enforcers } from './enforcers.ts';
import { exports } from './exports.ts';
import { imports } from './imports.ts';
import { legacy } from './legacy.ts';
import { namespaces } from './namespaces.ts';
import { policies } from './policies.ts';
import { tokens } from './tokens.ts';

/** Noun group → its operations; one Lambda function each. */
export const handlersOf = {
  authorizations,
  enforcers,
  imports: { ...imports, ...exports, ...activities, ...conversions },
  legacy,
  namespaces,
  policies,
  tokens,
} as const satisfies Record<string, Partial<Record<Operation, Handler>>>;

/** All of them. A route without a handler does not compile. */
export const handlers: Handlers = {
  ...activities,
  ...authorizations,
  ...conversions,
  ...enforcers,
  ...exports,
  ...imports,
  ...legacy,
  ...namespaces,
  ...policies,
  ...tokens,
};
