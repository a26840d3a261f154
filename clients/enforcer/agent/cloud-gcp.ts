import type { Proof, ProofRequest } from './cloud.ts';
import { type Ask, tagsOf } from './metadata.ts';

const HEADERS = { 'metadata-flavor': 'Google' };
const ROOT = '/computeMetadata/v1';

const lastPart = (path: unknown): unknown => (typeof path === 'string' ? path.split('/').at(-1) : undefined);

/** `cloud:gcp:instance:…` and the project. */
export async function gcpTags(ask: Ask): Promise<string[]> {
  const [instance, project] = await Promise.all([
    ask(`${ROOT}/instance/?recursive=true`, HEADERS).then(JSON.parse),
    ask(`${ROOT}/project/project-id`, HEADERS),
  ]);
  const labels: Record<string, unknown> = instance.attributes ?? {};
  return [
    ...tagsOf('cloud:gcp:', { project }),
    ...tagsOf('cloud:gcp:instance:', {
      id: instance.id,
      name: instance.name,
      zone: lastPart(instance.zone),
      'machine-type': lastPart(instance.machineType),
      'cluster-name': labels['cluster-name'],
    }),
  ];
}

/** A token of the instance's service account that names the control plane as its audience. */
export async function gcpIdentity(ask: Ask, { api }: ProofRequest): Promise<Proof> {
  const query = `audience=${encodeURIComponent(api)}&format=full`;
  const token = await ask(`${ROOT}/instance/service-accounts/default/identity?${query}`, HEADERS);
  return { realm: 'GCPIdentityToken', metadata: { token: token.trim() } };
}
