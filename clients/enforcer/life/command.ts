import { CommanderError } from 'commander';
import { ApiError } from '../../../shared/api/agent-client.ts';
import { Failure } from '../../../shared/schema/failure.ts';
import { type Io, programOf } from './program.ts';

/** 0 done, 1 refused or failed, 2 wrong usage. */
export type ExitCode = 0 | 1 | 2;

/** Runs one command line, without the program's own name. Anything that is not foreseen is thrown. */
export async function command(argv: readonly string[], io: Io): Promise<ExitCode> {
  try {
    await programOf(io).parseAsync(argv, { from: 'user' });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (!(error instanceof Failure || error instanceof ApiError)) throw error;
    io.err(`error: ${error.message}\n`);
    return error instanceof Failure && error.kind === 'bad_request' ? 2 : 1;
  }
}
