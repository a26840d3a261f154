import { Failure } from '../../schema/failure.ts';
import type { PushEvent } from '../../schema/push.ts';
import type { Expression, Node } from './ast.ts';
import { type Budget, MOST, STEP, spend, spendWhole } from './budget.ts';
import { callFunction, whyNot } from './functions.ts';
import { mistake } from './mistake.ts';
import { Unsuitable } from './operations.ts';
import { parseTemplate } from './parse.ts';
import { briefOf, entry, isEmpty, isMapping, isNothing, keysOf, textOf, type Value } from './value.ts';

/** What the template of an import is rendered with: `.Values` and `.Aporeto`. */
export interface TemplateData {
  Values: Readonly<Record<string, unknown>>;
  Aporeto: { Namespace: string; API: string };
}

/** Variables of a block and of those around it. */
interface Scope {
  variables: Map<string, Value>;
  around: Scope | undefined;
}

interface Rendering {
  text: string;
  data: Value;
  budget: Budget;
  out: string[];
}

const within = (around: Scope, named: readonly (readonly [string, Value])[] = []): Scope => ({
  variables: new Map(named),
  around,
});

const holderOf = (scope: Scope | undefined, name: string): Scope | undefined =>
  scope === undefined || scope.variables.has(name) ? scope : holderOf(scope.around, name);

function fieldOf(value: Value, path: readonly string[], at: number, { text }: Rendering): Value {
  let found = value;
  for (const [depth, name] of path.entries()) {
    if (!isMapping(found)) {
      const before = depth === 0 ? 'what it is asked of' : `\`.${path.slice(0, depth).join('.')}\``;
      const is = isNothing(found) ? 'has no value' : `is ${briefOf(found)}`;
      throw mistake(
        text,
        at,
        `${before} ${is}, so there is no \`.${name}\` in it; give it a value or test it with if`,
      );
    }
    found = entry(found, name);
  }
  return found;
}

/** Go's `and` and `or`: the first argument that decides, and the rest is not looked at. */
function decide(
  name: 'and' | 'or',
  parts: readonly Expression[],
  dot: Value,
  scope: Scope,
  run: Rendering,
): Value {
  let value: Value;
  for (const part of parts) {
    value = evaluate(part, dot, scope, run);
    if (isEmpty(value) === (name === 'and')) return value;
  }
  return value;
}

function called(
  name: string,
  at: number,
  parts: readonly Expression[],
  dot: Value,
  scope: Scope,
  run: Rendering,
): Value {
  if ((name === 'and' || name === 'or') && parts.length > 0) return decide(name, parts, dot, scope, run);
  const unknown = whyNot(name);
  if (unknown) throw mistake(run.text, at, unknown);
  const args = parts.map(part => evaluate(part, dot, scope, run));
  try {
    return callFunction(name, args, run.budget);
  } catch (error) {
    if (error instanceof Failure) throw error;
    if (error instanceof Unsuitable) throw mistake(run.text, at, `\`${name}\`: ${error.message}`);
    throw error;
  }
}

function evaluate(expression: Expression, dot: Value, scope: Scope, run: Rendering): Value {
  spend(run.budget, STEP);
  switch (expression.kind) {
    case 'value':
      return expression.value;
    case 'dot':
      return dot;
    case 'variable': {
      const { name, at } = expression;
      if (name === '') return run.data;
      const holder = holderOf(scope, name);
      if (!holder)
        throw mistake(
          run.text,
          at,
          `there is no variable \`$${name}\`; set it with {{ $${name} := … }} before`,
        );
      return holder.variables.get(name);
    }
    case 'field':
      return fieldOf(evaluate(expression.of, dot, scope, run), expression.path, expression.at, run);
    case 'name':
      return called(expression.name, expression.at, [], dot, scope, run);
    case 'command': {
      const [first, ...rest] = expression.parts;
      if (first.kind === 'name') return called(first.name, first.at, rest, dot, scope, run);
      if (rest.length === 0) return evaluate(first, dot, scope, run);
      throw mistake(run.text, expression.at, 'this is a value, not a function, and takes nothing behind it');
    }
  }
}

/** Entries of what is ranged over: of a list by index, of a dict by key in order, of a number from 0 on. */
function entriesOf(value: Value, at: number, { text, budget }: Rendering): (readonly [Value, Value])[] {
  if (isNothing(value)) return [];
  if (Array.isArray(value)) return value.map((item, index) => [index, item]);
  if (isMapping(value)) return keysOf(value).map(key => [key, value[key]]);
  if (typeof value === 'number' && Number.isInteger(value)) {
    spend(budget, Math.max(0, value));
    return Array.from({ length: Math.max(0, value) }, (_, index) => [index, index]);
  }
  throw mistake(text, at, `range wants a list or a dict, not ${briefOf(value)}`);
}

function emit(text: string, { out, budget }: Rendering): void {
  spend(budget, text.length);
  out.push(text);
}

function one(node: Node, dot: Value, scope: Scope, run: Rendering): void {
  spend(run.budget, STEP);
  switch (node.kind) {
    case 'text':
      emit(node.text, run);
      return;
    case 'output': {
      const value = evaluate(node.value, dot, scope, run);
      spendWhole(run.budget, value);
      emit(textOf(value), run);
      return;
    }
    case 'assign': {
      const value = evaluate(node.value, dot, scope, run);
      const holder = node.declares ? scope : holderOf(scope, node.name);
      if (!holder)
        throw mistake(
          run.text,
          node.at,
          `there is no variable \`$${node.name}\` to change; write := for a new one`,
        );
      holder.variables.set(node.name, value);
      return;
    }
    case 'range': {
      const entries = entriesOf(evaluate(node.over, dot, scope, run), node.at, run);
      for (const [key, value] of entries) {
        const [first, second] = node.variables;
        const named: [string, Value][] =
          first === undefined
            ? []
            : second === undefined
              ? [[first, value]]
              : [
                  [first, key],
                  [second, value],
                ];
        every(node.body, value, within(scope, named), run);
      }
      if (entries.length === 0) every(node.otherwise, dot, within(scope), run);
      return;
    }
    default: {
      const value = evaluate(node.test, dot, scope, run);
      const inner = within(scope, node.variable === null ? [] : [[node.variable, value]]);
      if (isEmpty(value)) every(node.otherwise, dot, inner, run);
      else every(node.body, node.kind === 'with' ? value : dot, inner, run);
    }
  }
}

function every(nodes: readonly Node[], dot: Value, scope: Scope, run: Rendering): void {
  for (const node of nodes) one(node, dot, scope, run);
}

/**
 * The text that a template comes to. Decided by the template and the data alone; what has no value is `<no value>`.
 *
 * @throws `invalid` with line and column for what cannot be read, an unknown function, or a value that does not suit;
 *   `too_large` for a rendering without end
 */
export function renderTemplate(text: string, data: TemplateData | PushEvent): string {
  const nodes = parseTemplate(text);
  const run: Rendering = { text, data, budget: { left: MOST }, out: [] };
  every(nodes, data, { variables: new Map(), around: undefined }, run);
  return run.out.join('');
}
