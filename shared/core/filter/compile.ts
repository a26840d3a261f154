import { type Cidr, contains, parseAddress } from '../../schema/cidr.ts';
import type { Comparison, Expression, Filter } from './ast.ts';
import { type Askable, type Attribute, attributeOf } from './attribute.ts';
import { mistake } from './mistake.ts';
import { type Budget, newBudget, patternOf } from './pattern.ts';
import { equals, holds, readLiteral } from './value.ts';

export type Predicate = (object: object) => boolean;

interface Setting {
  resource: Askable;
  /** Milliseconds since the epoch. */
  now: number;
  text: string;
  budget: Budget;
}

/**
 * Whether an object passes one of the filters (several `q` are joined by or). For one request: its patterns share a
 * budget, see pattern.ts. Fails with `bad_request` for attributes that the resource does not have.
 */
export function compileFilters(
  filters: readonly Filter[],
  resource: Askable,
  now: Date,
  budget: Budget = newBudget(),
): Predicate {
  const setting = { resource, now: now.getTime(), budget };
  const each = filters.map(({ text, root }) => compile(root, { ...setting, text }));
  return object => each.some(passes => passes(object));
}

function isWithin(address: unknown, ranges: readonly Cidr[]): boolean {
  const one = typeof address === 'string' ? parseAddress(address) : undefined;
  return one !== undefined && ranges.some(range => contains(range, one));
}

function compile(expression: Expression, setting: Setting): Predicate {
  if (expression.kind === 'and' || expression.kind === 'or') {
    const operands = expression.of.map(operand => compile(operand, setting));
    return expression.kind === 'and'
      ? object => operands.every(passes => passes(object))
      : object => operands.some(passes => passes(object));
  }
  if (expression.kind === 'not') {
    const passes = compile(expression.of, setting);
    return object => !passes(object);
  }
  const attribute = attributeOf(expression, setting.resource, setting.text);
  const passes = compare(expression, attribute, setting);
  return object => passes(attribute.values(object));
}

/** The comparison over everything there is under its key: true when it is true of any of it. */
function compare(
  comparison: Comparison,
  attribute: Attribute,
  { text, now, budget }: Setting,
): (there: readonly unknown[]) => boolean {
  if (comparison.kind === 'exists') return there => there.length > 0 !== comparison.negated;
  if (comparison.kind === 'matches') {
    const tests = comparison.patterns.map(pattern => patternOf(pattern, comparison, text, budget));
    return there => there.some(each => typeof each === 'string' && tests.some(test => test(each)));
  }
  if (comparison.kind === 'contains') {
    return there => there.some(each => typeof each === 'string' && each.includes(comparison.text));
  }
  if (comparison.kind === 'within') return there => there.some(each => isWithin(each, comparison.ranges));
  if (comparison.kind === 'among') {
    const values = comparison.values.map(each => readLiteral(each, attribute, comparison, text, now));
    return there => there.some(each => values.some(value => equals(each, value))) !== comparison.negated;
  }
  const value = readLiteral(comparison.value, attribute, comparison, text, now);
  const { operator } = comparison;
  if (operator === '==' || operator === '!=') {
    // As the original: what is not there is false.
    const absent = value.kind === 'boolean' && !value.value;
    return there =>
      (there.some(each => equals(each, value)) || (absent && there.length === 0)) === (operator === '==');
  }
  if (value.kind === 'list') {
    throw mistake(text, comparison.at, `a list has no order, and ${operator} needs one; use in or contains`);
  }
  return there => there.some(each => holds(each, operator, value));
}
