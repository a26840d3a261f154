import type { PublicKey } from '../schema/oidc.ts';

/** Where an issuer publishes its keys: found by OpenID Connect discovery, or at a fixed URL. */
export type KeySource = { issuer: string } | { jwks: string };

/** Public keys of other issuers of tokens. */
export interface KeySets {
  /**
   * The keys that the source publishes. They are kept for a while; an unknown `kid` has them fetched again, but not
   * often. Fails with `unavailable` when there is no good answer; then it is not asked again for some seconds.
   */
  keys(source: KeySource, kid: string | undefined): Promise<readonly PublicKey[]>;
}
