import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Status } from '../agent/status.ts';
import type { Clock } from '../clock.ts';
import { runningAgent, runningAgents } from '../life/agent-process.ts';
import { hasSystemd } from '../life/service.ts';
import { PLACES } from '../life/unit-files.ts';

/** Milliseconds in which a new agent applies its bundle, and in which a process shows that it goes on. */
const PATIENCE = 120_000;
const BIRTH = 3000;
const GLANCE = 200;

/** Why an agent is not good yet; undefined when it holds a policy and the control plane has heard of it. */
export function wanting(status: Status, version: string): string | undefined {
  const { active, refused, lastContact, startedAt, troubles } = status;
  if (status.version !== version) return `it says that it is version ${status.version}, not ${version}`;
  if (refused) return `it refused its bundle: ${refused.reason}: ${refused.detail}`;
  const trouble = Object.entries(troubles)[0];
  const more = trouble ? ` (${trouble[0]}: ${trouble[1].detail})` : '';
  if (!status.enforces) return 'it enforces nothing';
  if (!active || active.units === 0) return `it has not applied a bundle${more}`;
  if (!lastContact || lastContact < startedAt) return `it has not reached the control plane${more}`;
  return undefined;
}

/** What a program said last: of an error its message, and not where it came from. */
export function lastWords(log: string): string {
  const lines = log.trim().split('\n');
  const error = lines.findLast(line => /^\s*(\w*Error|error)\b/.test(line));
  return (error ?? lines.slice(-3).join(' ')).trim().slice(0, 500);
}

const textOf = (path: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
};

interface Proof {
  prefix: string;
  version: string;
  /** What it prints, where nobody else takes it. */
  log: string;
  clock: Clock;
  /** Whether the control plane can be reached from here at all. */
  isThere: () => Promise<boolean>;
}

/** Waits until the new agent holds its bundle. Gives why not, when it will not come to that. */
export async function prove({ prefix, version, log, clock, isThere }: Proof): Promise<string | undefined> {
  const home = join(prefix, PLACES.home);
  const begun = clock.elapsed();
  let until = begun + PATIENCE;
  for (let why = 'it has not told anything'; ; await clock.sleep(GLANCE)) {
    const status = runningAgent(home);
    if (status) {
      const missing = wanting(status, version);
      if (missing === undefined) return undefined;
      why = missing;
    }
    const isGone = !hasSystemd(prefix) && !status && runningAgents(home).length === 0;
    if (isGone && clock.elapsed() - begun > BIRTH) return `it ended by itself: ${lastWords(textOf(log))}`;
    if (clock.elapsed() < until) continue;
    // Without a control plane no version can show that it is good.
    if (await isThere()) return `${why}, within ${PATIENCE / 1000} s`;
    until = clock.elapsed() + PATIENCE;
  }
}
