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
    token: z
      .string()
      .optional()
      .describe('What the agent is given. Only in the answer to the create that made it.'),
    digest: z
      .string()
      .default('')
      .describe('SHA-256 of its secret, in hex: the secret itself is not stored.'),
    expirationTime: z
      .union([z.literal(''), Timestamp])
      .default('')
      .describe('From then on it is refused.'),
    enforcerID: z
      .union([z.literal(''), ObjectId])
      .default('')
      .describe('The one enforcer that it is good for; empty: any.'),
    usedBy: z
      .strictObject({
        enforcerID: ObjectId.describe('The enforcer.'),
        key: z.string().describe('Digest of its public key.'),
        time: Timestamp.describe('When it was first used.'),
      })
      .optional()
      .describe(
        'By which enforcer it was used, and with which key: the same key may repeat the registration.',
      ),
  },
  createOnly: {
    validity: z
      .string()
      .regex(/^(\d+(s|m|h))+$/, 'must be a duration such as 30m')
      .default('30m')
      .describe('Go duration from its creation.'),
    machineID: z.string().max(256).default('').describe('The one machine that it is good for; empty: any.'),
  },
  writable: { name: Name.default('install'), description: Description },
  secrets: ['token'],
});
export type InstallToken = z.infer<typeof installtoken.stored>;
