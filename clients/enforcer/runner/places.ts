import { execFile, spawn } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { lockOf, setsidArgs, systemdRunArgs } from '../../../shared/core/runner-script.ts';
import type { RunnerPlace } from '../../../shared/ports/runner-place.ts';
import { fail } from '../../../shared/schema/failure.ts';
import { hasSystemd } from '../life/service.ts';

/** Whether it ended with 0. What it prints goes nowhere: whoever holds its output would be waited for. */
const succeeds = (program: string, args: readonly string[]): Promise<boolean> => {
  const ended = Promise.withResolvers<boolean>();
  spawn(program, args, { stdio: 'ignore' })
    .once('error', error =>
      ended.reject(fail('unavailable', `${program} can't be started: ${error.message}; install util-linux`)),
    )
    .once('exit', code => ended.resolve(code === 0));
  return ended.promise;
};

/** A process in a session and, where that can be, a control group of its own: for hosts without systemd. */
export const bySetsid = (folder = '/run'): RunnerPlace => {
  const runs = async (name: string): Promise<boolean> => {
    const lock = lockOf(name, folder);
    return existsSync(lock) && !(await succeeds('flock', ['--nonblock', lock, 'true']));
  };
  return {
    runs,
    start: async detached => {
      if (await runs(detached.name)) return;
      // Whoever is forked twice can't say any more that it has no place for its lock.
      writeFileSync(lockOf(detached.name, folder), '', { flag: 'a' });
      if (!(await succeeds('setsid', setsidArgs(detached, folder))))
        throw fail('unavailable', 'setsid failed; see whether this process may start others');
    },
  };
};

/** In a unit of its own, which systemd keeps going. */
export const bySystemdRun = (): RunnerPlace => {
  const run = promisify(execFile);
  const runs = (name: string): Promise<boolean> =>
    succeeds('systemctl', ['is-active', '--quiet', `${name}.service`]);
  return {
    runs,
    start: async detached => {
      if (await runs(detached.name)) return;
      await run('systemd-run', systemdRunArgs(detached)).catch(async error => {
        // Somebody was faster.
        if (await runs(detached.name)) return;
        throw fail('unavailable', `systemd-run failed: ${error.stderr || error.message}`);
      });
    },
  };
};

/** Where a runner runs on this very host. */
export const placeOn = (prefix: string): RunnerPlace => (hasSystemd(prefix) ? bySystemdRun() : bySetsid());
