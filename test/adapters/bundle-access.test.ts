import { expect, test } from 'vitest';
import { openBundleAccess } from '../../shared/adapters/local/bundle-access.ts';
import { signJwt } from '../../shared/core/jws.ts';
import { ObjectId } from '../../shared/schema/ids.ts';
import { makeSigner } from '../make/keys.ts';

const ID = ObjectId.parse('0123456789ab0123456789ab');
const KEY = `bundles/${ID}/metadata/timestamp.json`;

test('a token of the API opens no bundle, whatever audience its caller chose for it', async () => {
  const signer = makeSigner();
  const now = new Date();
  const access = openBundleAccess({ signer, clock: { now: () => now }, url: () => 'http://127.0.0.1' });
  const { sessionToken } = await access.grant(ID, 'enforcer');
  expect(await access.allows(sessionToken, KEY)).toBe(true);

  const iat = Math.floor(now.getTime() / 1000);
  const claims = { aud: 'bundles', sub: 'enforcer', prefix: `bundles/${ID}/`, iat, exp: iat + 60 };
  const sign = (data: Uint8Array) => signer.sign(data);
  expect(await access.allows(await signJwt(claims, sign), KEY)).toBe(true);
  expect(await access.allows(await signJwt({ ...claims, realm: 'certificate' }, sign), KEY)).toBe(false);
});
