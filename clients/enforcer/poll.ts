import type { EnforcerCredentials } from '../../shared/api/messages.ts';
import { type OpenResult, open } from '../../shared/bundle/open.ts';
import type { TrustedState } from '../../shared/bundle/state.ts';
import { signV4 } from '../../shared/core/sigv4.ts';

const TIMESTAMP = 'metadata/timestamp.json';
/** Bytes of timestamp.json that are read at most; open() takes fewer. */
const LONGEST_TIMESTAMP = 1_000_000;
/** Milliseconds that one update may take in all. */
const DEADLINE = 60_000;
/** Credentials that expire sooner than this are renewed before they are used. */
const RENEWAL = 5 * 60_000;
/** Bytes of a body that nobody told the length of, to begin with. */
const FIRST_PIECE = 65_536;
/** How S3 and we refuse credentials. */
const DENIED: readonly number[] = [400, 401, 403];

export type PollResult =
  | { outcome: 'unchanged' }
  /** `accept` is for the caller to call once the bundle holds: from then on only news is looked at. */
  | { outcome: 'opened'; result: OpenResult; accept: () => void };

interface Options {
  /** Trades the enforcer's credential for read access to its bundle: `POST /enforcers/{id}/credentials`. */
  credentials: () => Promise<EnforcerCredentials>;
  /** What is trusted so far: `{ root }` from the installation, or what an earlier run kept. */
  state: TrustedState;
  /** ID of the namespace that `state` is of, if any: another one that was made anew in its place is followed. */
  namespaceID?: string | undefined;
  now: () => Date;
}

/**
 * Polls one bundle. A poll without news is one conditional GET that no function of the control plane sees. The ETag
 * counts only once the bundle it came with is active, so that a refused one is looked at again.
 */
export class BundlePoller {
  readonly #options: Options;
  #credentials: EnforcerCredentials | undefined;
  #state: TrustedState;
  #etag: string | undefined;
  #namespaceID: string | undefined;

  constructor(options: Options) {
    this.#options = options;
    this.#state = options.state;
    this.#namespaceID = options.namespaceID;
  }

  /** Origin of the bucket, once there were credentials for it. */
  get origin(): string | undefined {
    return this.#credentials && new URL(this.#credentials.url).origin;
  }

  /** What to keep on disk, and to start from again. */
  get state(): TrustedState {
    return this.#state;
  }

  async poll(): Promise<PollResult> {
    const signal = AbortSignal.timeout(DEADLINE);
    const known = this.#credentials;
    let credentials = await this.#access();
    let timestamp = await this.#get(credentials, TIMESTAMP, signal, this.#etagFor(credentials));
    if (credentials === known && DENIED.includes(timestamp.status)) {
      // They may have ended by the server's clock: this host's was set back.
      this.#credentials = undefined;
      credentials = await this.#access();
      timestamp = await this.#get(credentials, TIMESTAMP, signal, this.#etagFor(credentials));
    }
    if (timestamp.status === 304) return { outcome: 'unchanged' };
    const first = await bodyOf(timestamp, LONGEST_TIMESTAMP);
    const result = await open({
      fetch: async (path, maxBytes, within) =>
        path === TIMESTAMP ? first : bodyOf(await this.#get(credentials, path, within), maxBytes),
      state: this.#isAnew(credentials) ? { root: this.#state.root } : this.#state,
      expected: credentials,
      now: this.#options.now(),
      signal,
    });
    if (this.#isAnew(credentials)) {
      if (!result.ok) {
        // The API's word alone lowers nothing: what was seen of the former one binds on.
        this.#credentials = undefined;
        return { outcome: 'opened', result: { ...result, state: this.#state }, accept: () => undefined };
      }
      this.#etag = undefined;
    }
    this.#state = result.state;
    this.#namespaceID = result.ok ? credentials.namespaceID : this.#namespaceID;
    const etag = timestamp.headers.get('etag') ?? undefined;
    const accept = (): void => {
      this.#etag = etag;
    };
    return { outcome: 'opened', result, accept };
  }

  async #access(): Promise<EnforcerCredentials> {
    const { now, credentials } = this.#options;
    const known = this.#credentials;
    if (known && Date.parse(known.expiration) - now().getTime() > RENEWAL) return known;
    const given = await credentials();
    this.#refuseOlder(given);
    this.#credentials = given;
    return given;
  }

  /**
   * A namespace that was deleted and made again under its old name has a repository of its own, whose versions begin anew. It is
   * followed once a bundle of it was verified.
   */
  #isAnew({ namespaceID }: EnforcerCredentials): boolean {
    return this.#namespaceID !== undefined && this.#namespaceID !== namespaceID;
  }

  #etagFor(credentials: EnforcerCredentials): string | undefined {
    return this.#isAnew(credentials) ? undefined : this.#etag;
  }

  /** It is a later one, as IDs tell: nobody is led back to one that went, whatever it is still signed with. */
  #refuseOlder({ namespaceID, namespace }: EnforcerCredentials): void {
    const known = this.#namespaceID;
    if (known === undefined || namespaceID >= known) return;
    throw new Error(
      `namespace ${namespace} with the ID ${namespaceID} is older than ${known}, which was followed`,
    );
  }

  #get(credentials: EnforcerCredentials, path: string, signal: AbortSignal, etag?: string) {
    const url = new URL(`${credentials.url}/${path}`);
    return signedGet(url, credentials, { now: this.#options.now(), signal }, etag);
  }
}

/** Signed as S3 wants it; the one-process build looks at the session token only. */
export function signedGet(
  url: URL,
  credentials: EnforcerCredentials,
  { now, signal }: { now: Date; signal: AbortSignal },
  etag?: string,
): Promise<Response> {
  const headers = signV4({ method: 'GET', url }, credentials, { service: 's3', region: regionOf(url), now });
  return fetch(url, {
    signal,
    // What answers for the bundle must not send the agent, and its session, to another place.
    redirect: 'error',
    headers: { ...headers, ...(etag === undefined ? {} : { 'if-none-match': etag }) },
  });
}

/** `bucket.s3.eu-west-1.amazonaws.com` → `eu-west-1`. Other endpoints don't mind which region is signed. */
const regionOf = ({ hostname }: URL): string =>
  /\.s3\.([a-z0-9-]+)\.amazonaws\./.exec(hostname)?.[1] ?? 'us-east-1';

/**
 * The body, at most one byte longer than `maxBytes`; undefined for what is not there. S3 says 403 for that to readers who
 * may not list.
 */
export async function bodyOf(response: Response, maxBytes: number): Promise<Uint8Array | undefined> {
  if (response.status === 404 || response.status === 403) return undefined;
  if (!response.ok || !response.body) throw new Error(`${response.url} answered ${response.status}`);
  // All in one piece from the beginning, where it is told how much comes: pieces beside a whole would take twice as much.
  const told = Number(response.headers.get('content-length') ?? 0);
  let body = Buffer.alloc(Math.min(told > 0 ? told : FIRST_PIECE, maxBytes) + 1);
  let size = 0;
  for await (const chunk of response.body) {
    while (size + chunk.length > body.length && body.length <= maxBytes) body = grown(body, maxBytes);
    size += Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength).copy(body, size);
    if (size > maxBytes) break;
  }
  return body.subarray(0, size);
}

/** Twice as large, with what is in it. */
function grown(body: Buffer, maxBytes: number): Buffer<ArrayBuffer> {
  const larger = Buffer.alloc(Math.min(2 * body.length, maxBytes + 1));
  body.copy(larger);
  return larger;
}
