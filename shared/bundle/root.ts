import { Metadata, MetadataKind, Root } from '@tufjs/models';
import { fail } from '../schema/failure.ts';
import { keyOf, ONLINE_ROLES, type OnlineRole, PATHS, readRoot, SPEC_VERSION } from './metadata.ts';
import { orInvalid } from './refusal.ts';
import { addSignatures, encode, expiry, type SealSigner } from './sign.ts';

export interface RootContent {
  /** Public keys (SPKI, PEM) of the offline role. */
  rootKeys: readonly string[];
  /** How many of them must sign a root. */
  threshold: number;
  /** Public key of each online role. One key may have several roles. */
  online: Readonly<Record<OnlineRole, string>>;
  /** 1 for the first, and one more for each that follows. */
  version: number;
  expires: Date;
}

/** A root that nobody has signed yet, to be carried to the holders of its keys. */
export const draftRoot = (content: RootContent): Uint8Array => {
  const rootKeys = content.rootKeys.map(keyOf);
  const ids = [...new Set(rootKeys.map(key => key.keyID))].sort();
  if (content.threshold < 1 || content.threshold > ids.length)
    throw fail(
      'invalid',
      `a root with ${ids.length} different keys can't have the threshold ${content.threshold}; give 1 to ${ids.length}`,
    );
  const online = Object.fromEntries(ONLINE_ROLES.map(role => [role, keyOf(content.online[role])]));
  const keys = [...rootKeys, ...Object.values(online)].sort((a, b) => (a.keyID < b.keyID ? -1 : 1));
  const root = Root.fromJSON({
    _type: MetadataKind.Root,
    spec_version: SPEC_VERSION,
    version: content.version,
    expires: expiry(content.expires, 0),
    consistent_snapshot: true,
    keys: Object.fromEntries(keys.map(key => [key.keyID, key.toJSON()])),
    roles: {
      root: { keyids: ids, threshold: content.threshold },
      ...Object.fromEntries(
        Object.entries(online).map(([role, key]) => [role, { keyids: [key.keyID], threshold: 1 }]),
      ),
    },
  });
  return encode(new Metadata(root));
};

/** Adds signatures to a root file. Holders of keys can sign one after the other, each on a machine of their own. */
export const signRoot = async (root: Uint8Array, signers: readonly SealSigner[]): Promise<Uint8Array> =>
  encode(
    await addSignatures(
      orInvalid(() => readRoot('root.json', root)),
      signers,
    ),
  );

/**
 * Bytes of `<version>.root.json`, signed by all of `rootKeys` and, in a rotation, by the keys of the root before it,
 * which clients ask for as well (section 6.1).
 */
export const makeRoot = async (
  content: Omit<RootContent, 'rootKeys'> & {
    rootKeys: readonly SealSigner[];
    previousRootKeys?: readonly SealSigner[];
  },
): Promise<Uint8Array> => {
  const publicKeys = await Promise.all(content.rootKeys.map(signer => signer.publicKey()));
  return signRoot(draftRoot({ ...content, rootKeys: publicKeys }), [
    ...content.rootKeys,
    ...(content.previousRootKeys ?? []),
  ]);
};

/** Path of a root file below the prefix, by the version that it states. */
export const rootPath = (root: Uint8Array): string =>
  PATHS.root(orInvalid(() => readRoot('root.json', root)).signed.version);
