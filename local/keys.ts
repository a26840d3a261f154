import { join } from 'node:path';
import type { BundleKeys } from '../functions/deps.ts';
import { ROOTS } from '../functions/publish.ts';
import type { TokenKeys } from '../functions/token-keys.ts';
import { replaceFile } from '../shared/adapters/local/files.ts';
import { openSigner } from '../shared/adapters/local/signer.ts';
import { readRoot } from '../shared/bundle/metadata.ts';
import { makeRoot } from '../shared/bundle/root.ts';
import type { Bucket } from '../shared/ports/bucket.ts';
import type { Signer } from '../shared/ports/signer.ts';
import { openTokenKeys } from './token-keys.ts';

const DAY = 24 * 3600 * 1000;
const ROOT_LIFE = 365 * DAY;
/** A root that expires sooner than this gets a successor at the next start. */
const ROOT_RENEWAL = 60 * DAY;

export interface Keys extends BundleKeys {
  root: Signer;
  token: TokenKeys;
  /** Of the session tokens that read bundles. */
  bundleAccess: Signer;
}

/**
 * Every key of the one-process build, `<data>/keys/*.pem`. `create`: makes those that are not there. That of bundle access
 * is made in any case: its tokens last an hour, and nothing was ever signed with it in a directory that lacks it.
 */
export async function openKeys(data: string, create: boolean): Promise<Keys> {
  const open = (name: string, made = create) =>
    openSigner(join(data, 'keys', `${name}.pem`), { create: made });
  const [root, targets, snapshot, timestamp, token, bundleAccess] = await Promise.all([
    open('root'),
    open('targets'),
    open('snapshot'),
    open('timestamp'),
    openTokenKeys(join(data, 'keys'), { create }),
    open('bundle-access', true),
  ]);
  return { root, targets, snapshot, timestamp, token, bundleAccess };
}

/**
 * Makes the first root, and its successor in time. On AWS the holders of the offline keys do this by hand; here one
 * key signs alone. The newest root also lies in `<data>/root.json`, for whoever installs an enforcer.
 */
export async function ensureRoots(data: string, bucket: Bucket, keys: Keys, now: Date): Promise<void> {
  const names = await bucket.list(ROOTS);
  const last = names.length;
  const key = (version: number) => `${ROOTS}${version}.root.json`;
  const found = last > 0 ? await bucket.get(key(last)) : { found: false as const };
  const newest = found.found && found.modified ? found.body : undefined;
  const show = (body: Uint8Array) =>
    replaceFile(join(data, 'root.json'), join(data, 'root.json~'), [body], 0o644);
  const left = newest ? Date.parse(readRoot(key(last), newest).signed.expires) - now.getTime() : 0;
  // Shown at each start: an earlier one may have died between the two files.
  if (newest && left > ROOT_RENEWAL) return show(newest);
  const version = last + 1;
  const body = await makeRoot({
    rootKeys: [keys.root],
    threshold: 1,
    online: {
      targets: await keys.targets.publicKey(),
      snapshot: await keys.snapshot.publicKey(),
      timestamp: await keys.timestamp.publicKey(),
    },
    version,
    expires: new Date(now.getTime() + ROOT_LIFE),
  });
  await bucket.put(key(version), body, { ifNoneMatch: '*', contentType: 'application/json' });
  await show(body);
}
