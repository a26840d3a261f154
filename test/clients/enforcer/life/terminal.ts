import { systemClock } from '../../../../clients/enforcer/clock.ts';
import { command } from '../../../../clients/enforcer/life/command.ts';

export interface Typed {
  code: number;
  out: string;
  err: string;
}

const SOURCES = '/opt/microseg/clients/enforcer/main.ts';

/** Types one command line, as root or not, without a process of its own. */
export async function type(
  argv: readonly string[],
  isRoot = false,
  self: readonly string[] = ['/opt/node', '--disable-warning=ExperimentalWarning', SOURCES],
): Promise<Typed> {
  const typed: Typed = { code: 0, out: '', err: '' };
  typed.code = await command(argv, {
    out: text => {
      typed.out += text;
    },
    err: text => {
      typed.err += text;
    },
    columns: 100,
    isRoot,
    clock: systemClock,
    signal: AbortSignal.abort(),
    onHangup: () => undefined,
    self,
  });
  return typed;
}
