import type { LegacyExport } from '../schema/conversion.ts';
import { type NamespacePath, parentPath } from '../schema/ids.ts';
import type { Fix, LintFinding } from '../schema/lint.ts';
import type { Namespace } from '../schema/namespace.ts';
import type { NetworkRuleSetPolicy } from '../schema/networkrulesetpolicy.ts';
import { type Identity, type ObjectOf, resourceOf } from '../schema/resources.ts';
import type { Tag } from '../schema/tag.ts';
import { convert } from './convert/convert.ts';
import { effectiveNamespace } from './namespace.ts';
import { clauseMatches, distinct, isWildcard, tagKey, wildcardPrefix } from './tags.ts';

/** The objects of one kind that live in a namespace. */
export type Objects = <I extends LintedIdentity>(identity: I) => readonly ObjectOf<I>[];

/** Everything in one namespace that a lint looks at. */
export interface LintInput {
  namespace: NamespacePath;
  /** From the tenant down to the namespace itself; empty for the root. */
  chain: readonly Namespace[];
  objects: Objects;
  /** What propagates from above: legacy policies and external networks, as exports. */
  ancestors: readonly LegacyExport[];
}

export const LINTED = [
  'apiauthorizationpolicy',
  'appcredential',
  'externalnetwork',
  'hostservice',
  'hostservicemappingpolicy',
  'namespacemappingpolicy',
  'networkaccesspolicy',
  'networkrulesetpolicy',
] as const satisfies readonly Identity[];
export type LintedIdentity = (typeof LINTED)[number];

/** Whether a tag that the clause asks for can be on the wire where only these prefixes are listed. */
const canBeListed = (wanted: string, prefixes: readonly string[]): boolean =>
  prefixes.some(
    prefix => wanted.startsWith(prefix) || (isWildcard(wanted) && prefix.startsWith(wildcardPrefix(wanted))),
  );

/** A clause that matches nothing once only listed tags count. */
export interface DeadClause {
  path: string;
  /** The tags that no prefix lists. */
  tags: Tag[];
}

type Selecting = Pick<NetworkRuleSetPolicy, 'subject' | 'incomingRules' | 'outgoingRules'>;

/** The clauses of a ruleset that need a tag which none of the prefixes lists. */
export function deadClauses(ruleset: Selecting, prefixes: readonly string[]): DeadClause[] {
  const dead = (path: string, clauses: readonly (readonly Tag[])[]): DeadClause[] =>
    clauses.flatMap((clause, index) => {
      const tags = clause.filter(tag => !canBeListed(tag, prefixes));
      return tags.length === 0 ? [] : [{ path: `${path}[${index}]`, tags }];
    });
  return [
    ...dead('subject', ruleset.subject),
    ...ruleset.incomingRules.flatMap((rule, index) => dead(`incomingRules[${index}].object`, rule.object)),
    ...ruleset.outgoingRules.flatMap((rule, index) => dead(`outgoingRules[${index}].object`, rule.object)),
  ];
}

/** The prefix that lists a tag and its like. */
export const prefixOf = (tag: Tag): string => `${tagKey(tag)}=`;

/** What to tell who writes a ruleset: each unlisted tag once, with the prefix to add. */
export function clauseWarnings(
  ruleset: Selecting,
  chain: readonly Namespace[],
  path: NamespacePath,
): string[] {
  const { tagPrefixes, tagPrefixEnforcement } = effectiveNamespace(chain);
  const tags = distinct(deadClauses(ruleset, tagPrefixes).flatMap(clause => clause.tags));
  const consequence =
    tagPrefixEnforcement.value === 'Enforce'
      ? 'so that a clause with it matches nothing'
      : 'so that a clause with it stops matching under tagPrefixEnforcement Enforce';
  return tags.map(
    tag =>
      `no tag prefix of ${path} lists \`${tag}\`, ${consequence}: add \`${prefixOf(tag)}\` to tagPrefixes`,
  );
}

type Named = { ID: string; name: string; namespace: NamespacePath };
const about = (identity: Identity, { ID, name, namespace }: Named) => ({ identity, ID, name, namespace });

const operationOn = (action: string, identity: Identity): string =>
  `${action}${(identity[0] ?? '').toUpperCase()}${identity.slice(1)}`;

const removal = (identity: Identity, object: Named & { protected: boolean }): Fix => ({
  operation: operationOn('delete', identity),
  namespace: object.namespace,
  params: { id: object.ID },
  ...(object.protected ? { query: { override: 'true' } } : {}),
});

const patch = (
  identity: Identity,
  object: Named & { protected: boolean },
  body: Record<string, unknown>,
): Fix => ({ ...removal(identity, object), operation: operationOn('patch', identity), body });

/** Every fix adds all that the namespace lacks, so that one after another takes nothing away again. */
function clauses({ namespace, chain, objects }: LintInput): LintFinding[] {
  const { tagPrefixes, tagPrefixEnforcement } = effectiveNamespace(chain);
  const found = objects('networkrulesetpolicy').flatMap(ruleset =>
    deadClauses(ruleset, tagPrefixes).map(clause => ({ ruleset, clause })),
  );
  const missing = distinct(found.flatMap(({ clause }) => clause.tags.map(prefixOf)));
  const own = chain.at(-1);
  const fixes =
    own && namespace !== '/'
      ? [
          patch(
            'namespace',
            { ...own, namespace: parentPath(namespace) },
            {
              tagPrefixes: [...own.tagPrefixes, ...missing],
            },
          ),
        ]
      : [];
  const when = tagPrefixEnforcement.value === 'Enforce' ? 'matches nothing' : 'stops matching under Enforce';
  return found.map(({ ruleset, clause: { path, tags } }) => ({
    lint: 'clauses',
    ...about('networkrulesetpolicy', ruleset),
    path,
    message: `the clause ${when}: no tag prefix of ${namespace} lists ${tags.map(tag => `\`${tag}\``).join(', ')}; add ${distinct(tags.map(prefixOf)).join(', ')} to tagPrefixes`,
    fixes,
  }));
}

const EDITOR = '@auth:role=namespace.editor';
const ADMINISTRATOR = '@auth:role=namespace.administrator';
/** What is said of roles that are about to be given; empty when there is nothing to say. */
export const roleWarnings = (roles: readonly string[]): string[] =>
  roles.includes(EDITOR)
    ? [`${EDITOR} is deprecated; grant ${ADMINISTRATOR}, or a role that allows less`]
    : [];

const promoted = (roles: readonly string[]): string[] => [
  ...new Set(roles.map(role => (role === EDITOR ? ADMINISTRATOR : role))),
];

function editors({ objects }: LintInput): LintFinding[] {
  const finding = (
    identity: Identity,
    object: Named & { protected: boolean },
    attribute: string,
    roles: readonly string[],
  ): LintFinding[] =>
    roles.includes(EDITOR)
      ? [
          {
            lint: 'namespace-editor',
            ...about(identity, object),
            path: `${attribute}[${roles.indexOf(EDITOR)}]`,
            message: `${EDITOR} is deprecated; grant ${ADMINISTRATOR}, or a role that allows less`,
            fixes: [patch(identity, object, { [attribute]: promoted(roles) })],
          },
        ]
      : [];
  return [
    ...objects('apiauthorizationpolicy').flatMap(policy =>
      finding('apiauthorizationpolicy', policy, 'authorizedIdentities', policy.authorizedIdentities),
    ),
    ...objects('appcredential').flatMap(credential =>
      finding('appcredential', credential, 'roles', credential.roles),
    ),
  ];
}

function hostServices({ objects }: LintInput): LintFinding[] {
  const finding = (identity: Identity, object: Named & { protected: boolean }): LintFinding => ({
    lint: 'host-service',
    ...about(identity, object),
    path: '',
    message:
      'host services have no effect; write a ruleset for the host with external networks, and delete this',
    fixes: [removal(identity, object)],
  });
  return [
    ...objects('hostservice').map(service => finding('hostservice', service)),
    ...objects('hostservicemappingpolicy').map(mapping => finding('hostservicemappingpolicy', mapping)),
  ];
}

/** Under this label the rulesets are imported, so that applying a fix twice makes them once. */
const LABEL = 'lint';

/** A stored object as an export has it, which is in its own namespace. */
const exported = (identity: Identity, object: object): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(object).filter(
      ([key]) => key === 'name' || !Object.hasOwn(resourceOf(identity).readOnly, key),
    ),
  );

/** What a legacy policy of one namespace is converted from. */
export const legacyExport = (objects: Objects): LegacyExport => ({
  APIVersion: 1,
  label: '',
  identities: [],
  data: {
    externalnetworks: objects('externalnetwork').map(one => exported('externalnetwork', one)),
    networkaccesspolicies: objects('networkaccesspolicy').map(one => exported('networkaccesspolicy', one)),
  },
});

/** The rulesets of all policies are imported by each fix: what one of them means may depend on the others. */
function legacyPolicies({ namespace, objects, ancestors }: LintInput): LintFinding[] {
  if (objects('networkaccesspolicy').length === 0) return [];
  const { networkrulesetpolicies: rulesets = [] } = convert(legacyExport(objects), { ancestors }).export.data;
  const data = { APIVersion: 1, label: LABEL, data: { networkrulesetpolicies: rulesets } };
  const imported: Fix[] = rulesets.length === 0 ? [] : [{ operation: 'import', namespace, body: { data } }];
  return objects('networkaccesspolicy').map(policy => ({
    lint: 'legacy-policy',
    ...about('networkaccesspolicy', policy),
    path: '',
    message:
      'network policies have no effect; import the rulesets that POST /conversions makes of them, and delete this',
    fixes: [...imported, removal('networkaccesspolicy', policy)],
  }));
}

const ENFORCER = ['$identity=enforcer' as Tag];

function enforcerMappings({ objects }: LintInput): LintFinding[] {
  return objects('namespacemappingpolicy').flatMap((mapping): LintFinding[] => {
    const selects = mapping.subject.map(clause => clause.some(tag => clauseMatches([tag], ENFORCER)));
    if (!selects.includes(true)) return [];
    const subject = mapping.subject.filter((_, index) => !selects[index]);
    const fix =
      subject.length === 0
        ? removal('namespacemappingpolicy', mapping)
        : patch('namespacemappingpolicy', mapping, { subject });
    return [
      {
        lint: 'enforcer-mapping',
        ...about('namespacemappingpolicy', mapping),
        path: `subject[${selects.indexOf(true)}]`,
        message: `enforcers are no longer mapped to \`${mapping.mappedNamespace}\`; install them there, and map processing units only`,
        fixes: [fix],
      },
    ];
  });
}

/** What of one namespace no longer works or soon will not, and how to mend it; in the order of LINTS. */
export const lint = (input: LintInput): LintFinding[] => [
  ...clauses(input),
  ...editors(input),
  ...hostServices(input),
  ...legacyPolicies(input),
  ...enforcerMappings(input),
];
