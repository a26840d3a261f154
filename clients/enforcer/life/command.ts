import { type Command, CommanderError } from 'commander';
import { ApiError } from '../../../shared/api/agent-client.ts';
import { Failure, fail } from '../../../shared/schema/failure.ts';
import { type Io, programOf } from './program.ts';

/** 0 done, 1 refused or failed, 2 wrong usage. */
export type ExitCode = 0 | 1 | 2;

/** `run` is what happens without a command, and would take a mistyped one for an argument of its own. */
function refuseUnknown({ commands }: Command, [word = '-']: readonly string[]): void {
  const known = [...commands.map(one => one.name()), 'help'];
  if (word.startsWith('-') || known.includes(word)) return;
  throw fail('bad_request', `there is no command \`${word}\`; there are ${known.join(', ')}`);
}

/** What the system refuses, such as to write to a disk that is full, is no fault of ours: it has words of its own. */
const isSystems = (error: unknown): error is NodeJS.ErrnoException =>
  error instanceof Error && 'syscall' in error && 'code' in error;

/** Runs one command line, without the program's own name. Anything that is not foreseen is thrown. */
export async function command(argv: readonly string[], io: Io): Promise<ExitCode> {
  try {
    const program = programOf(io);
    refuseUnknown(program, argv);
    await program.parseAsync(argv, { from: 'user' });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (isSystems(error)) {
      io.err(`error: ${error.message}\n`);
      return 1;
    }
    if (!(error instanceof Failure || error instanceof ApiError)) throw error;
    io.err(`error: ${error.message}\n`);
    return error instanceof Failure && error.kind === 'bad_request' ? 2 : 1;
  }
}
