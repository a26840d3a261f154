import { type BundleRuleSet, PolicyPayload } from '../schema/bundle.ts';
import { packed, unpacked } from './packed.ts';

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * policy.json as it is: its text, packed, beside whatever of it is asked for often. Its rulesets are the most of it by far,
 * and who decides by them has made them into something else: they are read anew for whoever asks again.
 */
export class PolicyText implements Omit<PolicyPayload, 'rulesets'> {
  readonly format = 1;
  readonly namespace: PolicyPayload['namespace'];
  readonly namespaceID: PolicyPayload['namespaceID'];
  readonly namespaces: PolicyPayload['namespaces'];
  readonly externalNetworks: PolicyPayload['externalNetworks'];
  readonly namespaceMappings: PolicyPayload['namespaceMappings'];
  readonly profileMappings: PolicyPayload['profileMappings'];
  readonly profiles: PolicyPayload['profiles'];
  declare readonly rulesets: BundleRuleSet[];
  /** How many rulesets there are. */
  readonly #size: number;
  readonly #packed: Uint8Array;
  #lately: WeakRef<BundleRuleSet[]>;

  /** `bytes`: what the payload was read from. */
  constructor(payload: PolicyPayload, bytes: Uint8Array) {
    this.namespace = payload.namespace;
    this.namespaceID = payload.namespaceID;
    this.namespaces = payload.namespaces;
    this.externalNetworks = payload.externalNetworks;
    this.namespaceMappings = payload.namespaceMappings;
    this.profileMappings = payload.profileMappings;
    this.profiles = payload.profiles;
    this.#size = payload.rulesets.length;
    this.#packed = packed(bytes);
    this.#lately = new WeakRef(payload.rulesets);
    this.#show();
  }

  /** An own property, so that it is the payload that it stands for to whoever looks at it. */
  #show(): void {
    Object.defineProperty(this, 'rulesets', { enumerable: true, get: () => this.#rulesets() });
  }

  get size(): number {
    return this.#size;
  }

  bytes(): Buffer {
    return unpacked(this.#packed);
  }

  #rulesets(): BundleRuleSet[] {
    const known = this.#lately.deref();
    if (known) return known;
    const { rulesets } = JSON.parse(utf8.decode(this.bytes()));
    const read = PolicyPayload.shape.rulesets.parse(rulesets);
    this.#lately = new WeakRef(read);
    return read;
  }
}
