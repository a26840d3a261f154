import { stringify } from 'yaml';

/** Where an agent on Kubernetes is told to work. */
export interface ClusterPlan {
  version: string;
  /** Image without its tag. */
  image: string;
  api: string;
  /** The enforcer's namespace in the control plane. */
  namespace: string;
  tags: readonly string[];
  /** Names of secrets with which the image is pulled. */
  pullSecrets: readonly string[];
}

type Manifest = Readonly<Record<string, unknown>>;

const SPACE = 'aporeto';
const NAME = 'prisma-enforcer';
/** By hand, from an app credential with the role enforcer and the root of trust: no upgrade touches it. */
export const CREDENTIAL = 'prisma-enforcer-credential';
const OURS = { 'app.kubernetes.io/name': NAME, 'app.kubernetes.io/managed-by': 'microseg' };

/** As the unit of a host has them. */
const CAPABILITIES = ['NET_ADMIN', 'NET_RAW', 'SETUID', 'SETGID', 'DAC_READ_SEARCH', 'SYS_PTRACE', 'KILL'];

const metadata = (more: object = {}) => ({ name: NAME, namespace: SPACE, labels: OURS, ...more });

const container = ({ version, image, api, namespace, tags }: ClusterPlan) => ({
  name: NAME,
  image: `${image}:${version}`,
  args: ['run', ...tags.flatMap(tag => ['--tag', tag])],
  env: [
    { name: 'ENFORCERD_API', value: api },
    { name: 'ENFORCERD_NAMESPACE', value: namespace },
    { name: 'ENFORCERD_CREDS', value: '/etc/prisma-enforcer/default.creds' },
    { name: 'ENFORCERD_ROOT', value: '/etc/prisma-enforcer/root.json' },
    { name: 'ENFORCERD_NAME', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } },
  ],
  securityContext: {
    allowPrivilegeEscalation: false,
    capabilities: { drop: ['ALL'], add: CAPABILITIES },
    readOnlyRootFilesystem: true,
    runAsUser: 0,
  },
  resources: { requests: { cpu: '100m', memory: '128Mi' }, limits: { memory: '512Mi' } },
  readinessProbe: { exec: { command: ['prisma-enforcer', 'status'] }, periodSeconds: 10 },
  volumeMounts: [
    { name: 'state', mountPath: '/var/lib/prisma-enforcer' },
    { name: 'credential', mountPath: '/etc/prisma-enforcer', readOnly: true },
    { name: 'tmp', mountPath: '/tmp' },
  ],
});

/**
 * The agents themselves. An update of the object replaces nothing by itself (`OnDelete`): there is no upgrade in place, it is
 * removed and made anew. Meanwhile the rules stay in the kernels of the nodes.
 */
const daemonSet = (plan: ClusterPlan): Manifest => ({
  apiVersion: 'apps/v1',
  kind: 'DaemonSet',
  metadata: metadata({ annotations: { 'microseg/version': plan.version } }),
  spec: {
    selector: { matchLabels: { 'app.kubernetes.io/name': NAME } },
    updateStrategy: { type: 'OnDelete' },
    template: {
      metadata: { labels: { ...OURS, 'app.kubernetes.io/version': plan.version } },
      spec: {
        serviceAccountName: NAME,
        automountServiceAccountToken: false,
        hostNetwork: true,
        hostPID: true,
        dnsPolicy: 'ClusterFirstWithHostNet',
        priorityClassName: 'system-node-critical',
        nodeSelector: { 'kubernetes.io/os': 'linux' },
        tolerations: [{ operator: 'Exists' }],
        terminationGracePeriodSeconds: 30,
        ...(plan.pullSecrets.length > 0
          ? { imagePullSecrets: plan.pullSecrets.map(name => ({ name })) }
          : {}),
        containers: [container(plan)],
        volumes: [
          { name: 'state', hostPath: { path: '/var/lib/prisma-enforcer', type: 'DirectoryOrCreate' } },
          { name: 'credential', secret: { secretName: CREDENTIAL, defaultMode: 0o400 } },
          { name: 'tmp', emptyDir: {} },
        ],
      },
    },
  },
});

/** Everything of a version but the credential, in the order in which it is to be applied. */
export const installation = (plan: ClusterPlan): Manifest[] => [
  { apiVersion: 'v1', kind: 'Namespace', metadata: { name: SPACE, labels: OURS } },
  { apiVersion: 'v1', kind: 'ServiceAccount', metadata: metadata(), automountServiceAccountToken: false },
  daemonSet(plan),
];

/** What an upgrade takes away: the agents, and neither the credential nor its place. */
export const removal = (plan: ClusterPlan): Manifest[] => [daemonSet(plan)];

export const yamlOf = (manifests: readonly Manifest[]): string =>
  manifests
    .map(manifest => `---\n${stringify(manifest, { lineWidth: 0, aliasDuplicateObjects: false })}`)
    .join('');
