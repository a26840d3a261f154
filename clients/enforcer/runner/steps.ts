import { execFile } from 'node:child_process';
import { cpSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { ObjectId } from '../../../shared/schema/ids.ts';
import type { Clock } from '../clock.ts';
import { runningAgent } from '../life/agent-process.ts';
import { serviceOf } from '../life/service.ts';
import { manifestIn, takeAway } from '../life/uninstall.ts';
import { PLACES } from '../life/unit-files.ts';
import { Catalogue, startOf } from './catalogue.ts';
import type { Control } from './control.ts';
import { tagRules, untagRules } from './hold.ts';
import type { Journal, Step } from './journal.ts';
import { leftovers } from './leftovers.ts';
import { tryProbes } from './probes.ts';
import { prove } from './prove.ts';
import { rejectedPerMinute } from './rejects.ts';

/** What the steps act on. */
export interface Bench {
  folder: string;
  prefix: string;
  clock: Clock;
  control: Control;
  catalogue: Catalogue;
  /** Milliseconds that no rules were loaded so far. */
  open: () => number;
  say: (text: string) => void;
}

/** What becomes of the journal. */
export type Next = Partial<Journal> & { step: Step };
type Act = (bench: Bench, journal: Journal) => Promise<Next>;

/** Milliseconds. */
const POLL = 1000;
const INSTALL = 120_000;
/** Without any order for so long, while the control plane answers, the former agent comes back. */
const FORSAKEN = 10 * 60_000;
const LAST_WORD = 120_000;

const isStrict = ({ directive }: Journal): boolean => directive.mode === 'strict-clean';
const rulesOf = (journal: Journal): 'remove' | 'keep' => (isStrict(journal) ? 'remove' : 'keep');

const doneWith = ({ done }: Journal, id: ObjectId): ObjectId[] =>
  [...done.filter(one => one !== id), id].slice(-16);

const deadlineOf = ({ directive }: Journal): Date => new Date(directive.deadline);

const whyOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** How the program of a version is started, as far as it is here. */
export function programFor(version: string, { former }: Journal, catalogue: Catalogue): string[] | undefined {
  if (catalogue.has(version)) return startOf(catalogue.fileOf(version));
  return version === former.version ? former.self : undefined;
}

/** The program must be the version that it was released as; one that does not even tell is not worth an uninstall. */
async function whatItSays(
  [program = '', ...args]: readonly string[],
  version: string,
): Promise<string | undefined> {
  try {
    const { stdout } = await promisify(execFile)(program, [...args, 'version'], { timeout: 30_000 });
    const said = stdout.trim();
    return said === version ? undefined : `release ${version} says that it is version ${said}`;
  } catch (error) {
    return `release ${version} can't be started: ${whyOf(error).slice(0, 500)}`;
  }
}

/** Gets the program, if it is not here yet. Gives why it can't be had. */
async function provide(version: string, bench: Bench, journal: Journal): Promise<string | undefined> {
  const { catalogue, control, clock } = bench;
  while (!programFor(version, journal, catalogue)) {
    try {
      const why = await control.download(version, catalogue);
      if (why !== undefined) return why;
    } catch (error) {
      if (clock.now() > deadlineOf(journal)) return whyOf(error);
      await clock.sleep(POLL);
    }
  }
  return whatItSays(programFor(version, journal, catalogue) ?? [], version);
}

const accept: Act = async ({ control, clock, say }, journal) => {
  const { id } = journal.directive;
  const until = deadlineOf(journal);
  const answered =
    clock.now() > until
      ? ({ outcome: 'refused', why: 'it came after its deadline' } as const)
      : await control.report(id, { event: 'accepted' }, until);
  if (answered.outcome === 'taken' && !answered.repeated) return { step: 'fetch' };
  say(
    `leaves the agent alone: ${answered.outcome === 'refused' ? answered.why : 'it was carried out before'}`,
  );
  return { step: 'leave', done: doneWith(journal, id) };
};

/** Before anything is touched: an agent is not removed for a release that can't be had. */
const fetch: Act = async (bench, journal) => {
  const [why, baseline] = await Promise.all([
    provide(journal.directive.version, bench, journal),
    rejectedPerMinute(bench.clock),
  ]);
  return why === undefined ? { step: 'hold', baseline } : { step: 'confess', reason: why };
};

const hold: Act = async (_bench, journal) => {
  if (!isStrict(journal)) await tagRules(`held by the runner of directive ${journal.directive.id}`);
  return { step: 'remove' };
};

const remove: Act = async ({ prefix, clock }, journal) => {
  await takeAway(prefix, journal.former.manifest, { rules: rulesOf(journal), clock });
  return { step: 'verify', isBare: true };
};

const verify: Act = async ({ prefix, say }, journal) => {
  const { manifest, sysctls } = journal.former;
  const left = await leftovers({ prefix, manifest, sysctls, rules: rulesOf(journal) });
  say(left.length === 0 ? 'nothing is left of the agent' : `left of the agent: ${left.join(', ')}`);
  return { step: journal.directive.kind === 'uninstall' ? 'tell' : 'install', left };
};

const tell: Act = async ({ control, open, say }, journal) => {
  const { id } = journal.directive;
  const left = journal.left.slice(0, 200).map(path => path.slice(0, 1024));
  const answered = await control.report(id, { event: 'uninstalled', left, openMilliseconds: open() });
  if (answered.outcome === 'refused') say(`nobody waits for the uninstall any more: ${answered.why}`);
  return { step: 'await', done: doneWith(journal, id) };
};

/** Until the control plane says what is to be installed, or somebody else has installed something. */
const awaitOrder: Act = async ({ control, clock, prefix, say }, journal) => {
  let silent = clock.elapsed();
  for (;;) {
    if (runningAgent(join(prefix, PLACES.home))) {
      say('somebody has installed an agent meanwhile');
      return { step: 'leave', isBare: false };
    }
    try {
      const directive = await control.directive();
      const isNew = directive !== undefined && !journal.done.includes(directive.id);
      if (isNew && directive.kind === 'install')
        return { step: 'install', directive, isOwn: false, reason: '' };
      if (isNew) silent = clock.elapsed();
      if (clock.elapsed() - silent > FORSAKEN) {
        say('no order came; the former version comes back');
        const former = { ...journal.directive, kind: 'install' as const, version: journal.former.version };
        return { step: 'install', directive: former, isOwn: true, reason: '' };
      }
    } catch {
      // While nobody answers there is nobody whom another agent could ask either.
      silent = clock.elapsed();
    }
    await clock.sleep(POLL * (0.5 + clock.random()));
  }
};

const install: Act = async (bench, journal) => {
  const { control, catalogue, prefix, folder, clock } = bench;
  const { directive, former } = journal;
  const missing = await provide(directive.version, bench, journal);
  if (missing !== undefined) return { step: 'confess', reason: missing };
  // What a try that broke off has left.
  const begun = manifestIn(prefix);
  if (begun) await takeAway(prefix, begun, { rules: rulesOf(journal), clock });
  const creds = join(folder, 'default.creds');
  let token: string | undefined;
  if (!journal.isOwn) {
    const answered = await control.report(directive.id, { event: 'accepted' }, deadlineOf(journal));
    if (answered.outcome === 'refused' || answered.repeated)
      return { step: 'await', done: doneWith(journal, directive.id) };
    token = answered.installToken;
  }
  const [program = '', ...args] = programFor(directive.version, journal, catalogue) ?? [];
  const given = [
    ...['install', '--no-start', '--prefix', prefix, '--root', join(folder, 'root.json')],
    ...['--namespace', former.namespace, '--api', former.api, '--opts', former.opts],
    ...(token === undefined && existsSync(creds) ? ['--creds', creds] : []),
  ];
  // A secret in the arguments could be read by everybody on the host.
  const env = {
    PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
    ...(token === undefined ? {} : { ENFORCERD_TOKEN: token }),
  };
  try {
    await promisify(execFile)(program, [...args, ...given], { timeout: INSTALL, env });
  } catch (error) {
    return { step: 'undo', reason: `it can't be installed: ${whyOf(error)}`.slice(0, 900) };
  }
  return { step: 'start' };
};

const agentLog = (folder: string): string => join(folder, 'agent.log');

const start: Act = async ({ prefix, folder, clock }) => {
  serviceOf(prefix, clock).start(agentLog(folder));
  return { step: 'prove' };
};

const proveIt: Act = async ({ prefix, folder, clock, control, say }, { directive }) => {
  const { version } = directive;
  const isThere = () => control.isThere();
  const why = await prove({ prefix, version, log: agentLog(folder), clock, isThere });
  if (why === undefined) return { step: 'measure', isBare: false };
  say(`version ${version} is not good: ${why}`);
  return { step: 'undo', reason: why.slice(0, 900) };
};

/** Takes away what is not good. Its credential is the only one that still counts, if it came so far. */
const undo: Act = async ({ prefix, folder, clock }, journal) => {
  const creds = join(prefix, PLACES.creds);
  if (existsSync(creds)) cpSync(creds, join(folder, 'default.creds'));
  const begun = manifestIn(prefix);
  if (begun) await takeAway(prefix, begun, { rules: rulesOf(journal), clock });
  return { step: 'confess', isBare: true };
};

const confess: Act = async ({ control, say }, journal) => {
  const { directive, reason, isOwn, isBare } = journal;
  say(`could not ${directive.kind} version ${directive.version}: ${reason}`);
  if (!isOwn) await control.report(directive.id, { event: 'failed', reason: reason.slice(0, 900) });
  return { step: isBare ? 'await' : 'leave', done: doneWith(journal, directive.id) };
};

const measure: Act = async ({ control, clock, open, say }, journal) => {
  const { directive, isOwn, baseline } = journal;
  if (isOwn) return { step: 'leave' };
  const probes = await tryProbes(directive.probes);
  const rate = await rejectedPerMinute(clock);
  const rejected = baseline === undefined ? {} : { rejected: { rate, baseline } };
  const openMilliseconds = open();
  say(`version ${directive.version} is good; no rules were loaded for ${openMilliseconds} ms`);
  const until = new Date(clock.now().getTime() + LAST_WORD);
  await control.report(directive.id, { event: 'probed', probes, openMilliseconds, ...rejected }, until);
  return { step: 'leave', done: doneWith(journal, directive.id) };
};

/** The new agent keeps the former release, so that the way back needs nobody. */
const leave: Act = async ({ prefix, catalogue }, { former, directive, isBare }) => {
  await untagRules();
  const isHere = !isBare && existsSync(join(prefix, PLACES.home));
  if (isHere && former.version !== directive.version)
    new Catalogue(join(prefix, PLACES.previous)).take(catalogue, former.version);
  return { step: 'leave' };
};

/** Every step: what it does, and which comes next. */
export const ACTS: Readonly<Record<Step, Act>> = {
  accept,
  fetch,
  hold,
  remove,
  verify,
  tell,
  await: awaitOrder,
  install,
  start,
  prove: proveIt,
  measure,
  undo,
  confess,
  leave,
};

/** Where a step leads that fails again and again for a reason of this host. Others are tried for ever. */
export const WAY_OUT: Partial<Record<Step, Step>> = {
  fetch: 'confess',
  hold: 'confess',
  install: 'undo',
  start: 'undo',
};
