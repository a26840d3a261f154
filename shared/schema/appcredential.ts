import { z } from 'zod';
import { ObjectId } from './ids.ts';
import { CidrList } from './network-entry.ts';
import { Description, Name, resource } from './resource.ts';

/** What a client keeps: the original's `default.creds`. PEM values are base64 of the PEM text. */
export const Credential = z.strictObject({
  APIURL: z.string(),
  ID: z.string(),
  name: z.string(),
  namespace: z.string(),
  certificate: z.string(),
  certificateKey: z.string(),
  certificateAuthority: z.string(),
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
    /** PEM. The public key in it verifies what the client signs; the private key is never stored. */
    certificate: z.string().default(''),
    /** Only in the answer to the create that made it. */
    credentials: Credential.optional(),
    parentIDs: z.array(ObjectId).default([]),
    email: z.string().default(''),
  },
  createOnly: {},
  writable: {
    name: Name,
    description: Description,
    roles: z
      .array(z.string().regex(/^@auth:role=[a-z][a-z.-]*$/, 'must be a role such as @auth:role=enforcer'))
      .min(1, 'name at least one role'),
    authorizedSubnets: CidrList,
    /** Go duration, at most the server's own limit. */
    maxIssuedTokenValidity: z
      .string()
      .regex(/^(\d+(ns|us|ms|s|m|h))+$|^$/, 'must be a duration such as 1h')
      .default(''),
    CSR: z
      .string()
      .max(0, 'renewing by CSR is not supported yet; create a new credential and delete this one')
      .default(''),
    disabled: z.boolean().default(false),
  },
  secrets: ['credentials'],
});
export type AppCredential = z.infer<typeof appcredential.stored>;
