import { z } from 'zod';
import { NamespacePath, Timestamp } from './ids.ts';
import { CidrList } from './network-entry.ts';
import { Description, Disabled, Fallback, Name, type RuleIssue, resource } from './resource.ts';
import { ActiveDuration, ActiveSchedule, type Schedule } from './schedule.ts';
import { Tag } from './tag.ts';
import { tellingClaims } from './telling-claims.ts';

/** `@auth:role=<key>`, or a raw permission `identity,method…` such as `processingunit,get,post`. */
export const AuthorizedIdentity = z
  .string()
  .regex(
    /^(@auth:role=[a-z][a-z.-]*|[a-z*]+(,(get|post|put|patch|delete|head|any))+)$/,
    'must be a role such as @auth:role=namespace.viewer, or a permission such as processingunit,get',
  );

/** The original's ValidateAPIAuthorizationPolicySubject, clause by clause. */
const subjectIssues = (subject: string[][]): RuleIssue[] =>
  subject.flatMap((clause, index) => {
    const path = ['subject', index];
    const issue = (message: string): RuleIssue => ({ path, input: clause, message });
    const realms = clause.filter(claim => claim.startsWith('@auth:realm='));
    return [
      ...(clause.length < 2 ? [issue('needs at least two claims: the realm and one that tells who')] : []),
      ...clause
        .filter(claim => !/^@auth:[^=]+=.+/.test(claim))
        .map(claim => issue(`\`${claim}\` must start with @auth: and have a value`)),
      ...(realms.length === 1 ? [] : [issue('needs exactly one @auth:realm= claim')]),
      ...(/=(oidc|saml)$/.test(realms[0] ?? '') && !clause.some(claim => claim.startsWith('@auth:namespace='))
        ? [issue('realms oidc and saml also need an @auth:namespace= claim, the namespace of the provider')]
        : []),
    ];
  });

/** One without the other would grant never, or always. */
const scheduleIssues = ({ activeSchedule, activeDuration }: Schedule): RuleIssue[] =>
  (activeSchedule === '') === (activeDuration === '')
    ? []
    : [
        {
          path: [activeSchedule === '' ? 'activeSchedule' : 'activeDuration'],
          message:
            activeSchedule === ''
              ? 'it is needed beside activeDuration; write when each period begins, such as `0 9 * * 1-5`'
              : 'it is needed beside activeSchedule; write how long each period lasts, such as `8h`',
        },
      ];

export const apiauthorizationpolicy = resource({
  identity: 'apiauthorizationpolicy',
  plural: 'apiauthorizationpolicies',
  aliases: ['apiauth', 'apiauths'],
  group: 'authorizations',
  summary: 'What the callers that its subject selects may do, and from where downwards',
  defaultOrder: 'name',
  foundBy: { claims: ({ subject }) => tellingClaims(subject) },
  summed: true,
  // A protected one is not removed: it is due when it is protected no more.
  due: ({ expirationTime, protected: kept }) => (kept ? undefined : expirationTime),
  older: {
    attributes: ['propagate'],
    says: value => typeof value !== 'boolean',
    instead: () => 'API authorizations always propagate; leave it out',
  },
  readOnly: {},
  createOnly: {},
  writable: {
    name: Name,
    description: Description,
    subject: z
      .array(z.array(Tag))
      .min(1, 'select at least one clause of claims')
      .describe('Claims, `@auth:key=value`: outer or, inner and.'),
    authorizedIdentities: z
      .array(AuthorizedIdentity)
      .min(1, 'name at least one role or permission')
      .describe(
        'Roles, `@auth:role=namespace.viewer`, and permissions, `processingunit,get,post`; at most what the writer holds.',
      ),
    authorizedNamespace: NamespacePath.describe(
      "The namespace from which downwards it grants; this policy's namespace or one below.",
    ),
    authorizedSubnets: CidrList.describe('When not empty, only callers from these networks.'),
    expirationTime: Timestamp.optional().describe(
      'From then on it grants nothing, and is removed; absent: never.',
    ),
    activeSchedule: ActiveSchedule,
    activeDuration: ActiveDuration,
    disabled: Disabled,
    fallback: Fallback,
    propagationHidden: z.boolean().default(false).describe('Used for decisions below, but not shown there.'),
  },
  rules: value => [...subjectIssues(value.subject), ...scheduleIssues(value)],
});
export type ApiAuthorizationPolicy = z.infer<typeof apiauthorizationpolicy.stored>;
