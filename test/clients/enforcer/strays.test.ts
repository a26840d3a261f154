import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from 'vitest';
import { endStrays } from '../../../clients/enforcer/strays.ts';

const from = (path: string): string =>
  fileURLToPath(new URL(`../../../clients/enforcer/${path}`, import.meta.url));

/** Say nothing, live for a minute, and tell their number. The last word is what the monitor adds. */
const QUIET = ['sh', '-c', 'echo $$ >&2; exec sleep 60', 'quiet'];
const AGENTS = {
  'a monitor of the rules': `
    const { watchRules } = await import(${JSON.stringify(from('nft/monitor.ts'))});
    watchRules(command, () => false, () => undefined, async () => true);`,
  'a reader of flows': `
    const { Child } = await import(${JSON.stringify(from('flows/child.ts'))});
    const { systemClock } = await import(${JSON.stringify(from('clock.ts'))});
    new Child({ command: () => command, reader: () => () => undefined, ended: () => undefined, clock: systemClock }).start();`,
};

const isThere = (pid: number): boolean =>
  existsSync(`/proc/${pid}/stat`) && !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
const parentOf = (pid: number): number =>
  Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);

async function until<T>(what: string, find: () => T | undefined): Promise<T> {
  for (const deadline = Date.now() + 25_000; Date.now() < deadline; await wait(10)) {
    const found = find();
    if (found !== undefined) return found;
  }
  throw new Error(`waited for ${what}`);
}

const childOf = (pid: number): number | undefined => {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
  const [first] = text.trim().split(' ').filter(Boolean).map(Number);
  return first !== undefined && readFileSync(`/proc/${first}/cmdline`, 'utf8').startsWith('sleep')
    ? first
    : undefined;
};

/** Numbers of all that was started here: others on this machine may leave strays, and end them, as well. */
const started: number[] = [];
afterEach(() => {
  for (const pid of started.splice(0).filter(isThere)) process.kill(pid, 'SIGKILL');
});

/** A process with one program beside it, and that program. */
async function agent(code: string): Promise<{ process: ChildProcess; program: number }> {
  const mark = `const { markPrograms } = await import(${JSON.stringify(from('strays.ts'))}); markPrograms(process.env);`;
  const script = `${mark} const command = ${JSON.stringify(QUIET)}; ${code}; setInterval(() => {}, 1000);`;
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', script],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  started.push(child.pid ?? 0);
  const program = await until('the program', () => childOf(child.pid ?? 0));
  started.push(program);
  return { process: child, program };
}

test.each(Object.entries(AGENTS))(
  '%s that a killed agent left is ended by the next one, and no other',
  async (_, code) => {
    const [killed, living] = await Promise.all([agent(code), agent(code)]);
    killed.process.kill('SIGKILL');
    await once(killed.process, 'close');
    await until('another parent', () => parentOf(killed.program) !== killed.process.pid || undefined);
    expect(isThere(killed.program)).toBe(true);
    endStrays();
    await until('its end', () => !isThere(killed.program) || undefined);
    endStrays();
    expect(isThere(living.program)).toBe(true);
  },
);
