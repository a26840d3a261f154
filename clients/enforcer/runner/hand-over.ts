import { hasSystemd, systemctl } from '../life/service.ts';
import { runnerName } from './job.ts';
import { bySetsid } from './places.ts';

/**
 * Has an order taken over, or a runner that was lost go on, outside of this process. Whoever asks at the same moment changes
 * nothing: one takes over at a time.
 */
export async function takeOver(prefix: string, self: readonly string[]): Promise<void> {
  if (hasSystemd(prefix)) return void systemctl('start', '--no-block', 'prisma-enforcer-runner.service');
  const [program = process.execPath, ...args] = self;
  const command: [string, ...string[]] = [program, ...args, 'runner', 'begin', '--prefix', prefix];
  await bySetsid().start({ name: `${runnerName(prefix)}-begin`, command });
}
