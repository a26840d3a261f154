import { z } from 'zod';
import type { Proof, ProofRequest } from './cloud.ts';
import { type Ask, tagsOf } from './metadata.ts';

const HEADERS = { metadata: 'true' };

const Instance = z.object({
  compute: z.object({
    name: z.string().default(''),
    vmId: z.string().default(''),
    location: z.string().default(''),
    resourceGroupName: z.string().default(''),
    subscriptionId: z.string().default(''),
    vmSize: z.string().default(''),
    tagsList: z.array(z.object({ name: z.string(), value: z.string() })).default([]),
  }),
});

/** `cloud:azure:…`, with the instance's own tags under `tag:`. */
export async function azureTags(ask: Ask): Promise<string[]> {
  const { compute } = Instance.parse(
    JSON.parse(await ask('/metadata/instance?api-version=2021-02-01', HEADERS)),
  );
  return [
    ...tagsOf('cloud:azure:', {
      name: compute.name,
      'vm-id': compute.vmId,
      location: compute.location,
      'resource-group': compute.resourceGroupName,
      subscription: compute.subscriptionId,
      'vm-size': compute.vmSize,
    }),
    ...tagsOf(
      'cloud:azure:tag:',
      Object.fromEntries(compute.tagsList.map(({ name, value }) => [name, value])),
    ),
  ];
}

const Token = z.object({ access_token: z.string().min(1) });

/** A token of the machine's managed identity for the control plane. */
export async function azureIdentity(ask: Ask, { api }: ProofRequest): Promise<Proof> {
  const path = `/metadata/identity/oauth2/token?api-version=2018-02-01&resource=${encodeURIComponent(api)}`;
  const { access_token } = Token.parse(JSON.parse(await ask(path, HEADERS)));
  return { realm: 'AzureIdentityToken', metadata: { token: access_token } };
}
