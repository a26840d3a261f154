import type { Route } from './route.ts';
import { Issue, IssueRequest, Jwks, MetaConfig } from './token-messages.ts';

/** How callers get tokens, and whoever takes them what verifies them. */
export const tokenRoutes = {
  issueToken: {
    method: 'POST',
    path: '/issue',
    group: 'tokens',
    summary:
      'Trades what proves an identity, such as an assertion signed with a credential, for a short-lived token.',
    allow: 'everybody',
    input: IssueRequest,
    takes: ['asCookie', 'dryRun'],
    ok: Issue,
    fails: [
      'bad_request',
      'unauthorized',
      'quota_exhausted',
      'invalid',
      'too_large',
      'unsupported_media_type',
      'unavailable',
    ],
  },
  getJwks: {
    method: 'GET',
    path: '/.well-known/jwks.json',
    group: 'tokens',
    summary: 'Gets the public keys that verify tokens.',
    allow: 'everybody',
    ok: Jwks,
    fails: [],
  },
  getMetaConfig: {
    method: 'GET',
    path: '/_meta/config',
    group: 'tokens',
    summary: 'Gets what a client needs to know before it has a token.',
    allow: 'everybody',
    ok: MetaConfig,
    fails: [],
  },
} as const satisfies Record<string, Route>;
