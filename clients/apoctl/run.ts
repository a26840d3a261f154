import { CommanderError } from 'commander';
import { ApiError } from '../../shared/api/client.ts';
import { Failure } from '../../shared/schema/failure.ts';
import { printable } from '../terminal.ts';
import { Interrupted } from './import-large.ts';
import type { Io } from './io.ts';
import { programOf } from './program.ts';
import { joinPairs, typedFor } from './values.ts';

/** 0 done, 1 refused or failed, 2 wrong usage, 130 interrupted. */
export type ExitCode = 0 | 1 | 2 | 130;

/** How commander ends when it was asked for no more than to tell something. */
const TOLD: ReadonlySet<string> = new Set(['commander.helpDisplayed', 'commander.version']);

/** One line for each thing that the API found wrong; a filter is shown below, with a caret at the place. */
const refusalLines = ({ errors }: ApiError, argv: readonly string[]): string[] =>
  errors.flatMap(({ title, description, data }) => {
    const attribute = data?.attribute;
    // Most descriptions name it already.
    const unnamed = typeof attribute === 'string' && !description.includes(attribute);
    // Whoever typed `-k subject=web` has never heard of `subject[0][0]`.
    const typed = typeof attribute === 'string' && /\W/.test(attribute) ? typedFor(attribute, argv) : [];
    const given = typed.length > 0 ? ` (given as ${typed.map(text => `-k ${text}`).join(' ')})` : '';
    const points = (attribute === 'q' || attribute === 'query') && typeof data?.position === 'number';
    const [first, ...below] = points ? description.split('\n') : [description];
    return [
      `error: ${title}: ${first}${unnamed ? ` (${attribute})` : ''}${given}`,
      ...below.map(line => `  ${line}`),
    ];
  });

function explained(error: unknown, argv: readonly string[]): { lines: string[]; code: ExitCode } {
  if (error instanceof ApiError) return { lines: refusalLines(error, argv), code: 1 };
  if (!(error instanceof Failure)) throw error;
  const lines = error.details.map(({ description }) => `error: ${description}`);
  if (error.kind === 'bad_request') return { lines, code: 2 };
  if (error.kind !== 'unavailable') return { lines, code: 1 };
  const hint =
    'hint: check that the API runs there, or say where: -A/--api, APOCTL_API or `api:` in the profile';
  return { lines: [...lines, hint], code: 1 };
}

/** Runs one command line, without the program's own name. Anything that is not foreseen is thrown. */
export async function run(argv: readonly string[], io: Io): Promise<ExitCode> {
  const words = joinPairs(argv);
  try {
    await programOf(io).parseAsync(words, { from: 'user' });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) return TOLD.has(error.code) ? 0 : 2;
    if (error instanceof Interrupted) return 130;
    const { lines, code } = explained(error, words);
    for (const line of lines) io.err(`${printable(line)}\n`);
    return code;
  }
}
