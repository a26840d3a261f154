import { packed, unpacked } from '../core/packed.ts';
import type { PayloadBytes, PayloadName } from '../schema/bundle.ts';
import type { Description } from './metadata.ts';
import type { Opened } from './payloads.ts';

/** A payload whose hash was checked. */
export interface Checked extends Description {
  bytes: Uint8Array;
}

/** As it is described, packed; undefined where what was read of it makes up its bytes. */
interface Resting extends Description {
  packed: Uint8Array | undefined;
}

/**
 * Payloads of an accepted bundle, in little memory: their bytes are made up when somebody asks for them. What was read of
 * them goes on to the next bundle.
 */
export class RestingPayloads implements PayloadBytes {
  declare readonly 'directives.json': Uint8Array;
  declare readonly 'peers.json': Uint8Array;
  declare readonly 'policy.json': Uint8Array;
  readonly opened!: Opened;
  readonly #files: Readonly<Record<PayloadName, Resting>>;

  /** Of `before` those payloads that are not in `news`. */
  constructor(
    opened: Opened,
    news: Partial<Record<PayloadName, Checked>>,
    before: RestingPayloads | undefined,
  ) {
    // Not what it is made of: to whoever looks at it, it is three files' bytes.
    Object.defineProperty(this, 'opened', { enumerable: false, value: opened });
    const file = (name: PayloadName): Resting => {
      const one = news[name];
      const known = before ? before.#files[name] : undefined;
      if (!one && known) return known;
      if (!one) throw new TypeError(`there is no ${name}`);
      const isReadBack = name === 'peers.json' && opened[name].isVerbatim;
      return {
        length: one.length,
        sha256: one.sha256,
        packed: isReadBack ? undefined : packed(one.bytes),
      };
    };
    this.#files = {
      'directives.json': file('directives.json'),
      'peers.json': file('peers.json'),
      'policy.json': file('policy.json'),
    };
    for (const name of ['directives.json', 'peers.json', 'policy.json'] as const)
      Object.defineProperty(this, name, { enumerable: true, get: () => this.#bytes(name) });
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
    // Memory of its own, which nobody else writes to.
    return file.packed ? new Uint8Array(unpacked(file.packed)) : this.opened['peers.json'].bytes();
  }
}
