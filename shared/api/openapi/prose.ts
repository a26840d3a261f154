import type { FailureKind } from '../../schema/failure.ts';

/** What the document says before anything else. CommonMark. */
export const INTRODUCTION = `The API of Microseg, the control plane for identity-based microsegmentation. It speaks the API of Aporeto and
Prisma Cloud Identity-Based Microsegmentation, release of 2021-03-05.

**Begin** with \`POST /issue\`: it trades what proves an identity for a short-lived token, which goes into
\`Authorization: Bearer <token>\`. Everything lives in a namespace of a tree; \`X-Namespace\` says in which to work.

**Bodies** are JSON or msgpack, by \`Content-Type\` and \`Accept\`. **Errors** are an array of what was wrong, each with the value
and the remedy. **Warnings** come in \`X-Messages\`.

**Lists** come whole, by number (\`page\`, \`pagesize\`: with the total in \`X-Count-Total\`), or by cursor (\`limit\`, \`after\`: with the
next cursor in \`X-Next\`, and the cost of a page, whatever the tenant holds).

**A PUT** replaces an object and carries the \`updateTime\` that was read, so that no change gets lost; a PATCH changes what it
says. \`?dryRun\` tries any write without doing it.`;

/** Noun groups, as the document presents them. */
export const GROUPS: Readonly<Record<string, string>> = {
  authorizations: 'Who may do what: API authorizations, app credentials, identity providers.',
  enforcers: 'Agents, their profiles, and the processing units that they watch over.',
  flows: 'What enforcers saw on the wire.',
  imports: 'Objects in files, the conversion of legacy policies, and the log of what was done.',
  legacy: 'Deprecated and without effect: kept until it is converted.',
  namespaces: 'The tree that everything lives in, and what counts where.',
  policies: 'Rulesets, external networks, and the decisions that follow from them.',
  upgrades: 'Upgrades of many agents, wave by wave, and what their hosts report.',
  tokens: 'Tokens, and what a client needs before it has one.',
};

/** What each failure means, and what to do. */
export const MEANINGS: Readonly<Record<FailureKind, string>> = {
  bad_request: 'The request cannot be understood: its headers, its parameters, or a body that is no JSON.',
  unauthorized: 'There is no token, or it is not valid here any more; get a new one from `POST /issue`.',
  forbidden: 'The caller lacks the permission in this namespace.',
  not_found: 'There is no such namespace or object, or none that lives in the namespace.',
  not_allowed: 'The path has no such method.',
  conflict:
    'Something changed meanwhile, or is in the way: an older `updateTime`, a namespace that is not empty, an `Idempotency-Key` of another request.',
  too_large: 'The request or its answer is too long.',
  unsupported_media_type: 'Bodies are `application/json` or `application/msgpack`.',
  quota_exhausted: 'The token was made for a number of uses, and they are used up.',
  invalid: 'Attributes are wrong; there is an entry for each, with its name, its value and the remedy.',
  duplicate: 'Another object has the name already.',
  locked: 'The object is protected; unprotect it first, or say `override`.',
  too_many_requests: 'Too many requests; wait and try again.',
  unavailable: 'Something that this depends on does not answer; try again.',
};
