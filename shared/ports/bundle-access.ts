import type { ObjectId } from '../schema/ids.ts';

/** Short-lived read access to one namespace's bundle: the shape of STS credentials plus where to use them. */
export interface BundleCredentials {
  /** URL of the folder that holds `metadata/` and `targets/`, without a trailing slash. */
  url: string;
  accessKeyID: string;
  secretAccessKey: string;
  sessionToken: string;
  /** RFC 3339 UTC, about an hour ahead. */
  expiration: string;
}

/** STS with a session policy on AWS; a signed token in one process. */
export interface BundleAccess {
  /** Read access to `bundles/<namespaceID>/`, to `releases/`, and to nothing else. `subject` names the enforcer in audit trails. */
  grant(namespaceID: ObjectId, subject: string): Promise<BundleCredentials>;
}
