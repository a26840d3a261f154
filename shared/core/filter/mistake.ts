import { type Failure, fail } from '../../schema/failure.ts';

/** Characters of the text that are shown on either side of the place. */
const AROUND = 60;

/**
 * A refusal that points into the text:
 *
 *     filter q, character 5: expected an operator, found `and`
 *     key and value
 *         ^
 */
export function mistake(text: string, at: number, what: string): Failure {
  const start = Math.max(0, at - AROUND);
  const [before, behind] = [at - start, at + AROUND];
  const line = text.slice(start, behind).replace(/[\p{Cc}\p{Zl}\p{Zp}]/gu, ' ');
  return fail('bad_request', `filter q, character ${at + 1}: ${what}\n${line}\n${' '.repeat(before)}^`, {
    attribute: 'q',
    position: at,
  });
}
