import { packed, unpacked } from '../core/packed.ts';
import type { PayloadBytes, PayloadName } from '../schema/bundle.ts';
import type { Description } from './metadata.ts';
import type { Opened } from './payloads.ts';

/** A payload whose hash was checked. */
export interface Checked extends Description {
  bytes: Uint8Array;
}
export type News = Partial<Record<PayloadName, Checked>>;

/** As it is described, packed; undefined where what was read of it makes up its bytes. */
interface Resting extends Description {
  packed: Uint8Array | undefined;
}
type Files = Readonly<Record<PayloadName, Resting>>;

/**
 * Payloads of an accepted bundle, in little memory: their bytes are made up when somebody asks for them. What was read of
 * them goes on to the next bundle.
 */
export class RestingPayloads implements PayloadBytes {
  declare readonly 'directives.json': Uint8Array;
  declare readonly 'peers.json': Uint8Array;
  declare readonly 'policy.json': Uint8Array;
  readonly #opened: Opened;
  readonly #files: Files;

  private constructor(opened: Opened, files: Files) {
    this.#opened = opened;
    this.#files = files;
    for (const name of ['directives.json', 'peers.json', 'policy.json'] as const)
      Object.defineProperty(this, name, { enumerable: true, get: () => this.#bytes(name) });
  }

  /** What is not among `news` goes on from `before`. */
  static of(opened: Opened, news: News, before: RestingPayloads | undefined): RestingPayloads {
    const file = (name: PayloadName): Resting => {
      const one = news[name];
      const known = before ? before.#files[name] : undefined;
      if (!one && known) return known;
      if (!one) throw new TypeError(`there is no ${name}`);
      const { length, sha256, bytes } = one;
      return { length, sha256, packed: makesUp(opened, name) ? undefined : packed(bytes) };
    };
    return new RestingPayloads(opened, {
      'directives.json': file('directives.json'),
      'peers.json': file('peers.json'),
      'policy.json': file('policy.json'),
    });
  }

  /** What was read of them. */
  get opened(): Opened {
    return this.#opened;
  }

  /** SHA-256 of a payload, in hex. */
  digest(name: PayloadName): string {
    return this.#files[name].sha256;
  }

  is(name: PayloadName, { length, sha256 }: Description): boolean {
    return this.#files[name].length === length && this.#files[name].sha256 === sha256;
  }

  #bytes(name: PayloadName): Uint8Array {
    const file = this.#files[name];
    const [peers, policy] = [this.#opened['peers.json'], this.#opened['policy.json']];
    // Memory of its own, which nobody else writes to.
    if (file.packed) return new Uint8Array(unpacked(file.packed));
    return name === 'peers.json' ? peers.bytes() : new Uint8Array(policy.bytes());
  }
}

/** Whether what was read of a payload knows its bytes. */
const makesUp = (opened: Opened, name: PayloadName): boolean =>
  name === 'policy.json' || (name === 'peers.json' && opened[name].isVerbatim);
