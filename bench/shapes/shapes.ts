import { childPath, type NamespacePath } from '../../shared/schema/ids.ts';
import { namespaceAt, rulesetIn, type Shape, TENANT, unitIn } from './objects.ts';

/** A shape at full size, or at a part of it. */
type MakeShape = (share?: number) => Shape;

const range = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

const empty = (): Shape => ({ namespaces: [namespaceAt(TENANT)], units: [], rulesets: [], compiled: [] });

const add = (shape: Shape, path: NamespacePath): void => {
  shape.namespaces.push(namespaceAt(path));
  shape.compiled.push(path);
};

/** Subject and incoming object are the same label within the namespace. */
const within = (path: NamespacePath, label: string) =>
  rulesetIn(path, [label], [label, `$namespace=${path}`]);

/** 25,000 namespaces, each 4 units and 3 rulesets, one of them without rules. */
const s1: MakeShape = (share = 1) => {
  const shape = empty();
  for (const index of range(25_000 * share)) {
    const path = childPath(TENANT, `namespace-${index}`);
    add(shape, path);
    for (const label of ['app-1=scale-1', 'app-1=scale-1', 'app-2=scale-2', 'app-2=scale-2'])
      shape.units.push(unitIn(path, [label]));
    shape.rulesets.push(
      rulesetIn(path, ['$identity=processingunit']),
      within(path, 'app-1=scale-1'),
      within(path, 'app-2=scale-2'),
    );
  }
  return shape;
};

/** 100 namespaces × 100 labels × 10 units, a ruleset for each label and one without rules. */
const s2: MakeShape = (share = 1) => {
  const shape = empty();
  for (const index of range(100 * share)) {
    const path = childPath(TENANT, `namespace-${index}`);
    add(shape, path);
    shape.rulesets.push(rulesetIn(path, ['$identity=processingunit']));
    for (const label of range(100).map(at => `app=scale-${at}`)) {
      for (const _ of range(10)) shape.units.push(unitIn(path, [label]));
      shape.rulesets.push(within(path, label));
    }
  }
  return shape;
};

/** One namespace, 10,000 units and 10,000 rulesets that all select all. */
const s3: MakeShape = (share = 1) => {
  const shape = empty();
  const path = childPath(TENANT, 'one');
  add(shape, path);
  for (const _ of range(10_000 * share)) {
    shape.units.push(unitIn(path, ['app=scale']));
    shape.rulesets.push(within(path, '$identity=processingunit'));
  }
  return shape;
};

/** One namespace, 10,000 units, and for each a ruleset that admits one other. */
const s4: MakeShape = (share = 1) => {
  const count = 10_000 * share;
  const shape = empty();
  const path = childPath(TENANT, 'one');
  add(shape, path);
  for (const index of range(count)) {
    shape.units.push(unitIn(path, [`unit=${index}`]));
    shape.rulesets.push(
      rulesetIn(path, [`unit=${index}`], [`unit=${(index + 1) % count}`, `$namespace=${path}`]),
    );
  }
  return shape;
};

/** 1,000 namespaces × 100 units; 10 rulesets in each, whose objects span the 10 namespaces of its group. */
const s5: MakeShape = (share = 1) => {
  const shape = empty();
  for (const index of range(1_000 * share)) {
    const group = `@org:group=group-${Math.floor(index / 10)}`;
    const path = childPath(TENANT, `namespace-${index}`);
    add(shape, path);
    for (const at of range(100)) shape.units.push(unitIn(path, [group, `app=scale-${at % 10}`]));
    for (const at of range(10))
      shape.rulesets.push(rulesetIn(path, [`app=scale-${at}`], [group, `app=scale-${(at + 1) % 10}`]));
  }
  return shape;
};

export const SHAPES = { s1, s2, s3, s4, s5 } as const;
export type ShapeName = keyof typeof SHAPES;
