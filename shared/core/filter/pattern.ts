import { RE2JS, RE2JSException } from 're2js';
import { fail } from '../../schema/failure.ts';
import type { Comparison } from './ast.ts';
import { mistake } from './mistake.ts';

/** Characters of one pattern. */
export const LONGEST_PATTERN = 256;
/** Patterns of all filters of a request. */
export const MOST_PATTERNS = 16;
/** Sum of the numbers in `{n,m}` of one pattern: a few characters may stand for a program of thousands of steps. */
export const MOST_REPEATS = 1000;
/**
 * Instructions of the program of one pattern. Repeats in repeats multiply, and a step of a long program costs more than one of a
 * short one: it follows all that may come next, and is another one for nearly every character.
 */
export const MOST_INSTRUCTIONS = 1000;
/**
 * Steps that all patterns of a request may take: length of a program times length of a text, summed up. RE2 never
 * takes more, and for most patterns far fewer. To compile a program takes about a hundred steps for each of its own.
 */
export const MOST_STEPS = 5_000_000;
const COMPILING = 100;

/** What the patterns of one request have used. */
export interface Budget {
  patterns: number;
  steps: number;
  /** Steps that they may take in all, and what whoever asked for more may do. */
  most: number;
  remedy: string;
}

export const newBudget = (
  most = MOST_STEPS,
  remedy = 'ask for pages with limit, or narrow the filter',
): Budget => ({ patterns: 0, steps: 0, most, remedy });

const repeatsIn = (pattern: string): number =>
  [...pattern.matchAll(/\{(\d+)(?:,(\d*))?\}/g)].reduce(
    (sum, [, least = '0', most = '']) => sum + Math.max(Number(least), Number(most)),
    0,
  );

/** The program of a pattern that is bounded in size, or why there is none. */
export const compiled = (pattern: string): RE2JS | string => {
  if (pattern.length > LONGEST_PATTERN) {
    return `a pattern is ${pattern.length} characters long; ${LONGEST_PATTERN} are read`;
  }
  if (repeatsIn(pattern) > MOST_REPEATS) {
    return `the repeats of \`${pattern}\` add up to more than ${MOST_REPEATS}; use * or +`;
  }
  try {
    const program = RE2JS.compile(pattern);
    const size = program.programSize();
    return size <= MOST_INSTRUCTIONS
      ? program
      : `the repeats of \`${pattern}\` make a program of ${size} steps; ${MOST_INSTRUCTIONS} are run, so use * or +`;
  } catch (error) {
    if (!(error instanceof RE2JSException)) throw error;
    return `\`${pattern}\` is no pattern in RE2 syntax (${error.message})`;
  }
};

/**
 * A test whether a text has a match of the pattern anywhere, in time linear in the text (RE2). It charges the budget,
 * and fails with `bad_request` when that is used up.
 */
export function patternOf(
  pattern: string,
  { at }: Comparison,
  text: string,
  budget: Budget,
): (there: string) => boolean {
  budget.patterns += 1;
  if (budget.patterns > MOST_PATTERNS) {
    throw mistake(text, at, `there are more than ${MOST_PATTERNS} patterns; join them with |`);
  }
  const charge = (steps: number): void => {
    budget.steps += steps;
    if (budget.steps > budget.most) {
      throw fail(
        'bad_request',
        `matching \`${pattern}\` against so many objects takes too long; ${budget.remedy}`,
        { attribute: 'q' },
      );
    }
  };
  // Before anything is compiled: nothing is left where others have used it up.
  charge(0);
  const program = compiled(pattern);
  if (typeof program === 'string') throw mistake(text, at, program);
  const size = program.programSize();
  charge(size * COMPILING);
  return there => {
    charge(size * (there.length + 1));
    return program.test(there);
  };
}
