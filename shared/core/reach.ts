import type { Enforcer } from '../schema/enforcer.ts';
import { isWithin, type NamespacePath, tenantOf } from '../schema/ids.ts';
import type { Namespace } from '../schema/namespace.ts';
import type { ProcessingUnit } from '../schema/processingunit.ts';
import type { ObjectOf } from '../schema/resources.ts';
import type { Tag } from '../schema/tag.ts';
import { canReachInto } from './scopes.ts';
import { expressionMatches } from './tags.ts';
import type { PolicyIdentity } from './view.ts';

/** A namespace with enforcers, and what its last compile told of it. */
export interface EnforcerNamespace {
  path: NamespacePath;
  /** Its own path and those that its processing units can be mapped to. */
  namespaces: readonly NamespacePath[];
  /** The distinct object clauses of its rules. */
  selectors: readonly (readonly Tag[])[];
}

/** One write of one object. `before` is absent for a create, `after` for a delete. */
export type PolicyChange = {
  [I in PolicyIdentity]: { resource: I; before?: ObjectOf<I>; after?: ObjectOf<I> };
}[PolicyIdentity];

/** The attributes in which an object may differ without a bundle that shows it. */
const UNSEEN: ReadonlySet<string> = new Set(['createTime', 'description', 'annotations', 'protected']);

const SEEN_OF_UNIT: readonly (keyof ProcessingUnit)[] = ['addresses', 'namespace', 'normalizedTags'];

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

const seen = (object: object | undefined): unknown =>
  object &&
  Object.entries(object)
    .filter(([key]) => !UNSEEN.has(key))
    .sort();

interface Placed {
  namespace: NamespacePath;
  propagate?: boolean;
  disabled?: boolean;
  archived?: boolean;
}

const isActive = (object: Placed | undefined): object is Placed =>
  object !== undefined && object.disabled !== true && object.archived !== true;

const appliesIn = (object: Placed, path: NamespacePath): boolean =>
  object.namespace === path || (object.propagate === true && isWithin(path, object.namespace));

type Decide = (enforcers: EnforcerNamespace) => boolean;
const NEVER: Decide = () => false;

/** Objects of policy count where they apply, before or after. */
function placedChange(
  before: Placed | undefined,
  after: Placed | undefined,
  of: (enforcers: EnforcerNamespace) => readonly NamespacePath[],
): Decide {
  const active = [before, after].filter(isActive);
  if (isActive(before) === isActive(after) && same(seen(before), seen(after))) return NEVER;
  return enforcers => active.some(object => of(enforcers).some(path => appliesIn(object, path)));
}

function unitChange(before: ProcessingUnit | undefined, after: ProcessingUnit | undefined): Decide {
  const alive = [before, after].flatMap(unit =>
    unit && unit.operationalStatus !== 'Terminated' ? [unit] : [],
  );
  const [one, other] = alive;
  if (one && other && SEEN_OF_UNIT.every(key => same(one[key], other[key]))) return NEVER;
  return ({ path, selectors }) =>
    alive.some(
      unit =>
        tenantOf(unit.namespace) === tenantOf(path) && expressionMatches(selectors, unit.normalizedTags),
    );
}

/** Values of a namespace reach down; its tag rules also change what others see of the units in it and below. */
function namespaceChange(before: Namespace | undefined, after: Namespace | undefined): Decide {
  const either = after ?? before;
  if (!either) return NEVER;
  const subtree = either.name as NamespacePath;
  const values = (of: Namespace | undefined) =>
    of && [
      of.ID,
      of.defaultPUIncomingTrafficAction,
      of.defaultPUOutgoingTrafficAction,
      of.defaultEnforcerVersion,
    ];
  const tagRules = (of: Namespace | undefined) =>
    of ? [of.tagPrefixEnforcement, [...of.tagPrefixes].sort()] : ['Inherit', []];
  const retagged = !same(tagRules(before), tagRules(after));
  if (!retagged && same(values(before), values(after))) return NEVER;
  return ({ path, namespaces, selectors }) =>
    namespaces.some(one => isWithin(one, subtree)) ||
    // A mapping may have named it before it was there.
    ((!before || !after) && isWithin(subtree, path)) ||
    (retagged && selectors.some(clause => canReachInto(clause, tenantOf(path), subtree)));
}

/** What a bundle says of an enforcer. */
const told = (of: Enforcer | undefined) =>
  of && [of.name, of.logLevel, of.namespace, of.migration?.task, of.migration?.collect];

/** True for what enforcers report of themselves all day: it is in no bundle. */
export const isReport = ({
  resource,
  before,
  after,
}: {
  resource: string;
  before?: object;
  after?: object;
}) =>
  resource === 'enforcer' &&
  before !== undefined &&
  same(told(before as Enforcer), told(after as Enforcer | undefined));

function decider(change: PolicyChange): Decide {
  switch (change.resource) {
    case 'networkrulesetpolicy':
    case 'externalnetwork':
    case 'namespacemappingpolicy':
      return placedChange(change.before, change.after, enforcers => enforcers.namespaces);
    case 'enforcerprofile':
    case 'enforcerprofilemappingpolicy':
      return placedChange(change.before, change.after, enforcers => [enforcers.path]);
    case 'processingunit':
      return unitChange(change.before, change.after);
    case 'namespace':
      return namespaceChange(change.before, change.after);
    case 'enforcer': {
      const { before, after } = change;
      if (same(told(before), told(after))) return NEVER;
      return ({ path }) => path === before?.namespace || path === after?.namespace;
    }
  }
}

/**
 * Which of the enforcers' namespaces must be compiled again after a change. Never too few; a few too many do no
 * harm, because equal payloads are not published again. A namespace that has its first enforcer is not in the list
 * yet: that it needs a bundle is for the caller to see.
 */
export const reachedBy = (change: PolicyChange, enforcers: readonly EnforcerNamespace[]): NamespacePath[] =>
  enforcers.filter(decider(change)).map(({ path }) => path);
