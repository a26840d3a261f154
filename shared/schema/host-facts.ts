import { z } from 'zod';

const Seen = z.enum(['active', 'inactive', 'absent']);
/** Empty: it worked. */
const Outcome = z.string().max(512);

const CniConfig = z.strictObject({
  file: z.string().describe('Path of the configuration.'),
  plugins: z.array(z.string()).describe('Types of its plugins, in order.'),
  missing: z.array(z.string()).describe('Plugins that are in no folder of programs.'),
  error: z.string().default('').describe('Why it could not be read; empty when it could.'),
});

const Kubernetes = z.strictObject({
  version: z.string().describe('Version of the node’s kubelet.'),
  platform: z
    .enum(['aks', 'eks', 'gke', 'ocp4', 'tkgi', 'custom'])
    .default('custom')
    .describe('Whose cluster it is.'),
  platformVersion: z.string().default('').describe('Version of OpenShift or TKGI; empty elsewhere.'),
  fargate: z.boolean().default(false).describe('The node is AWS Fargate’s.'),
  intranodeVisibility: z.boolean().default(false).describe('GKE shows traffic within a node.'),
  kubeletNetworkPlugin: z.string().default('').describe('The kubelet’s `--network-plugin`.'),
  hasKubenetBridge: z.boolean().default(false).describe('There is an interface `cbr0`.'),
  cni: z.array(CniConfig).default([]).describe('Configurations of container networking, first in use first.'),
  networkPolicies: z.int().min(0).default(0).describe('Kubernetes NetworkPolicies in the cluster.'),
  istio: z
    .strictObject({
      version: z.string().describe('Version; empty when it is not known.'),
      by: z
        .array(z.string())
        .describe('What tells of it: sidecars, init containers, the CNI plugin, chains.'),
    })
    .optional()
    .describe('Absent without Istio.'),
});

/** What is known of a host before an agent is installed on it. Collected on the host, judged anywhere. */
export const HostFacts = z.strictObject({
  platform: z.enum(['linux', 'windows']).describe('Kind of the operating system.'),
  distribution: z.string().max(64).default('').describe('`ID` of os-release, such as debian.'),
  distributionVersion: z.string().max(64).default('').describe('`VERSION_ID` of os-release.'),
  kernel: z.string().max(128).default('').describe('Release of the kernel.'),
  processors: z.int().min(0).describe('How many there are.'),
  memory: z.int().min(0).describe('Bytes.'),
  diskFree: z.int().min(0).describe('Bytes free where the agent lives, /var/lib.'),
  clockSkew: z
    .number()
    .nullable()
    .default(null)
    .describe('Seconds that the host is ahead of the API; null: unknown.'),
  capabilities: z.array(z.string()).default([]).describe('Effective ones, such as NET_ADMIN.'),
  modules: z.array(z.string()).default([]).describe('Kernel modules that are loaded, built in or at hand.'),
  refusedRules: z
    .array(
      z.strictObject({
        expression: z.string().max(128).describe('As the rule has it, such as `fib saddr type`.'),
        reason: z.string().max(128).describe('What nft or the kernel says.'),
      }),
    )
    .max(64)
    .optional()
    .describe('Of the rules that an agent loads, those that the host does not take; absent: nobody tried.'),
  cgroup2: z.boolean().default(false).describe('The unified hierarchy of control groups is mounted.'),
  nft: z.string().max(64).default('').describe('Version of nft; empty: there is none.'),
  packages: z.array(z.string()).default([]).describe('Of those that are needed, the ones that are there.'),
  systemd: z.boolean().default(false).describe('systemd runs the host.'),
  firewalls: z
    .record(z.string(), Seen)
    .default({})
    .describe('Services that write rules of their own: firewalld, iptables, ufw.'),
  agent: z
    .strictObject({
      version: z.string().describe('Version; empty when it is not known.'),
      running: z.boolean().describe('Its service runs.'),
      traces: z.array(z.string()).describe('What there is of it: packages, units, files, tables.'),
    })
    .optional()
    .describe('An agent that is there already.'),
  egress: z
    .record(z.string(), Outcome)
    .default({})
    .describe('Address → why it cannot be reached; empty: it can.'),
  interceptedBy: z
    .string()
    .default('')
    .describe('Who signed the API’s certificate, where it is not who should.'),
  defender: z
    .strictObject({
      cnnf: z.boolean().nullable().describe('Its network firewall; null: unknown.'),
      waas: z.boolean().nullable().describe('Its web firewall; null: unknown.'),
    })
    .optional()
    .describe('Absent without a Twistlock Defender.'),
  conflicts: z.array(z.string()).default([]).describe('Other products that cannot run beside the agent.'),
  kubernetes: Kubernetes.optional().describe('Absent where the host is no node.'),
});
export type HostFacts = z.infer<typeof HostFacts>;

/** What the control plane knows beside what the host tells. */
export const PreflightContext = z.strictObject({
  wantedVersion: z.string().default('').describe('Version that is to be installed; empty: any.'),
  enforcerMappings: z
    .array(z.string())
    .default([])
    .describe('Namespace mappings whose subject selects enforcers, by name.'),
  isEnforcing: z.boolean().default(false).describe('What no rule allows is rejected in the namespace.'),
  profileIgnoresDefender: z
    .boolean()
    .default(false)
    .describe('The profile leaves the Defender alone (preset ignore-twistlock-defender).'),
});
export type PreflightContext = z.infer<typeof PreflightContext>;

export const PreflightFinding = z.strictObject({
  check: z.string().describe('Name of the check, for `--force-check`.'),
  result: z.enum(['pass', 'warn', 'fail']).describe('What came of it.'),
  message: z.string().describe('What was found.'),
  remedy: z.string().default('').describe('What to do; empty when it passed.'),
  forced: z.boolean().default(false).describe('It failed, and somebody said to go on.'),
});
export type PreflightFinding = z.infer<typeof PreflightFinding>;
