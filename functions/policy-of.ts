import type { z } from 'zod';
import { compile } from '../shared/core/compile.ts';
import { modelFromPayload, type NamespacePolicy } from '../shared/core/policy.ts';
import type { PolicyView } from '../shared/core/view.ts';
import { PeersPayload, PolicyPayload } from '../shared/schema/bundle.ts';
import { lineage, type NamespacePath, type ObjectId } from '../shared/schema/ids.ts';
import type { ProcessingUnit } from '../shared/schema/processingunit.ts';
import type { Deps } from './deps.ts';
import { loadPolicy, loadView } from './load.ts';

/** What an enforcer in a namespace would hold now: its policy, and its peers. */
export interface Held {
  policy: NamespacePolicy;
  identities: PeersPayload['identities'];
  /** Where the enforcement of tag prefixes was set. */
  enforcedIn: NamespacePath;
  /** IDs of the namespace and of those above it, where its policy is part of bundles. */
  IDs: ObjectId[];
}

/** Compiled as for a bundle and read as by an enforcer, so that there is one way to decide. */
function held(view: PolicyView, namespace: NamespacePath): Held {
  const { payloads } = compile(view, namespace);
  const read = <T>(schema: z.ZodType<T>, bytes: Uint8Array): T =>
    schema.parse(JSON.parse(Buffer.from(bytes).toString()));
  const { identities } = read(PeersPayload, payloads['peers.json']);
  const model = modelFromPayload(read(PolicyPayload, payloads['policy.json']));
  return {
    policy: model.at(namespace),
    identities,
    enforcedIn: view.namespaces.effective(namespace).tagPrefixEnforcement.namespace,
    IDs: lineage(namespace).flatMap(path => view.namespaces.at(path)?.ID ?? []),
  };
}

export const policyOf = async (namespace: NamespacePath, { store }: Pick<Deps, 'store'>): Promise<Held> =>
  held(await loadView(store, namespace), namespace);

/** The same, but of its peers only those of these units that it can name: what it takes to decide about one flow. */
export const policyAbout = async (
  namespace: NamespacePath,
  units: readonly ProcessingUnit[],
  { store }: Pick<Deps, 'store'>,
): Promise<Held> => held(await loadPolicy(store, namespace, units), namespace);
