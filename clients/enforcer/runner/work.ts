import { appendFileSync, existsSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Clock, waitAfter } from '../clock.ts';
import { hasSystemd, systemctl } from '../life/service.ts';
import { PLACES } from '../life/unit-files.ts';
import { Catalogue } from './catalogue.ts';
import { Control } from './control.ts';
import { type GapWatch, watchGap } from './gap.ts';
import { Hold } from './hold.ts';
import { Job } from './job.ts';
import { type Journal, readJournal, type Step, writeJournal } from './journal.ts';
import { ACTS, type Bench, WAY_OUT } from './steps.ts';

/** Times that a step is tried before its way out is taken, and milliseconds in between. */
const TRIES = 5;
const AGAIN = { interval: 500, longest: 30_000 };

/** Steps in which the rules are the new agent's, or may be. */
const NOT_OURS: readonly Step[] = ['start', 'prove', 'measure', 'leave'];

/** Takes the runner's own traces away: the journal goes first, in one step with everything else. */
function vanish(folder: string, prefix: string): void {
  if (hasSystemd(prefix)) systemctl('disable', 'prisma-enforcer-resume.service');
  rmSync(join(prefix, PLACES.resume), { force: true });
  const gone = `${folder}.gone`;
  rmSync(gone, { recursive: true, force: true });
  if (existsSync(folder)) renameSync(folder, gone);
  rmSync(gone, { recursive: true, force: true });
  if (hasSystemd(prefix)) systemctl('daemon-reload');
}

class Worker {
  readonly #folder: string;
  readonly #prefix: string;
  readonly #clock: Clock;
  readonly #hold: Hold;
  readonly #bench: Bench;
  #gap: GapWatch | undefined;

  constructor(folder: string, prefix: string, clock: Clock) {
    const job = Job.parse(JSON.parse(readFileSync(join(folder, 'job.json'), 'utf8')));
    this.#folder = folder;
    this.#prefix = prefix;
    this.#clock = clock;
    this.#hold = new Hold(folder, clock);
    this.#bench = {
      folder,
      prefix,
      clock,
      control: new Control(job, { folder, prefix, clock }),
      catalogue: new Catalogue(join(folder, 'releases')),
      open: () => this.#gap?.open().milliseconds ?? 0,
      say: text => this.#say(text),
    };
  }

  #say(text: string): void {
    try {
      appendFileSync(join(this.#folder, 'runner.log'), `${this.#clock.now().toISOString()} ${text}\n`);
    } catch {
      // A full disk ends nothing.
    }
  }

  /** From where the journal says, until nothing is to be done any more. */
  async run(journal: Journal): Promise<void> {
    this.#say(`goes on with ${journal.step}`);
    this.#gap = await watchGap(journal.open, journal.at);
    try {
      for (let now = journal; ; ) {
        const step = now.step;
        now = await this.#step(now);
        if (step === 'leave') break;
      }
    } finally {
      await this.#hold.end();
      this.#gap.stop();
    }
    vanish(this.#folder, this.#prefix);
  }

  /** Rules that can't be held go on to be in force, unwatched: no reason to leave the host without an agent. */
  async #holdFor({ isBare, step, directive }: Journal): Promise<void> {
    const isOurs = isBare && directive.mode === 'keep-rules' && !NOT_OURS.includes(step);
    try {
      await (isOurs ? this.#hold.begin() : this.#hold.end());
    } catch (error) {
      this.#say(error instanceof Error ? error.message : String(error));
    }
  }

  async #step(journal: Journal): Promise<Journal> {
    for (let failures = 1; ; failures += 1) {
      try {
        await this.#holdFor(journal);
        return this.#write({ ...journal, ...(await ACTS[journal.step](this.#bench, journal)) });
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        this.#say(`${journal.step} failed: ${why}`);
        const out = WAY_OUT[journal.step];
        if (out !== undefined && failures >= TRIES)
          return this.#write({ ...journal, step: out, reason: why.slice(0, 900) });
        await this.#clock.sleep(waitAfter(AGAIN, failures, this.#clock.random()));
      }
    }
  }

  #write(journal: Journal): Journal {
    const open = this.#gap?.open() ?? journal.open;
    const next = { ...journal, open, at: this.#clock.now().toISOString() };
    writeJournal(this.#folder, next);
    this.#say(next.step);
    return next;
  }
}

/** Carries out what the journal in the runner's folder says. Nothing there: nothing to do. */
export async function work(prefix: string, clock: Clock): Promise<void> {
  const folder = join(prefix, PLACES.runnerHome);
  const journal = readJournal(folder);
  if (journal) await new Worker(folder, prefix, clock).run(journal);
}
