import type { HostFacts } from '../../shared/schema/host-facts.ts';
import type { Host } from './host.ts';

type Cluster = NonNullable<HostFacts['kubernetes']>;

/** Folders of configurations and of programs; k3s and microk8s have their own. */
const CNI: readonly { configurations: string; programs: string }[] = [
  { configurations: '/etc/cni/net.d', programs: '/opt/cni/bin' },
  {
    configurations: '/var/lib/rancher/k3s/agent/etc/cni/net.d',
    programs: '/var/lib/rancher/k3s/data/current/bin',
  },
  {
    configurations: '/var/snap/microk8s/current/args/cni-network',
    programs: '/var/snap/microk8s/current/opt/cni/bin',
  },
];

const record = (value: unknown): Record<string, unknown> =>
  value !== null && typeof value === 'object' ? (value as Record<string, unknown>) : {};

/** A `.conf` is one plugin, a `.conflist` a chain; `.json` may be either. */
function pluginsOf(text: string): string[] {
  const parsed = record(JSON.parse(text));
  const chain = Array.isArray(parsed.plugins) ? parsed.plugins : [parsed];
  const types = chain.map(plugin => record(plugin).type).filter(type => typeof type === 'string');
  if (types.length === 0) throw new Error('it names no plugin');
  return types;
}

async function cniIn(
  host: Host,
  { configurations, programs }: (typeof CNI)[number],
): Promise<Cluster['cni']> {
  const names = (await host.list(configurations)).filter(name => /\.(conf|conflist|json)$/.test(name));
  const there = new Set(await host.list(programs));
  return Promise.all(
    names.map(async name => {
      const file = `${configurations}/${name}`;
      try {
        const plugins = pluginsOf((await host.read(file)) ?? '');
        return { file, plugins, missing: plugins.filter(type => !there.has(type)), error: '' };
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        return { file, plugins: [], missing: [], error: why };
      }
    }),
  );
}

/** Kubelets are told their network plugin in one of these. */
const FLAGS = ['/var/lib/kubelet/kubeadm-flags.env', '/etc/default/kubelet', '/etc/sysconfig/kubelet'];

async function networkPlugin(host: Host): Promise<string> {
  const texts = await Promise.all(FLAGS.map(path => host.read(path)));
  const found = texts.map(text => /--network-plugin[= ]"?([\w-]+)/.exec(text ?? '')?.[1]);
  return found.find(plugin => plugin !== undefined) ?? '';
}

async function platformOf(host: Host): Promise<Pick<Cluster, 'platform' | 'platformVersion'>> {
  const is = (path: string) => host.exists(path);
  if (await is('/etc/kubernetes/azure.json')) return { platform: 'aks', platformVersion: '' };
  if (await is('/etc/eks')) return { platform: 'eks', platformVersion: '' };
  if (await is('/home/kubernetes/kube-env')) return { platform: 'gke', platformVersion: '' };
  if (await is('/var/vcap/jobs/kubelet')) return { platform: 'tkgi', platformVersion: '' };
  const release = /OPENSHIFT_VERSION="?([\d.]+)/.exec((await host.read('/etc/os-release')) ?? '')?.[1];
  if (release !== undefined) return { platform: 'ocp4', platformVersion: release };
  return { platform: 'custom', platformVersion: '' };
}

interface Container {
  metadata?: { name?: string };
  image?: { image?: string };
}

/** Sidecars in either form, init containers, the plugin in the chain, and the chains that Istio writes. */
async function istioOf(host: Host, cni: Cluster['cni']): Promise<Cluster['istio']> {
  const containers: Container[] = record(
    JSON.parse((await host.run('crictl', 'ps', '-a', '-o', 'json')) ?? '{}'),
  ).containers as Container[];
  const named = (name: string) => (containers ?? []).filter(({ metadata }) => metadata?.name === name);
  const proxies = named('istio-proxy');
  const chains = (await host.run('iptables-save', '-t', 'nat')) ?? '';
  const by = [
    ...(proxies.length > 0 ? ['sidecars istio-proxy'] : []),
    ...(named('istio-init').length > 0 ? ['init containers istio-init'] : []),
    ...(cni.some(({ plugins }) => plugins.includes('istio-cni')) ? ['the CNI plugin istio-cni'] : []),
    ...(/^:ISTIO_/m.test(chains) ? ['chains ISTIO_*'] : []),
  ];
  const image = proxies[0]?.image?.image ?? '';
  return by.length === 0 ? undefined : { version: /:v?(\d+(?:\.\d+)+)/.exec(image)?.[1] ?? '', by };
}

/** Undefined where the host is no node of Kubernetes. */
export async function clusterOf(host: Host): Promise<Cluster | undefined> {
  const kubelet = await host.run('kubelet', '--version');
  if (kubelet === undefined && !(await host.exists('/var/lib/kubelet'))) return undefined;
  const cni = (await Promise.all(CNI.map(place => cniIn(host, place)))).flat();
  const policies = await host.run('kubectl', 'get', 'networkpolicies', '-A', '-o', 'name');
  const istio = await istioOf(host, cni);
  return {
    version: /v\d+(?:\.\d+)*/.exec(kubelet ?? '')?.[0] ?? '',
    ...(await platformOf(host)),
    fargate: /^fargate-/.test((await host.read('/etc/hostname')) ?? ''),
    intranodeVisibility: ((await host.read('/home/kubernetes/kube-env')) ?? '').includes(
      'ENABLE_INTRANODE_VISIBILITY: "true"',
    ),
    kubeletNetworkPlugin: await networkPlugin(host),
    hasKubenetBridge: await host.exists('/sys/class/net/cbr0'),
    cni,
    networkPolicies: (policies ?? '').split('\n').filter(line => line !== '').length,
    ...(istio ? { istio } : {}),
  };
}
