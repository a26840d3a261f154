import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { RunnerPlace } from '../../shared/ports/runner-place.ts';

async function until(what: string, ask: () => boolean | Promise<boolean>, ms = 15_000): Promise<void> {
  for (const deadline = Date.now() + ms; Date.now() < deadline; await wait(50)) if (await ask()) return;
  throw new Error(`waited for ${what}`);
}

/** Parent and session of a process. Source: proc_pid_stat(5). */
function kinOf(pid: number): { parent: number; session: number } {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return { parent: Number(fields[1]), session: Number(fields[3]) };
}

const isAlive = (pid: number): boolean => existsSync(`/proc/${pid}`);

/** What every place does, whatever stands behind it. `open` gives a place whose names nobody else uses. */
export function runnerPlaceContract(name: string, open: () => Promise<RunnerPlace>): void {
  describe(`${name}: a place for a runner`, { timeout: 60_000 }, () => {
    let folder: string;
    let place: RunnerPlace;
    let number = 0;
    const started: number[] = [];
    beforeEach(async () => {
      folder = mkdtempSync(join(tmpdir(), 'runner-place-'));
      place = await open();
    });
    afterEach(() => {
      // Whoever is kept going sees that it is over.
      rmSync(folder, { recursive: true, force: true });
      for (const pid of started.splice(0)) if (isAlive(pid)) process.kill(pid, 'SIGKILL');
    });

    const named = (): string => {
      number += 1;
      return `runner-${process.pid}-${number}`;
    };
    const file = (of: string): string => join(folder, of);
    const text = (of: string): string => (existsSync(file(of)) ? readFileSync(file(of), 'utf8') : '');
    /** Notes its process number, one a line, and waits until it is told to end. */
    const sleeper = (): [string, ...string[]] => [
      'sh',
      '-c',
      'echo $$ >> "$1/pids" || exit 0; until [ -e "$1/end" ] || [ ! -d "$1" ]; do sleep 0.1; done',
      'sh',
      folder,
    ];
    const pids = (): number[] => {
      const all = text('pids').split('\n').filter(Boolean).map(Number);
      started.push(...all);
      return all;
    };

    test('runs it in another session than whoever started it, and as nobody’s child of ours', async () => {
      const own = named();
      await place.start({ name: own, command: sleeper() });
      await until('it to run', () => pids().length === 1);
      const [pid = 0] = pids();
      expect(kinOf(pid).session).not.toBe(kinOf(process.pid).session);
      for (let up = pid; up > 1; up = kinOf(up).parent) expect(up).not.toBe(process.pid);
      expect(await place.runs(own)).toBe(true);
      writeFileSync(file('end'), '');
      await until('it to end', async () => !(await place.runs(own)));
    });

    test('one of a name runs, however often it is started', async () => {
      const own = named();
      for (let round = 0; round < 3; round += 1) await place.start({ name: own, command: sleeper() });
      await Promise.all([1, 2, 3].map(() => place.start({ name: own, command: sleeper() })));
      await until('it to run', () => pids().length > 0);
      await wait(500);
      expect(pids()).toHaveLength(1);
      writeFileSync(file('end'), '');
      await until('it to end', async () => !(await place.runs(own)));
    });

    test('what fails is started again until it ends with 0, and not once more', async () => {
      const own = named();
      const script = 'echo x >> "$1/tries" || exit 0; [ "$(wc -l < "$1/tries")" -ge 3 ]';
      await place.start({ name: own, command: ['sh', '-c', script, 'sh', folder] });
      await until('three tries', () => text('tries').split('\n').length > 3);
      await until('it to end', async () => !(await place.runs(own)));
      await wait(1500);
      expect(text('tries')).toBe('x\nx\nx\n');
    });

    test('what is killed is started again', async () => {
      const own = named();
      await place.start({ name: own, command: sleeper() });
      await until('it to run', () => pids().length === 1);
      process.kill(pids()[0] ?? 0, 'SIGKILL');
      await until('it to run again', () => pids().length === 2);
      expect(await place.runs(own)).toBe(true);
      writeFileSync(file('end'), '');
      await until('it to end', async () => !(await place.runs(own)));
    });

    test('every argument arrives as it was given', async () => {
      const words = ['', 'a b', "it's", '"q"', '$HOME', '`x`', 'line\nbreak', '*', '\\', '%n', '--flag', '-'];
      const script = 'to=$1; shift; printf "%s\\0" "$@" > "$to.new" && mv "$to.new" "$to"';
      await place.start({ name: named(), command: ['sh', '-c', script, 'sh', file('words'), ...words] });
      await until('it to end', () => existsSync(file('words')));
      expect(text('words').split('\0').slice(0, -1)).toEqual(words);
    });

    test('nothing runs that was never started', async () => {
      expect(await place.runs(named())).toBe(false);
    });
  });
}
