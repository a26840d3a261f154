import { z } from 'zod';
import { CidrList, UnicastCidrList } from './network-entry.ts';
import { Description, Name, Propagate, resource } from './resource.ts';
import { TagExpression } from './tag.ts';

/** One certificate or several as PEM (RFC 7468), with whatever text stands around them. */
const PemCertificates = z
  .string()
  .regex(
    /-----BEGIN CERTIFICATE-----\s[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/,
    'must be a certificate in PEM, from -----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----',
  );

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
    targetNetworks: CidrList.describe('Networks with identity over TCP; empty means discovered.'),
    targetUDPNetworks: UnicastCidrList.describe('Networks with identity over UDP.'),
    excludedNetworks: CidrList.describe('Neither enforced nor reported.'),
    excludedInterfaces: z
      .array(z.string().min(1).max(15))
      .default([])
      .describe('Interfaces that are left wholly alone.'),
    ignoreExpression: TagExpression.describe('Processing units to leave wholly alone.'),
    trustedCAs: z.array(PemCertificates).default([]).describe('PEM certificates.'),
    propagate: Propagate,
    maxStale: z
      .string()
      .regex(/^\d+[smh]$/, 'must be a duration such as 24h')
      .default('24h')
      .describe('Hours after its expiry that a bundle is still held without more ado.'),
    staleAction: z
      .enum(['hold', 'lockdown'])
      .default('hold')
      .describe('What happens then: `hold` keeps enforcing the bundle, `lockdown` rejects everything.'),
    kubernetesMetadataExtractor: z
      .string()
      .default('PodAtomic')
      .describe('Kept for clients of the original.'),
    kubernetesSupportEnabled: z.boolean().default(false).describe('Kept for clients of the original.'),
    metadataExtractor: z.string().default('Docker').describe('Kept for clients of the original.'),
  },
});
export type EnforcerProfile = z.infer<typeof enforcerprofile.stored>;
