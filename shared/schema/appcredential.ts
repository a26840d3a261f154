import { z } from 'zod';
import { ObjectId } from './ids.ts';
import { CidrList } from './network-entry.ts';
import { Description, Disabled, Name, resource } from './resource.ts';

/** What a client keeps: the original's `default.creds`. PEM values are base64 of the PEM text. */
export const Credential = z.strictObject({
  APIURL: z.string().describe('URL of the API that the credential is for.'),
  ID: z.string().describe('Of the app credential; `iss` and `sub` of what it signs.'),
  name: z.string().describe('Name for people.'),
  namespace: z.string().describe('Where the app credential lives.'),
  certificate: z.string().describe('Base64 of PEM.'),
  certificateKey: z.string().describe('Base64 of PEM: the private key, which nobody else has.'),
  certificateAuthority: z.string().describe('Base64 of PEM.'),
});
export type Credential = z.infer<typeof Credential>;

export const appcredential = resource({
  identity: 'appcredential',
  plural: 'appcredentials',
  aliases: ['appcred', 'appcreds'],
  group: 'authorizations',
  summary: 'A key pair with roles in its namespace and below, for programs',
  defaultOrder: 'name',
  readOnly: {
    certificate: z
      .string()
      .default('')
      .describe('PEM. The public key in it verifies what the client signs; the private key is never stored.'),
    formerCertificate: z
      .string()
      .default('')
      .describe('PEM. The certificate before the last renewal, which is good until the next attribute says.'),
    formerCertificateExpirationDate: z
      .string()
      .optional()
      .describe('RFC 3339: twelve hours after the last renewal.'),
    credentials: Credential.optional().describe('Only in the answer to the create that made it.'),
    parentIDs: z.array(ObjectId).default([]).describe('Kept for clients of the original: always empty.'),
  },
  createOnly: {},
  writable: {
    name: Name,
    description: Description,
    roles: z
      .array(z.string().regex(/^@auth:role=[a-z][a-z.-]*$/, 'must be a role such as @auth:role=enforcer'))
      .min(1, 'name at least one role')
      .describe(
        'What it may do in its namespace and below, `@auth:role=namespace.viewer`; at most what the writer holds.',
      ),
    authorizedSubnets: CidrList.describe('When not empty, it is of use from these networks only.'),
    maxIssuedTokenValidity: z
      .string()
      .regex(/^(\d+(ns|us|ms|s|m|h))+$|^$/, 'must be a duration such as 1h')
      .default('')
      .describe("Go duration, at most the server's own limit."),
    CSR: z
      .string()
      .max(8192, 'must be a PKCS #10 request of at most 8192 characters')
      .default('')
      .describe(
        'Of an update: PKCS #10 request in PEM for a new P-256 key, with the subject CN=app:credential:<ID>:<name>, O=<namespace>. It renews the certificate and is not kept.',
      ),
    email: z.string().max(254).default('').describe('Kept for clients of the original; nothing is sent.'),
    disabled: Disabled,
  },
  secrets: ['credentials'],
});
export type AppCredential = z.infer<typeof appcredential.stored>;
