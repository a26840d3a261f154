import { valid } from 'semver';
import { z } from 'zod';
import { ObjectId } from './ids.ts';
import { Description, Name, resource } from './resource.ts';

/** Semantic version; a leading `v` is taken away. */
export const Version = z
  .string()
  .max(128)
  .refine(text => valid(text) !== null, 'must be a semantic version such as 1.2.3')
  .transform(text => valid(text) ?? text);

/** One file of a release: a TUF target. */
export const Artifact = z.strictObject({
  name: z
    .string()
    .regex(/^[a-zA-Z0-9][a-zA-Z0-9._-]{0,199}$/, 'may hold letters, digits, ., _ and -')
    .describe('Name of the target in the repository.'),
  platform: z.enum(['linux', 'windows', 'kubernetes']).describe('What it runs on.'),
  architecture: z.enum(['x64', 'arm64', 'any']).describe('Which processors it runs on.'),
  length: z.int().min(1).describe('Its length in bytes.'),
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/, 'must be 64 lower-case hex characters')
    .describe('SHA-256 of its bytes, in hex.'),
});
export type Artifact = z.infer<typeof Artifact>;

export const enforcerrelease = resource({
  identity: 'enforcerrelease',
  plural: 'enforcerreleases',
  aliases: ['release', 'releases'],
  group: 'enforcers',
  summary: 'A version of the agent that can be installed; those in / count',
  unique: 'version',
  defaultOrder: 'version',
  readOnly: {},
  createOnly: {
    version: Version.describe('Semantic version; a leading `v` is taken away.'),
    artifacts: z
      .array(Artifact)
      .min(1, 'name at least one file')
      .max(32)
      .describe('Its files, which lie in the repository as TUF targets.'),
  },
  writable: {
    name: Name.default('prisma-enforcer'),
    description: Description,
    withdrawn: z
      .boolean()
      .default(false)
      .describe('No longer installed: it is not the latest, and its files are no targets any more.'),
  },
  rules: ({ artifacts }) =>
    artifacts.flatMap(({ name }, index) =>
      artifacts.findIndex(other => other.name === name) < index
        ? [
            {
              path: ['artifacts', index, 'name'],
              input: name,
              message: 'it stands twice; name each file once',
            },
          ]
        : [],
    ),
});
export type EnforcerRelease = z.infer<typeof enforcerrelease.stored>;

/** Prefix of the agents' TUF repository in the bucket. */
export const RELEASES = 'releases/';
/** Where the releases stand in the publisher's list: an entry of `/`, beside those of namespaces. */
export const RELEASES_ID = ObjectId.parse('0'.repeat(24));
