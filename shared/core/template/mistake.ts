import { type Failure, fail } from '../../schema/failure.ts';

/** A refusal with the place in the template: `template, line 3, column 7: …`. */
export function mistake(text: string, at: number, what: string): Failure {
  const before = text.slice(0, at).split('\n');
  const [line, column] = [before.length, (before.at(-1)?.length ?? 0) + 1];
  return fail('invalid', `template, line ${line}, column ${column}: ${what}`, { line, column });
}
