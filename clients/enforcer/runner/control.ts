import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type AgentClient, ApiError } from '../../../shared/api/agent-client.ts';
import type { EnforcerCredentials } from '../../../shared/api/messages.ts';
import { fetchRelease } from '../../../shared/bundle/fetch-release.ts';
import { Credential } from '../../../shared/schema/appcredential.ts';
import type { ObjectId } from '../../../shared/schema/ids.ts';
import type { DirectedTask } from '../../../shared/schema/migration.ts';
import { findCloud, noCloud } from '../agent/cloud.ts';
import { KeptBundle } from '../agent/kept.ts';
import { cloudClient, credentialClient } from '../agent/session.ts';
import { type Clock, waitAfter } from '../clock.ts';
import { PLACES } from '../life/unit-files.ts';
import { BundlePoller, bodyOf, signedGet } from '../poll.ts';
import type { Catalogue } from './catalogue.ts';
import type { Job } from './job.ts';

/** Milliseconds. */
const AGAIN = { interval: 1000, longest: 30_000 };
const DOWNLOAD = 10 * 60_000;

/** `releases/` beside `bundles/<namespace>/`. */
export const releasesURL = (bundles: string): string =>
  bundles.replace(/\/bundles\/[0-9a-f]{24}\/?$/, '/releases');

/** What the control plane made of a report. */
export type Answered =
  | { outcome: 'taken'; installToken?: string; repeated: boolean }
  /** It never will take it. */
  | { outcome: 'refused'; why: string };

/** Whom the runner speaks for, and to whom. */
type Spoken = Pick<Job, 'api' | 'enforcer'> & Partial<Pick<Job, 'by'>>;

/** What the runner says to the control plane and hears from it, as the enforcer that it speaks for. */
export class Control {
  readonly #job: Spoken;
  readonly #folder: string;
  readonly #home: string;
  readonly #clock: Clock;
  #known: { text: string; client: AgentClient } | undefined;
  #poller: BundlePoller | undefined;
  #task: DirectedTask | undefined;

  constructor(job: Spoken, { folder, prefix, clock }: { folder: string; prefix: string; clock: Clock }) {
    this.#job = job;
    this.#folder = folder;
    this.#home = join(prefix, PLACES.home);
    this.#clock = clock;
  }

  /** The newest credential: what a new agent got for its install token ends what the former one had. */
  get credential(): string | undefined {
    const found = [this.#home, this.#folder]
      .map(folder => join(folder, 'default.creds'))
      .find(path => existsSync(path));
    return found && readFileSync(found, 'utf8');
  }

  async #client(): Promise<AgentClient> {
    const text = this.credential ?? '';
    if (this.#known?.text === text) return this.#known.client;
    const { api } = this.#job;
    let client: AgentClient;
    if (text !== '') {
      client = credentialClient({ ...Credential.parse(JSON.parse(text)), APIURL: api }, this.#clock);
    } else {
      const cloud = await findCloud();
      if (!cloud) throw noCloud();
      client = cloudClient(api, cloud, this.#clock);
    }
    this.#known = { text, client };
    this.#poller = undefined;
    return client;
  }

  /** Says it until it is taken or refused; while the control plane is away, later and later. */
  async report(
    directive: ObjectId,
    said: Readonly<Record<string, unknown>>,
    until: Date | undefined = undefined,
  ): Promise<Answered> {
    const { by } = this.#job;
    const { namespace, ID: id } = this.#job.enforcer;
    for (let failures = 1; ; failures += 1) {
      try {
        const { body } = await (await this.#client()).call('reportDirective', {
          namespace,
          params: { id },
          body: { directive, ...(by === undefined ? {} : { by }), ...said },
        });
        return { outcome: 'taken', ...body };
      } catch (error) {
        const isFinal = error instanceof ApiError && [400, 404, 409, 422].includes(error.status);
        if (isFinal) return { outcome: 'refused', why: error.message };
        const why = error instanceof Error ? error.message : String(error);
        if (until && this.#clock.now() > until) return { outcome: 'refused', why };
        await this.#clock.sleep(waitAfter(AGAIN, failures, this.#clock.random()));
      }
    }
  }

  async #credentials(): Promise<EnforcerCredentials> {
    const { namespace, ID: id } = this.#job.enforcer;
    const client = await this.#client();
    return (await client.call('createEnforcerCredentials', { namespace, params: { id } })).body;
  }

  /** The directive that the newest bundle has for this enforcer. Throws when it can't be told. */
  async directive(): Promise<DirectedTask | undefined> {
    await this.#client();
    this.#poller ??= new BundlePoller({
      state: new KeptBundle(join(this.#folder, 'bundle')).load().state ?? { root: this.#root },
      now: () => this.#clock.now(),
      credentials: () => this.#credentials(),
    });
    const polled = await this.#poller.poll();
    if (polled.outcome === 'unchanged') return this.#task;
    if (!polled.result.ok) throw new Error(`${polled.result.reason}: ${polled.result.detail}`);
    const { enforcers } = polled.result.payloads['directives.json'];
    this.#task = enforcers.find(({ ID }) => ID === this.#job.enforcer.ID)?.task;
    polled.accept();
    return this.#task;
  }

  get #root(): Uint8Array {
    return readFileSync(join(this.#folder, 'root.json'));
  }

  /** Puts the program of that version where it can be started from, verified. Gives why not, if it can't be had. */
  async download(version: string, catalogue: Catalogue): Promise<string | undefined> {
    const signal = AbortSignal.timeout(DOWNLOAD);
    const credentials = await this.#credentials();
    const base = releasesURL(credentials.url);
    const fetched = await fetchRelease({
      fetch: async (path, maxBytes, within) => {
        const ends = { now: this.#clock.now(), signal: within };
        return bodyOf(await signedGet(new URL(`${base}/${path}`), credentials, ends), maxBytes);
      },
      state: catalogue.state(this.#root),
      wanted: { version, platform: 'linux', architecture: process.arch },
      now: this.#clock.now(),
      signal,
    });
    catalogue.seen(fetched.state);
    if (!fetched.ok) {
      const isAway = fetched.reason === 'unreachable' || fetched.reason === 'slow';
      if (isAway) throw new Error(fetched.detail);
      return `${fetched.reason}: ${fetched.detail}`;
    }
    catalogue.keep(version, fetched.bytes);
    return undefined;
  }

  /** Whether anything answers there: who can't be reached says nothing about the agent that can't reach it either. */
  async isThere(): Promise<boolean> {
    try {
      await fetch(`${this.#job.api}/_meta/config`, { signal: AbortSignal.timeout(5000) });
      return true;
    } catch {
      return false;
    }
  }
}
