import { expect, test } from 'vitest';
import { ownHost } from '../../../../clients/enforcer/agent/own-host.ts';
import { specimen } from '../../../../clients/enforcer/specimen.ts';
import { collect } from '../../../../clients/host/collect.ts';
import { type Host, hostAt } from '../../../../clients/host/host.ts';

/** A host that says which programs were started on it, and has these paths as well. */
function watched(...there: string[]): { host: Host; started: Set<string> } {
  const started = new Set<string>();
  const plain = hostAt('/');
  const host: Host = {
    ...plain,
    exists: async path => there.includes(path) || plain.exists(path),
    run: async command => {
      started.add(command);
      return undefined;
    },
  };
  return { host, started };
}
test('an agent asks nothing but nft for what it tells of its host', async () => {
  const { host, started } = watched();
  await collect(ownHost(false, host));
  expect([...started]).toEqual(['nft']);
});

test('on a node of Kubernetes it asks what alone knows of the cluster as well', async () => {
  const { host, started } = watched('/var/lib/kubelet');
  await collect(ownHost(false, host));
  expect([...started].sort()).toEqual(['crictl', 'iptables-save', 'kubectl', 'kubelet', 'nft']);
});

test('no rules are checked before the kernel was told of any', async () => {
  expect(await ownHost(false, watched().host).check(specimen())).toBeUndefined();
});
