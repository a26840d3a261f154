import { z } from 'zod';
import {
  ApiCheck,
  ApiCheckRequest,
  Authn,
  AuthnRequest,
  Authz,
  AuthzRequest,
  DiscoveryMode,
  MetaName,
  MetaRoute,
  MetaVersion,
} from './access-messages.ts';
import { ASK, READ, WRITE } from './fails.ts';
import { DefaultEnforcerVersion, DefaultEnforcerVersionRequest } from './namespace-messages.ts';
import type { Route } from './route.ts';

const meta = (name: string, summary: string, ok: z.ZodType): Route => ({
  method: 'GET',
  path: `/_meta/${name}`,
  group: 'tokens',
  summary,
  allow: 'everybody',
  ok,
  fails: [],
});

/** Discovery mode is two attributes of a namespace, which lives in its parent: there the permission is needed. */
const discovery = (method: 'GET' | 'POST' | 'DELETE', summary: string): Route => ({
  method,
  path: '/discoverymode',
  group: 'namespaces',
  summary,
  allow: {
    identity: 'discoverymode',
    verb: method === 'GET' ? 'get' : method === 'POST' ? 'post' : 'delete',
  },
  ok: method === 'GET' ? z.array(DiscoveryMode) : DiscoveryMode,
  ...(method === 'GET' ? {} : { takes: ['override'] }),
  fails: method === 'GET' ? READ : WRITE,
});

/** Who somebody is, what they may do, and what this server is. */
export const accessRoutes = {
  verifyToken: {
    method: 'POST',
    path: '/authn',
    group: 'tokens',
    summary: 'Verifies a token and tells what it says. Whoever has the token may ask.',
    allow: 'everybody',
    input: AuthnRequest,
    readOnly: true,
    ok: Authn,
    fails: ['bad_request', 'unauthorized', 'invalid', 'too_large', 'unsupported_media_type'],
  },
  authorizeClaims: {
    method: 'POST',
    path: '/authz',
    group: 'authorizations',
    summary: 'Tells what a caller with these claims may do in a namespace, by its API authorizations.',
    allow: { identity: 'authz', verb: 'post' },
    input: AuthzRequest,
    readOnly: true,
    ok: Authz,
    fails: ASK,
  },
  checkApi: {
    method: 'POST',
    path: '/apichecks',
    group: 'authorizations',
    summary: 'Tells whether the caller may do something in a namespace.',
    allow: { identity: 'apicheck', verb: 'post' },
    input: ApiCheckRequest,
    readOnly: true,
    ok: ApiCheck,
    fails: ASK,
  },
  getDiscoveryMode: discovery('GET', 'Tells whether the namespace is in discovery mode.'),
  enableDiscoveryMode: discovery(
    'POST',
    'Deprecated: puts the namespace into discovery mode. Set its two default actions to Allow instead.',
  ),
  disableDiscoveryMode: discovery(
    'DELETE',
    'Deprecated: ends discovery mode. Set the two default actions of the namespace to Reject instead.',
  ),
  setDefaultEnforcerVersion: {
    method: 'POST',
    path: '/defaultenforcerversion',
    group: 'namespaces',
    summary:
      'Sets the version that enforcers of the namespace should have; needs the right to change it in its parent.',
    allow: { identity: 'defaultenforcerversion', verb: 'post' },
    input: DefaultEnforcerVersionRequest,
    takes: ['override'],
    ok: DefaultEnforcerVersion,
    fails: WRITE,
  },
  getMetaName: meta('name', 'Gets the name of this software.', MetaName),
  getMetaVersion: meta('version', 'Gets the version of this software and of its API.', MetaVersion),
  listMetaRoutes: meta('routes', 'Lists the paths of the API and their methods.', z.array(MetaRoute)),
} as const satisfies Record<string, Route>;
