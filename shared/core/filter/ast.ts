import type { Cidr } from '../../schema/cidr.ts';

/** A filter as it was written: comparisons joined by `and` and `or`. */
export interface Filter {
  /** The text, to point into when something is wrong. */
  text: string;
  root: Expression;
}

export type Order = '==' | '!=' | '<' | '<=' | '>' | '>=';

interface Place {
  /** Attribute, path into one (`annotations.owner`) or key of a tag (`$name`). */
  key: string;
  /** Where the key stands in the text, from 0. */
  at: number;
}

/** At least two operands. */
export type Joined = { kind: 'and'; of: Expression[] } | { kind: 'or'; of: Expression[] };

export type Comparison = Place &
  (
    | { kind: 'compare'; operator: Order; value: Literal }
    /** `contains` and `in`: any of the values; negated, none of them. */
    | { kind: 'among'; negated: boolean; values: Literal[] }
    /** Any of the patterns, in RE2 syntax. */
    | { kind: 'matches'; patterns: string[] }
    | { kind: 'exists'; negated: boolean }
    /** Only RQL: the text is somewhere in the value. */
    | { kind: 'contains'; text: string }
    /** Only RQL: an address in one of the networks. */
    | { kind: 'within'; ranges: readonly Cidr[] }
  );

/** Only RQL: the opposite, exactly. */
export type Negated = { kind: 'not'; of: Expression };

export type Expression = Joined | Negated | Comparison;

/** Instants are milliseconds since the epoch, and those of `now` milliseconds from now. */
export type TimeLiteral = { kind: 'instant'; instant: number } | { kind: 'now'; offset: number };

/** Numbers and truth values that stand bare keep their text, with which text attributes are compared. */
export type Literal =
  | { kind: 'text'; text: string }
  | { kind: 'number'; value: number; text: string }
  | { kind: 'boolean'; value: boolean; text: string }
  | { kind: 'list'; items: Literal[] }
  | TimeLiteral;
