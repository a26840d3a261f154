import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const REQUIREMENTS = fileURLToPath(new URL('../requirements.txt', import.meta.url));

/** Why the lane cannot run, in words for the reader of its output. */
export type Missing = { missing: string };

const works = (program: string, ...args: string[]): boolean =>
  spawnSync(program, args, { stdio: 'ignore' }).status === 0;

/** A Python 3 with venv. */
const python = (): string | undefined =>
  ['python3', 'python'].find(name =>
    works(name, '-c', 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))'),
  );

/**
 * The folder of programs of a virtual environment with what requirements.txt says. Kept in `.venv` under the hash of
 * that file, so that the second run installs nothing.
 */
export function virtualEnvironment(): string | Missing {
  const found = python();
  if (!found)
    return {
      missing: 'no Python of at least 3.10 with venv and ensurepip (on Debian: apt install python3-venv)',
    };
  const hash = createHash('sha256').update(readFileSync(REQUIREMENTS)).digest('hex').slice(0, 12);
  const path = join(ROOT, '.venv', `moto-${hash}`);
  const programs = (at: string): string => join(at, process.platform === 'win32' ? 'Scripts' : 'bin');
  const whole = join(path, 'whole');
  if (existsSync(whole)) return programs(path);

  console.log(`installing ${REQUIREMENTS} into ${path}`);
  rmSync(path, { recursive: true, force: true });
  const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', REQUIREMENTS];
  try {
    execFileSync(found, ['-m', 'venv', path], { stdio: 'inherit' });
    execFileSync(join(programs(path), 'python'), pip, { stdio: 'inherit' });
  } catch (error) {
    return {
      missing: `installing its requirements failed: ${error instanceof Error ? error.message : error}`,
    };
  }
  writeFileSync(whole, '');
  return programs(path);
}
