import { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Credential } from '../../shared/schema/appcredential.ts';
import { certificateRequest, credentialOf, type Requested } from '../make/certificate-request.ts';
import { assertion, openPlane, type Plane } from '../make/plane.ts';

const HOUR = 3600 * 1000;
let plane: Plane;
let tenant: string;
let old: Credential;
beforeAll(async () => {
  plane = await openPlane();
  tenant = await plane.tenant();
});
afterAll(() => plane.stop());
beforeEach(async () => {
  old = await plane.credential(tenant, ['namespace.viewer']);
});

const requestFor = (name = `CN=app:credential:${old.ID}:${old.name}, O=${tenant}`, algorithm?: object) =>
  certificateRequest({ name, ...(algorithm ? { algorithm } : {}) });
const renew = (CSR: string, caller = plane.root) =>
  caller(`PATCH /appcredentials/${old.ID}`, tenant, { body: { CSR } });
const withKey = (object: object, request: Requested): Credential =>
  credentialOf(object as Credential, request, old.APIURL);
const issued = async (credential: Credential): Promise<number> => {
  const metadata = { token: await assertion(credential, plane.clock.now()) };
  return (await plane.call('POST /issue', { body: { realm: 'AppCredential', metadata } })).status;
};

describe('a renewal', () => {
  it('certifies the key of the request for ten years and keeps no request', async () => {
    const request = await requestFor();
    const { status, object } = await renew(request.pem);
    expect([status, object.CSR]).toEqual([200, '']);
    const certificate = new X509Certificate(object.certificate as string);
    expect(certificate.subject).toBe(`CN=app:credential:${old.ID}:${old.name}\nO=${tenant}`);
    const years = (Date.parse(certificate.validTo) - plane.clock.now().getTime()) / (365 * 24 * HOUR);
    expect(years).toBeCloseTo(10, 3);
    expect(await issued(withKey(object, request))).toBe(200);
  });

  it('leaves the certificate before it good for twelve hours, and what was got with it no longer', async () => {
    const request = await requestFor();
    const { object } = await renew(request.pem);
    const renewed = withKey(object, request);
    expect(Date.parse(object.formerCertificateExpirationDate as string) - plane.clock.now().getTime()).toBe(
      12 * HOUR,
    );
    plane.clock.advance(12 * HOUR - 1000);
    expect([await issued(old), await issued(renewed)]).toEqual([200, 200]);
    const [ofOld, ofNew] = [plane.caller(await plane.token(old)), plane.caller(await plane.token(renewed))];
    const may = async () => [
      (await ofOld('GET /namespaces', tenant)).status,
      (await ofNew('GET /namespaces', tenant)).status,
    ];
    expect(await may()).toEqual([200, 200]);
    plane.clock.advance(1000);
    expect(await may()).toEqual([401, 200]);
    expect([await issued(old), await issued(renewed)]).toEqual([401, 200]);
  });

  it('sent twice leaves that certificate good all the same', async () => {
    const request = await requestFor();
    await renew(request.pem);
    const { object } = await renew(request.pem);
    expect(await issued(old)).toBe(200);
    expect(await issued(withKey(object, request))).toBe(200);
  });

  it('with another key ends the certificate before the last', async () => {
    await renew((await requestFor()).pem);
    await renew((await requestFor()).pem);
    expect(await issued(old)).toBe(401);
  });

  it('ends with the credential: disabled or deleted, neither certificate is of use', async () => {
    const request = await requestFor();
    const { object } = await renew(request.pem);
    const renewed = withKey(object, request);
    await plane.root(`PATCH /appcredentials/${old.ID}`, tenant, { body: { disabled: true } });
    expect([await issued(old), await issued(renewed)]).toEqual([401, 401]);
  });

  it('does not come about by sending back what was read', async () => {
    const { object } = await renew((await requestFor()).pem);
    const sent = await plane.root(`PUT /appcredentials/${old.ID}`, tenant, { body: object });
    expect([sent.status, sent.object.certificate]).toEqual([200, object.certificate]);
    expect(sent.object.formerCertificate).toBe(object.formerCertificate);
  });

  it('is tried by a dry run and does nothing', async () => {
    const body = { CSR: (await requestFor()).pem };
    const { status } = await plane.root(`PATCH /appcredentials/${old.ID}?dryRun=true`, tenant, { body });
    const { object } = await plane.root(`GET /appcredentials/${old.ID}`, tenant);
    expect([status, object.formerCertificate]).toEqual([200, '']);
  });

  it('takes the right to give what the credential holds', async () => {
    old = await plane.credential(tenant, ['namespace.administrator']);
    const installer = await plane.member(tenant, ['enforcer-installer']);
    const { status, text } = await renew((await requestFor()).pem, installer);
    expect([status, text]).toEqual([403, expect.stringContaining('it holds more than you do')]);
    expect(await issued(old)).toBe(200);
  });
});

describe('a request is refused with 422', () => {
  const message = async (CSR: string): Promise<unknown> => {
    const { status, text } = await renew(CSR);
    expect(status).toBe(422);
    return JSON.parse(text)[0].description;
  };

  it('in a create, which makes its own key', async () => {
    const body = {
      name: 'n',
      roles: ['@auth:role=namespace.viewer'],
      CSR: (await requestFor()).pem,
    };
    const { status, text } = await plane.root('POST /appcredentials', tenant, { body });
    expect([status, text]).toEqual([422, expect.stringContaining("'CSR'")]);
  });

  it.each([
    ['of another credential', () => `CN=app:credential:0190f3a1b2c3d4e5f6071829:member, O=${tenant}`],
    ['with another name', () => `CN=app:credential:${old.ID}:other, O=${tenant}`],
    ['of another namespace', () => `CN=app:credential:${old.ID}:member, O=/`],
    ['without a subject', () => ''],
  ])('%s', async (_, name) => {
    expect(await message((await requestFor(name())).pem)).toContain(`O=${tenant}`);
  });

  it('when it is none', async () => {
    expect(await message('-----BEGIN CERTIFICATE REQUEST-----')).toContain('no PKCS #10 request');
  });

  it('with a key on another curve', async () => {
    const algorithm = { name: 'ECDSA', namedCurve: 'P-384', hash: 'SHA-256' };
    expect(await message((await requestFor(undefined, algorithm)).pem)).toContain('P-256');
  });

  it('that somebody else signed, who does not hold its key', async () => {
    const { publicKey } = await requestFor();
    const { pem } = await certificateRequest({
      name: `CN=app:credential:${old.ID}:member, O=${tenant}`,
      publicKey,
    });
    expect(await message(pem)).toContain('its signature is not of the key in it');
  });
});

it('a certificate that has ended proves nothing', async () => {
  expect(await issued(old)).toBe(200);
  plane.clock.advance(10 * 365 * 24 * HOUR + 1000);
  expect(await issued(old)).toBe(401);
});
