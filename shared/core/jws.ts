import { ECDSASigValue } from '@peculiar/asn1-ecc';
import { AsnConvert } from '@peculiar/asn1-schema';

/** Signs bytes, DER in return: the `sign` of ports/signer.ts. */
type Sign = (data: Uint8Array) => Promise<Uint8Array>;

const COORDINATE = 32;

/** DER integers are as short as can be, or one zero byte longer; JOSE wants 32 bytes each (RFC 7518, 3.4). */
const fixed = (integer: ArrayBuffer): Buffer => {
  const bytes = Buffer.from(integer);
  const short = bytes.subarray(Math.max(0, bytes.length - COORDINATE));
  return Buffer.concat([Buffer.alloc(COORDINATE - short.length), short]);
};

const base64url = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/**
 * A compact ES256 JWT over a key that never leaves its signer. jose verifies it; it can't sign with such a key.
 * `header` adds to `alg` and `typ`.
 */
export async function signJwt(
  claims: Record<string, unknown>,
  sign: Sign,
  header: { kid?: string | undefined } = {},
): Promise<string> {
  const signed = `${base64url({ alg: 'ES256', typ: 'JWT', ...header })}.${base64url(claims)}`;
  const { r, s } = AsnConvert.parse(await sign(Buffer.from(signed)), ECDSASigValue);
  return `${signed}.${Buffer.concat([fixed(r), fixed(s)]).toString('base64url')}`;
}
