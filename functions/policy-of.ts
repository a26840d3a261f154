import type { z } from 'zod';
import { compile } from '../shared/core/compile.ts';
import { modelFromPayload, type NamespacePolicy } from '../shared/core/policy.ts';
import { PeersPayload, PolicyPayload } from '../shared/schema/bundle.ts';
import type { NamespacePath } from '../shared/schema/ids.ts';
import type { Deps } from './deps.ts';
import { loadView } from './load.ts';

/** What an enforcer in a namespace would hold now: its policy, and its peers. */
export interface Held {
  policy: NamespacePolicy;
  identities: PeersPayload['identities'];
  peerAt: (address: string) => PeersPayload['identities'][number] | undefined;
}

/** Compiled as for a bundle and read as by an enforcer, so that there is one way to decide. */
export async function policyOf(namespace: NamespacePath, { store }: Pick<Deps, 'store'>): Promise<Held> {
  const { payloads } = compile(await loadView(store, namespace), namespace);
  const read = <T>(schema: z.ZodType<T>, bytes: Uint8Array): T =>
    schema.parse(JSON.parse(Buffer.from(bytes).toString()));
  const { identities } = read(PeersPayload, payloads['peers.json']);
  const policy: NamespacePolicy = modelFromPayload(read(PolicyPayload, payloads['policy.json'])).at(
    namespace,
  );
  return {
    policy,
    identities,
    peerAt: (address: string) => identities.find(peer => peer.addresses.includes(address)),
  };
}
