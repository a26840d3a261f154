import { checkBy, type Host, hostAt } from '../../host/host.ts';
import { TABLE } from '../nft/text.ts';

/** What alone knows of the cluster whose node the host is: no file tells it. */
const OF_NODES: ReadonlySet<string> = new Set(['kubelet', 'kubectl', 'crictl', 'iptables-save']);
const KUBELET = '/var/lib/kubelet';

const OURS = new RegExp(`\\b${TABLE}\\b`, 'g');
const ASIDE = `${TABLE}_specimen`;

/**
 * The host as its own agent looks at it: by its files, by nft, and on a node of Kubernetes by what knows of the cluster. An agent has no
 * right to make network namespaces: rules are checked in its own, under another name. A kernel that is told of rules that read the state
 * of connections begins to track those, so `mayTry` says whether it was told before.
 */
export function ownHost(mayTry: boolean, host: Host = hostAt('/')): Host {
  const check = checkBy(['nft', '-c', '-f', '-']);
  return {
    ...host,
    run: async (command, ...args) => {
      const may = command === 'nft' || (OF_NODES.has(command) && (await host.exists(KUBELET)));
      return may ? host.run(command, ...args) : undefined;
    },
    check: async rules => (mayTry ? check(rules.replace(OURS, ASIDE)) : undefined),
  };
}
