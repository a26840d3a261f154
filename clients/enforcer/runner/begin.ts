import { chmodSync, cpSync, existsSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { RunnerPlace } from '../../../shared/ports/runner-place.ts';
import { type Clock, systemClock } from '../clock.ts';
import { makeFolder, writeWhole } from '../files.ts';
import { environmentIn, hasSystemd, systemctl } from '../life/service.ts';
import { kept as sysctlsBefore } from '../life/sysctls.ts';
import { manifestIn } from '../life/uninstall.ts';
import { isRelease, PLACES } from '../life/unit-files.ts';
import { Catalogue, startOf } from './catalogue.ts';
import { HELD, Job, runnerName } from './job.ts';
import { type Journal, journalFile, readJournal, writeJournal } from './journal.ts';
import { placeOn } from './places.ts';
import { resumeUnit } from './resume-unit.ts';

/** Copies everything that a runner needs once the agent is gone. The journal is last: with it the run has begun. */
function prepare(prefix: string, folder: string, job: Job, clock: Clock): void {
  const home = join(prefix, PLACES.home);
  const order = dirname(join(prefix, PLACES.order));
  const manifest = manifestIn(prefix);
  if (!manifest) throw new Error(`nothing is installed in ${prefix}`);
  rmSync(folder, { recursive: true, force: true });
  makeFolder(folder);
  for (const name of HELD)
    if (existsSync(join(order, name))) cpSync(join(order, name), join(folder, name), { recursive: true });
  cpSync(join(prefix, PLACES.root), join(folder, 'root.json'));
  chmodSync(join(folder, 'root.json'), 0o600);
  if (job.credential) writeWhole(join(folder, 'default.creds'), JSON.stringify(job.credential));
  const catalogue = new Catalogue(join(folder, 'releases'));
  catalogue.takeAll(new Catalogue(join(prefix, PLACES.previous)));
  if (isRelease(job.self)) catalogue.keep(job.version, readFileSync(job.self.at(-1) ?? ''));
  writeWhole(join(folder, 'job.json'), JSON.stringify(job));
  const conf = environmentIn(readFileSync(join(prefix, PLACES.conf), 'utf8'));
  const journal: Journal = {
    step: 'accept',
    directive: job.directive,
    done: [],
    former: {
      version: job.version,
      self: job.self,
      manifest,
      namespace: conf.ENFORCERD_NAMESPACE ?? job.enforcer.namespace,
      api: conf.ENFORCERD_API ?? job.api,
      opts: conf.ENFORCERD_OPTS ?? '',
      sysctls: sysctlsBefore(home) ?? {},
    },
    isBare: false,
    isOwn: false,
    left: [],
    reason: '',
    open: { milliseconds: 0 },
    at: clock.now().toISOString(),
  };
  writeJournal(folder, journal);
}

/** Ends with 0 when there is nothing to do any more, so that whoever keeps it going lets it be. */
const GUARD = 'journal=$1; shift; [ ! -e "$journal" ] || exec "$@"';

function workOf(prefix: string, folder: string, { self, version }: Job): [string, ...string[]] {
  const catalogue = new Catalogue(join(folder, 'releases'));
  const program = catalogue.has(version) ? startOf(catalogue.fileOf(version)) : self;
  return ['sh', '-c', GUARD, 'sh', journalFile(folder), ...program, 'runner', 'work', '--prefix', prefix];
}

/**
 * Takes over what the agent asked for, and starts the runner where the end of the agent does not end it. Doing it again
 * changes nothing; a run that is under way goes on, and hears of another order from the control plane itself.
 */
export async function begin(
  prefix: string,
  clock: Clock = systemClock,
  place: RunnerPlace = placeOn(prefix),
): Promise<void> {
  const folder = join(prefix, PLACES.runnerHome);
  const order = join(prefix, PLACES.order);
  if (existsSync(order) && !readJournal(folder))
    prepare(prefix, folder, Job.parse(JSON.parse(readFileSync(order, 'utf8'))), clock);
  if (readJournal(folder)) {
    const job = Job.parse(JSON.parse(readFileSync(join(folder, 'job.json'), 'utf8')));
    const command = workOf(prefix, folder, job);
    if (hasSystemd(prefix)) {
      writeWhole(join(prefix, PLACES.resume), resumeUnit(command, folder));
      chmodSync(join(prefix, PLACES.resume), 0o644);
      systemctl('daemon-reload');
      systemctl('enable', 'prisma-enforcer-resume.service');
    }
    await place.start({ name: runnerName(prefix), command });
  }
  rmSync(dirname(order), { recursive: true, force: true });
}
