import { z } from 'zod';
import { parseCidr } from '../../schema/cidr.ts';
import { FlowReport } from '../../schema/flowreport.ts';
import type { Comparison, Expression, Literal } from '../filter/ast.ts';
import { attributeOf } from '../filter/attribute.ts';
import { compileFilters, type Predicate } from '../filter/compile.ts';
import { newBudget } from '../filter/pattern.ts';
import { ofQuery, queryMistake } from './mistake.ts';
import type { Query } from './read.ts';

const FLOWS = { identity: 'flowreport', stored: FlowReport };

/** Names that people say instead of IANA's numbers. */
const PROTOCOLS: Readonly<Record<string, number>> = { icmp: 1, tcp: 6, udp: 17, icmp6: 58, sctp: 132 };

/** Steps that patterns of one query may take, over all the records that it looks at. */
const STEPS = 100_000_000;

/** Whether a record is one that the query asks for; its patterns share a budget, so it is for one request. */
export function meaningOf({ text, root }: Query, now: Date): Predicate {
  if (!root) return () => true;
  return ofQuery(() => compileFilters([{ text, root: meant(root, text) }], FLOWS, now, newBudget(STEPS)));
}

function meant(expression: Expression, text: string): Expression {
  switch (expression.kind) {
    case 'and':
    case 'or':
      return { kind: expression.kind, of: expression.of.map(each => meant(each, text)) };
    case 'not':
      return { kind: 'not', of: meant(expression.of, text) };
    default:
      return meantBy(expression, text);
  }
}

/** Values as the attribute has them: networks of addresses, numbers, and words of which there are few. */
function meantBy(comparison: Comparison, text: string): Expression {
  const { name } = attributeOf(comparison, FLOWS, text);
  const { key, at } = comparison;
  if (comparison.kind !== 'compare' && comparison.kind !== 'among') return comparison;
  const isEqual = comparison.kind === 'among' || ['==', '!='].includes(comparison.operator);
  const values = comparison.kind === 'among' ? comparison.values : [comparison.value];
  if (/IP$/.test(name)) {
    if (!isEqual)
      throw queryMistake(text, at, `${name} has no order; compare it with =, != or in, with networks too`);
    const ranges = values.map(value => networkOf(value, name, at, text));
    const within: Expression = { kind: 'within', key, at, ranges };
    const negated = comparison.kind === 'compare' && comparison.operator === '!=';
    return negated ? { kind: 'not', of: within } : within;
  }
  const read = (value: Literal): Literal => wordOf(numberOf(value, name, at, text), name, at, text);
  return comparison.kind === 'among'
    ? { ...comparison, values: comparison.values.map(read) }
    : { ...comparison, value: read(comparison.value) };
}

const said = (literal: Literal): string => ('text' in literal ? literal.text.slice(0, 80) : '');

function networkOf(literal: Literal, name: string, at: number, text: string) {
  const cidr = 'text' in literal ? parseCidr(literal.text) : undefined;
  if (cidr) return cidr;
  throw queryMistake(
    text,
    at,
    `${name} is an address; \`${said(literal)}\` is neither one nor a network such as 10.0.0.0/8`,
  );
}

const schemaOf = (name: string): unknown => {
  let schema: unknown = Object.hasOwn(FlowReport.shape, name)
    ? Reflect.get(FlowReport.shape, name)
    : undefined;
  while (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault) schema = schema.unwrap();
  return schema;
};

function numberOf(literal: Literal, name: string, at: number, text: string): Literal {
  if (!(schemaOf(name) instanceof z.ZodNumber) || literal.kind === 'number') return literal;
  const word = said(literal);
  const value = name === 'protocol' ? PROTOCOLS[word.toLowerCase()] : undefined;
  if (value !== undefined) return { kind: 'number', value, text: word };
  if (/^\d{1,15}$/.test(word)) return { kind: 'number', value: Number(word), text: word };
  throw queryMistake(text, at, `${name} is a number, \`${word}\` is none`);
}

/** A misspelled word would look like a log without records. */
function wordOf(literal: Literal, name: string, at: number, text: string): Literal {
  const schema = schemaOf(name);
  if (!(schema instanceof z.ZodEnum)) return literal;
  const word = schema.options.find(option => String(option).toLowerCase() === said(literal).toLowerCase());
  if (word !== undefined) return { kind: 'text', text: String(word) };
  throw queryMistake(text, at, `${name} is one of ${schema.options.join(', ')}, never \`${said(literal)}\``);
}
