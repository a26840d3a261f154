import { CommanderError } from 'commander';
import { ApiError } from '../../shared/api/client.ts';
import { Failure } from '../../shared/schema/failure.ts';
import { Interrupted } from './import-large.ts';
import { type Io, printable } from './io.ts';
import { programOf } from './program.ts';
import { joinPairs } from './values.ts';

/** 0 done, 1 refused or failed, 2 wrong usage, 130 interrupted. */
export type ExitCode = 0 | 1 | 2 | 130;

/** One line for each thing that the API found wrong; a filter is shown below, with a caret at the place. */
const refusalLines = ({ errors }: ApiError): string[] =>
  errors.flatMap(({ title, description, data }) => {
    const attribute = data?.attribute;
    // Most descriptions name it already.
    const unnamed = typeof attribute === 'string' && !description.includes(attribute);
    const points = attribute === 'q' && typeof data?.position === 'number';
    const [first, ...below] = points ? description.split('\n') : [description];
    return [
      `error: ${title}: ${first}${unnamed ? ` (${attribute})` : ''}`,
      ...below.map(line => `  ${line}`),
    ];
  });

function explained(error: unknown): { lines: string[]; code: ExitCode } {
  if (error instanceof ApiError) return { lines: refusalLines(error), code: 1 };
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
  try {
    await programOf(io).parseAsync(joinPairs(argv), { from: 'user' });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) return error.code === 'commander.helpDisplayed' ? 0 : 2;
    if (error instanceof Interrupted) return 130;
    const { lines, code } = explained(error);
    for (const line of lines) io.err(`${printable(line)}\n`);
    return code;
  }
}
