import { newObject } from '../../shared/core/object.ts';
import type { PolicyView } from '../../shared/core/view.ts';
import { NamespacePath, ObjectId, parentPath } from '../../shared/schema/ids.ts';
import type { Namespace } from '../../shared/schema/namespace.ts';
import { namespace } from '../../shared/schema/namespace.ts';
import {
  NetworkRule,
  type NetworkRuleSetPolicy,
  networkrulesetpolicy,
} from '../../shared/schema/networkrulesetpolicy.ts';
import { type ProcessingUnit, processingunit } from '../../shared/schema/processingunit.ts';
import type { Tag } from '../../shared/schema/tag.ts';

/** The objects of one shape, made before the clock starts, and the namespaces whose bundles are compiled. */
export interface Shape {
  namespaces: Namespace[];
  units: ProcessingUnit[];
  rulesets: NetworkRuleSetPolicy[];
  compiled: NamespacePath[];
}

const TIME = new Date('2021-03-05T00:00:00.000Z');
export const TENANT = NamespacePath.parse('/scale');

let made = 0;
const nextID = (): ObjectId => (++made).toString(16).padStart(24, '0') as ObjectId;
const tag = (text: string): Tag => text as Tag;
const some = ObjectId.parse('0'.repeat(24));

// One object of each kind comes through the door, schema and all; the rest are copies that differ in what matters.
const birth = { id: some, namespace: TENANT, now: TIME };
const aNamespace = newObject('namespace', namespace.input.parse({ name: 'one' }), birth);
const aUnit = newObject('processingunit', processingunit.input.parse({ name: 'one', type: 'Docker' }), birth);
const aRuleSet = newObject(
  'networkrulesetpolicy',
  networkrulesetpolicy.input.parse({ name: 'one', subject: [['app=one']] }),
  birth,
);
const aRule = NetworkRule.parse({ object: [['app=one']] });

export const namespaceAt = (path: NamespacePath): Namespace => ({
  ...aNamespace,
  ID: nextID(),
  name: path,
  namespace: parentPath(path),
});

let sharedPath: NamespacePath | undefined;
let namespaceTag: Tag = tag(`$namespace=${TENANT}`);

/** A processing unit with these tags beside the computed ones, and an address of its own. */
export function unitIn(path: NamespacePath, tags: readonly string[]): ProcessingUnit {
  if (path !== sharedPath) {
    sharedPath = path;
    namespaceTag = tag(`$namespace=${path}`);
  }
  const ID = nextID();
  const name = `unit-${made}`;
  return {
    ...aUnit,
    ID,
    name,
    namespace: path,
    addresses: [`10.${(made >> 16) & 255}.${(made >> 8) & 255}.${made & 255}`],
    normalizedTags: [
      tag(`$id=${ID}`),
      tag('$identity=processingunit'),
      tag(`$name=${name}`),
      namespaceTag,
      tag('$type=Docker'),
      ...tags.map(tag),
    ],
  };
}

/** A ruleset whose subject is one clause, with one incoming rule for one clause; without rules when there is none. */
export const rulesetIn = (
  path: NamespacePath,
  subject: string[],
  incoming?: string[],
): NetworkRuleSetPolicy => ({
  ...aRuleSet,
  ID: nextID(),
  name: `ruleset-${made}`,
  namespace: path,
  subject: [subject.map(tag)],
  incomingRules: incoming ? [{ ...aRule, object: [incoming.map(tag)] }] : [],
});

export function load(shape: Shape, view: PolicyView): void {
  for (const one of shape.namespaces) view.put('namespace', one);
  for (const one of shape.units) view.put('processingunit', one);
  for (const one of shape.rulesets) view.put('networkrulesetpolicy', one);
}
