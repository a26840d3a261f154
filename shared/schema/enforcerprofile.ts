import { z } from 'zod';
import { CidrList, UnicastCidrList } from './network-entry.ts';
import { Description, Name, resource } from './resource.ts';
import { TagExpression } from './tag.ts';

export const enforcerprofile = resource({
  identity: 'enforcerprofile',
  plural: 'enforcerprofiles',
  aliases: ['profile', 'profiles'],
  group: 'enforcers',
  summary: 'How the enforcers that it is mapped to behave',
  defaultOrder: 'name',
  readOnly: {},
  createOnly: {},
  writable: {
    name: Name,
    description: Description,
    /** Networks with identity over TCP; empty means discovered. */
    targetNetworks: CidrList,
    targetUDPNetworks: UnicastCidrList,
    /** Neither enforced nor reported. */
    excludedNetworks: CidrList,
    excludedInterfaces: z.array(z.string().min(1).max(15)).default([]),
    /** Processing units to leave wholly alone. */
    ignoreExpression: TagExpression,
    /** PEM certificates. */
    trustedCAs: z.array(z.string()).default([]),
    propagate: z.boolean().default(false),
    /** Hours after its expiry that a bundle is still held without more ado. */
    maxStale: z
      .string()
      .regex(/^\d+[smh]$/, 'must be a duration such as 24h')
      .default('24h'),
    staleAction: z.enum(['hold', 'lockdown']).default('hold'),
    kubernetesMetadataExtractor: z.string().default('PodAtomic'),
    kubernetesSupportEnabled: z.boolean().default(false),
    metadataExtractor: z.string().default('Docker'),
  },
});
export type EnforcerProfile = z.infer<typeof enforcerprofile.stored>;
