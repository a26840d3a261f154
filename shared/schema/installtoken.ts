import { z } from 'zod';
import { ObjectId, Timestamp } from './ids.ts';
import { Description, Name, resource } from './resource.ts';

/** Longest life of a token, in seconds; the original's console offered 10 minutes, 30 minutes and an hour. */
export const LONGEST_INSTALL = 24 * 3600;

export const installtoken = resource({
  identity: 'installtoken',
  plural: 'installtokens',
  aliases: [],
  group: 'enforcers',
  summary: 'Lets one machine register an enforcer, once and soon',
  defaultOrder: 'createTime',
  readOnly: {
    /** What the agent is given. Only in the answer to the create that made it. */
    token: z.string().optional(),
    /** SHA-256 of its secret, in hex: the secret itself is not stored. */
    digest: z.string().default(''),
    expirationTime: z
      .union([z.literal(''), Timestamp])
      .default('')
      .describe('From then on it is refused.'),
    /** The one enforcer that it is good for; empty: any. */
    enforcerID: z.union([z.literal(''), ObjectId]).default(''),
    /** By which enforcer it was used, and with which key: the same key may repeat the registration. */
    usedBy: z
      .strictObject({
        enforcerID: ObjectId.describe('The enforcer.'),
        key: z.string().describe('Digest of its public key.'),
        time: Timestamp.describe('When it was first used.'),
      })
      .optional(),
  },
  createOnly: {
    /** Go duration from its creation. */
    validity: z
      .string()
      .regex(/^(\d+(s|m|h))+$/, 'must be a duration such as 30m')
      .default('30m'),
    /** The one machine that it is good for; empty: any. */
    machineID: z.string().max(256).default(''),
  },
  writable: { name: Name.default('install'), description: Description },
  secrets: ['token'],
});
export type InstallToken = z.infer<typeof installtoken.stored>;
