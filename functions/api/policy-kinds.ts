import {
  POLICY_TYPES,
  Policy,
  type PolicyRenderer,
  type PolicyRendererRequest,
  type PolicyType,
} from '../../shared/api/policy-messages.ts';
import { crudOperation } from '../../shared/api/routes.ts';
import { grants, type RoleVerb } from '../../shared/core/roles.ts';
import { expressionMatches } from '../../shared/core/tags.ts';
import { fail } from '../../shared/schema/failure.ts';
import { ObjectId } from '../../shared/schema/ids.ts';
import type { Identity, ObjectOf } from '../../shared/schema/resources.ts';
import type { Call, Handler } from '../call.ts';
import type { Deps } from '../deps.ts';
import { isShown } from '../hidden.ts';
import { arranged, everything } from '../list.ts';
import { authorizations } from './authorizations.ts';
import { enforcers } from './enforcers.ts';
import { legacy } from './legacy.ts';
import { networkPolicies } from './policies.ts';

type Kind = (typeof POLICY_TYPES)[PolicyType];
const KINDS = Object.entries(POLICY_TYPES) as [PolicyType, Kind][];

const nouns: Readonly<Record<string, Handler>> = {
  ...authorizations,
  ...enforcers,
  ...legacy,
  ...networkPolicies,
};

/** A policy in what all kinds share; what a kind does not have is as if it were not set. */
function shownAs(type: PolicyType, object: ObjectOf<Kind>): Policy {
  const flag = (name: string): boolean => Reflect.get(object, name) === true;
  return {
    ID: object.ID,
    type,
    name: object.name,
    namespace: object.namespace,
    description: object.description,
    disabled: flag('disabled'),
    fallback: flag('fallback'),
    propagate: type === 'APIAuthorization' || flag('propagate'),
    protected: flag('protected'),
    associatedTags: object.associatedTags,
    metadata: object.metadata,
    normalizedTags: object.normalizedTags,
    subject: object.subject,
    createTime: object.createTime,
    updateTime: object.updateTime,
  };
}

/** Kinds that the caller may see, or remove, by the kind's own permission too. */
const kindsFor = ({ held }: Call, verb: RoleVerb): [PolicyType, Kind][] =>
  KINDS.filter(([, kind]) => held.some(permissions => grants(permissions, kind, verb)));

const byName = (a: Policy, b: Policy): number =>
  a.name < b.name ? -1 : a.name > b.name ? 1 : a.ID < b.ID ? -1 : 1;

async function policiesOf(call: Call, deps: Deps): Promise<Policy[]> {
  const { recursive, propagated } = call.query;
  const flags = { ...(recursive ? { recursive } : {}), ...(propagated ? { propagated } : {}) };
  const lists = await Promise.all(
    kindsFor(call, 'get').map(async ([type, kind]) =>
      (await everything(kind, { ...call, query: flags }, deps)).map(object => shownAs(type, object)),
    ),
  );
  return lists.flat();
}

const listPolicies: Handler = async (call, deps) =>
  arranged(
    await policiesOf(call, deps),
    { identity: 'policy', stored: Policy, defaultOrder: 'name' },
    call,
    deps,
  );

/** The policy with the ID, of whatever kind: one parallel batch of reads. */
async function found(call: Call, verb: RoleVerb, { store }: Pick<Deps, 'store'>) {
  const id = ObjectId.safeParse(call.params.id);
  const { namespace } = call;
  const all = id.success
    ? await Promise.all(
        kindsFor(call, verb).map(async ([type, resource]) => ({
          type,
          resource,
          object: await store.get({ resource: resource as Identity, namespace, id: id.data }),
        })),
      )
    : [];
  const there = all.find(({ object }) => object && isShown(object));
  if (there?.object) return { ...there, object: there.object as ObjectOf<Kind> };
  throw fail('not_found', `no policy with the ID \`${call.params.id}\` in ${namespace}`);
}

const getPolicy: Handler = async (call, deps) => {
  const { type, object } = await found(call, 'get', deps);
  return { body: shownAs(type, object) };
};

/** As if it were deleted by its own operation, which has the last word. */
const deletePolicy: Handler = async (call, deps) => {
  const { type, resource, object } = await found(call, 'delete', deps);
  await nouns[crudOperation('delete', resource)]?.({ ...call, target: object }, deps);
  return { body: shownAs(type, object) };
};

const objectOf = (object: ObjectOf<Kind>): readonly (readonly string[])[] =>
  'object' in object
    ? object.object
    : 'incomingRules' in object
      ? [...object.incomingRules, ...object.outgoingRules].flatMap(rule => rule.object)
      : [];

/** Which policies of a kind select something with these tags, or name it. */
const renderPolicies: Handler = async (call, deps) => {
  const { type, tags, processMode } = call.body as PolicyRendererRequest;
  const kind = POLICY_TYPES[type];
  if (!kindsFor(call, 'get').some(([, visible]) => visible === kind)) {
    throw fail(
      'forbidden',
      `you may not get ${kind} in ${call.namespace}; ask an administrator for a role that may`,
    );
  }
  const all = await everything(kind, { ...call, query: { propagated: ['true'] } }, deps);
  const policies = all
    .filter(object =>
      expressionMatches(
        (processMode === 'Subject' ? object.subject : objectOf(object)) as typeof object.subject,
        tags,
      ),
    )
    .map(object => shownAs(type, object))
    .sort(byName);
  return { body: { type, tags, processMode, policies } satisfies PolicyRenderer };
};

export const policyKinds = { listPolicies, getPolicy, deletePolicy, renderPolicies };
