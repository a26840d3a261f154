import type { Applied, Counted, DataPlane, HostPolicy, Meaning } from '../data-plane.ts';
import { giveBackLater } from '../memory.ts';
import { type Model, sameRules, TALLY } from '../policy/model.ts';
import { Renderer } from '../policy/renderer.ts';
import { type Input, type Nft, nftCommand } from './command.ts';
import { adopted, Comparison, type Seen } from './compare.ts';
import { type Epoch, epochChains, firstEpoch, NOTHING, nextEpoch, type Standing } from './epoch.ts';
import { interactiveNft } from './interactive.ts';
import { type Listing, ListingReader, TableReader } from './listing.ts';
import { loadPieces } from './load.ts';
import { Meant } from './meant.ts';
import { watchRules } from './monitor.ts';
import { Refused, refusalOf } from './refusal.ts';
import { TallyReader } from './tally.ts';
import { changeText, type Steps, settled } from './transaction.ts';

const [FAMILY, NAME] = ['inet', 'prisma'] as const;
/** All that the kernel has of ours, but for what was counted. */
const WHOLE = ['-s', '-nn', 'list', 'table', FAMILY, NAME] as const;

export interface PlaneOptions {
  /** How `nft` is started; see `nftCommand`. */
  command?: readonly string[];
  /** In place of that: for everything, or with `quick` for what is large. */
  nft?: Nft;
  quick?: Nft;
  /** NFLOG group of flow records; `LOG_GROUP` when absent. */
  logGroup?: number;
}

class NftPlane implements DataPlane {
  readonly #nft: Nft;
  /** For small changes, which are often, and for reading back what they did. */
  readonly #quick: Nft;
  readonly #command: readonly string[];
  readonly #renderer: Renderer;
  #active: Model | undefined;
  #standing: Standing = NOTHING;
  #seen: Seen = new Map();
  readonly #meant = new Meant();
  #queue: Promise<unknown> = Promise.resolve();
  #busy = 0;
  #turns = 0;
  /** Whether the whole table was looked at since chains changed. Until then only its stamp says what is in it. */
  #compared = false;
  /** Whether something was told to the kernel that it was not seen to hold: then no change goes on from what is active. */
  #inDoubt = false;

  constructor({ command = ['nft'], nft, quick = nft, logGroup }: PlaneOptions) {
    this.#renderer = new Renderer(logGroup);
    this.#nft = nft ?? nftCommand(command);
    this.#quick = quick ?? interactiveNft(command);
    this.#command = command;
  }

  apply(policy: HostPolicy): Promise<Applied> {
    return this.#next(() => this.#refusable(() => this.#apply(policy)));
  }

  /** Changes don't wait while a large table is listed; if one came meanwhile, it is listed again in turn. */
  async reconcile(): ReturnType<DataPlane['reconcile']> {
    await this.#next(() => this.#settle());
    const [model, turns] = [this.#active, this.#turns];
    const found = model && (await this.#refusable(() => this.#compare(model, this.#standing)));
    giveBackLater();
    const isStill = this.#busy === 0 && this.#turns === turns;
    if (isStill && found instanceof Comparison && found.difference === '') {
      found.learn();
      this.#compared = true;
      return { mended: false, difference: '' };
    }
    return this.#next(() => this.#refusable(() => this.#reconcile()));
  }

  watch(changed: () => void): () => Promise<void> {
    return watchRules(
      [...this.#command],
      () => this.#busy > 0,
      changed,
      () => this.#isOurs(),
    );
  }

  /** The table is there, says that it holds what was applied last, and was compared since more than elements changed. */
  async #isOurs(): Promise<boolean> {
    if (this.#busy > 0 || !this.#active) return true;
    return this.#compared && (await this.#readDigest()) === this.#active.digest;
  }

  async counters(): Promise<Map<string, Counted>> {
    const reader = new TallyReader();
    await this.#told(['-nn', 'list', 'set', FAMILY, NAME, TALLY], line => reader.line(line));
    giveBackLater();
    return reader.counters;
  }

  async isThere(): Promise<boolean> {
    return (await this.#readDigest()) !== '';
  }

  meaning(id: string): Meaning | undefined {
    return this.#meant.get(id);
  }

  remove(): Promise<void> {
    return this.#next(async () => {
      await this.#run(`add table ${FAMILY} ${NAME}\ndelete table ${FAMILY} ${NAME}\n`);
      this.#active = undefined;
      this.#renderer.forget();
    });
  }

  /** One after the other. */
  #next<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#queue.then(async () => {
      this.#busy++;
      this.#turns++;
      try {
        return await work();
      } finally {
        this.#busy--;
      }
    });
    this.#queue = done.catch(() => undefined);
    return done;
  }

  async #refusable<T>(work: () => Promise<T>): Promise<T | Extract<Applied, { outcome: 'refused' }>> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      // What the renderer keeps may be of a policy that never became active.
      this.#renderer.forget();
      return { outcome: 'refused', reason: error.reason, detail: error.message };
    }
  }

  async #run(script: Input): Promise<void> {
    if (script === '') return;
    const ran = await this.#nft(['-f', '-'], script);
    if (ran.code !== 0) throw refusalOf(ran);
  }

  /** False where there is no such thing. */
  async #told(args: readonly string[], line: (text: string) => void, nft: Nft = this.#nft): Promise<boolean> {
    const ran = await nft(args, '', line);
    if (ran.code === 0) return true;
    if (/No such file or directory/.test(ran.stderr)) return false;
    throw refusalOf(ran);
  }

  async #read(args: readonly string[], nft?: Nft): Promise<Listing | undefined> {
    const reader = new ListingReader();
    return (await this.#told(args, line => reader.line(line), nft)) ? reader.listing : undefined;
  }

  #list(): Promise<Listing | undefined> {
    return this.#read(WHOLE);
  }

  /** With what should hold, while it is listed. Undefined where there is no table. */
  async #compare(model: Model, standing: Standing): Promise<Comparison | undefined> {
    const comparison = new Comparison(model, standing, this.#seen);
    const reader = new TableReader(comparison);
    return (await this.#told(WHOLE, line => reader.line(line))) ? comparison : undefined;
  }

  async #apply(policy: HostPolicy): Promise<Applied> {
    const model = this.#renderer.render(policy);
    this.#meant.learn(model.meanings);
    const { digest, warnings } = model;
    const active = this.#active;
    if (active?.digest === digest && (await this.#readDigest()) === digest) {
      return { outcome: 'applied', digest, changed: false, warnings };
    }
    await this.#become(active ?? (await this.#adopt(model)), model);
    giveBackLater();
    return { outcome: 'applied', digest, changed: true, warnings };
  }

  /** After a restart: what an earlier run left in the kernel. */
  async #adopt(next: Model): Promise<Model | undefined> {
    const listing = await this.#list();
    if (!listing || listing.epoch === 0) return undefined;
    this.#standing = { epoch: listing.epoch, fresh: new Set() };
    return adopted(listing, next);
  }

  #nextEpoch(): Epoch {
    const { epoch } = this.#standing;
    return epoch === NOTHING.epoch ? firstEpoch(Math.random()) : nextEpoch(epoch);
  }

  async #become(before: Model | undefined, model: Model): Promise<void> {
    const steps = before && !this.#inDoubt ? changeText(before, model, this.#standing) : undefined;
    this.#inDoubt = true;
    const stepped = steps !== undefined && (await this.#step(steps));
    const standing = stepped ? steps.standing : { epoch: this.#nextEpoch(), fresh: NOTHING.fresh };
    if (!stepped) await this.#load(model, standing);
    // The stamp is of the same transaction as everything else: who holds it holds all.
    const isThere = (await this.#readDigest()) === model.digest;
    if (!isThere) {
      await this.#load(model, standing);
      const difference = await this.#difference(model, standing);
      if (difference !== '')
        throw new Refused('not_read_back', `the kernel does not hold what it took: ${difference}`);
    }
    const isSameEpoch = this.#standing.epoch === standing.epoch;
    if (!before || !stepped || !isQuick(steps) || !isSameEpoch || !sameChains(before, model)) {
      this.#compared = false;
      this.#unlearn(before, model);
    } else if (this.#standing.fresh.size === 0 && standing.fresh.size > 0) this.#unlearnEpoch();
    if (!isThere) this.#compared = true;
    this.#active = model;
    this.#standing = standing;
    this.#inDoubt = false;
  }

  /**
   * False: somebody changed the table meanwhile, so that a change of it makes no sense. Nothing is open meanwhile. What is
   * left over counts too: a chain that comes back would have its old rules before the new ones.
   */
  async #step({ prepare, activate, retire }: Steps): Promise<boolean> {
    for (const script of [prepare, activate, retire]) {
      const { code } = script === '' ? { code: 0 } : await this.#quick(['-f', '-'], script);
      if (code !== 0) return false;
    }
    return true;
  }

  async #load(model: Model, standing: Standing): Promise<void> {
    this.#seen = new Map();
    await this.#run({ pieces: loadPieces(model, standing) });
  }

  /** Makes packets cheap again after changes about a few peers. Not after each of them: it takes longer than they do. */
  async #settle(): Promise<void> {
    if (!this.#active || this.#inDoubt || this.#standing.fresh.size === 0) return;
    const { activate, standing } = settled(this.#active, this.#standing);
    this.#inDoubt = true;
    // Where the table isn't what it was any more, the comparison finds it.
    if ((await this.#quick(['-f', '-'], activate)).code !== 0) return;
    this.#inDoubt = false;
    this.#standing = standing;
    this.#compared = false;
    this.#unlearnEpoch();
  }

  /** What tells the kernel's table from the model; empty when nothing does. */
  async #difference(model: Model, standing: Standing): Promise<string> {
    const comparison = await this.#compare(model, standing);
    const difference = comparison ? comparison.difference : 'the table is gone';
    if (difference === '') comparison?.learn();
    return difference;
  }

  async #readDigest(): Promise<string> {
    const listing = await this.#read(['-nn', 'list', 'map', FAMILY, NAME, 'stamp'], this.#quick);
    return listing?.digest ?? '';
  }

  async #reconcile(): Promise<{ mended: boolean; difference: string }> {
    const model = this.#active;
    if (!model) return { mended: false, difference: '' };
    const difference = await this.#difference(model, this.#standing);
    if (difference === '') {
      this.#compared = true;
      return { mended: false, difference };
    }
    // The same standing: what was let through before somebody else's change still is.
    await this.#load(model, this.#standing);
    const left = await this.#difference(model, this.#standing);
    if (left !== '') throw new Refused('not_read_back', `the kernel does not hold what it took: ${left}`);
    this.#inDoubt = false;
    return { mended: true, difference };
  }

  /** Chains that were written anew look otherwise from now on. */
  #unlearn(before: Model | undefined, { chains }: Model): void {
    this.#unlearnEpoch();
    for (const [name, chain] of chains) {
      if (!sameRules(before?.chains.get(name), chain)) this.#seen.delete(name);
    }
  }

  #unlearnEpoch(): void {
    for (const name of epochChains(NOTHING).keys()) this.#seen.delete(name);
  }
}

const isQuick = ({ prepare, retire }: Steps): boolean => prepare === '' && retire === '';

/** Whether only elements of maps differ: then the rules need not be read back. */
const sameChains = (a: Model, b: Model): boolean =>
  a.chains === b.chains ||
  (a.chains.size === b.chains.size &&
    [...b.chains].every(([name, chain]) => sameRules(a.chains.get(name), chain)));

/** The data plane of a Linux host: one table, `inet prisma`, changed in place. */
export const openDataPlane = (options: PlaneOptions = {}): DataPlane => new NftPlane(options);
