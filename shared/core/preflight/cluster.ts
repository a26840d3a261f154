import type { HostFacts } from '../../schema/host-facts.ts';
import { atLeast, type Check, type Found, listed, pass, stop, warn } from './check.ts';

type Cluster = NonNullable<HostFacts['kubernetes']>;

/** A check that concerns nodes of Kubernetes only. */
const node =
  (check: (cluster: Cluster) => Found | undefined): Check =>
  ({ kubernetes }) =>
    kubernetes && check(kubernetes);

const kubernetesVersion = node(({ version }) =>
  atLeast(version, '1.16')
    ? pass(`Kubernetes ${version}`)
    : stop(`Kubernetes ${version || 'of unknown version'}`, 'update the cluster to 1.16 or later'),
);

const LEAST: Readonly<Record<string, string>> = { ocp4: '4.6', tkgi: '1.8' };
const kubernetesPlatform = node(({ platform, platformVersion, fargate }) => {
  if (fargate) return stop('the node is AWS Fargate’s, which runs no agent', 'use nodes of EC2');
  const least = LEAST[platform];
  if (least === undefined || atLeast(platformVersion, least)) return pass(`the platform is ${platform}`);
  return platformVersion === ''
    ? warn(`the version of ${platform} is not known`, `make sure that it is ${least} or later`)
    : stop(`${platform} ${platformVersion}`, `update it to ${least} or later`);
});

/** Release notes: kubenet is not supported, a CNI plugin is required. */
const containerNetwork = node(({ kubeletNetworkPlugin, hasKubenetBridge, cni }) => {
  const [used] = cni.filter(({ error }) => error === '');
  const remedy = 'install a CNI plugin; on AKS make the cluster with --network-plugin azure';
  if (kubeletNetworkPlugin === 'kubenet') return stop('the kubelet runs with kubenet', remedy);
  if (hasKubenetBridge && !used)
    return stop('there is kubenet’s bridge cbr0 and no CNI configuration', remedy);
  if (!used) {
    const why = cni.map(({ file, error }) => `${file}: ${error}`).join('; ');
    return stop(
      why === '' ? 'there is no CNI configuration' : `no CNI configuration can be read: ${why}`,
      remedy,
    );
  }
  const missing = used.missing;
  return missing.length === 0
    ? pass(`${used.file} chains ${listed(used.plugins)}`)
    : stop(
        `${used.file} names ${listed(missing)}, of which there is no program`,
        'install the plugin’s programs',
      );
});

const networkPolicies = node(({ networkPolicies: count }) =>
  count === 0
    ? pass('there are no Kubernetes NetworkPolicies')
    : stop(`${count} Kubernetes NetworkPolicies also decide`, 'convert them to rulesets and remove them'),
);

/** Release notes: with Istio the enforcer works at layer 3 only. */
const istio = node(({ istio: mesh }) => {
  if (!mesh) return pass('there is no Istio');
  const name = `Istio ${mesh.version}`.trim();
  const layer = `${name} (${listed(mesh.by)}): rules count at layer 3 only`;
  return mesh.version === '' || atLeast(mesh.version, '1.8')
    ? warn(layer, 'state rules by namespace and address here; ports of pods in the mesh are Istio’s')
    : stop(`${name} is too old`, 'update Istio to 1.8 or later');
});

const intranodeVisibility = node(({ platform, intranodeVisibility: on }) =>
  platform !== 'gke'
    ? undefined
    : on
      ? stop(
          'intranode visibility is on',
          'turn it off: gcloud container clusters update … --no-enable-intra-node-visibility',
        )
      : pass('intranode visibility is off'),
);

export const clusterChecks = {
  'kubernetes-version': kubernetesVersion,
  'kubernetes-platform': kubernetesPlatform,
  'container-network': containerNetwork,
  'network-policies': networkPolicies,
  istio,
  'intranode-visibility': intranodeVisibility,
} as const satisfies Record<string, Check>;
