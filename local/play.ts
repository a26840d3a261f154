import { setTimeout as sleep } from 'node:timers/promises';
import { BundlePoller } from '../clients/enforcer/poll.ts';
import { register, report } from '../clients/enforcer/register.ts';
import type { Client } from '../shared/api/client.ts';
import type { NetworkEnd, SideDecision, UnitEnd } from '../shared/core/decision.ts';
import { decide } from '../shared/core/evaluate.ts';
import { modelFromPayload } from '../shared/core/policy.ts';
import type { Payloads } from '../shared/schema/bundle.ts';
import type { BusEvent } from '../shared/schema/event.ts';
import type { ProcessingUnit } from '../shared/schema/processingunit.ts';
import {
  ACCOUNTS,
  accountPath,
  ENFORCERS,
  EXTERNAL_NETWORKS,
  RULESETS,
  TENANT,
  UNITS,
  type WantedFlow,
} from './scenario.ts';

/** Where the scenario is played: in one process, or over the AWS adapters. */
export interface Stage {
  client: Client;
  /** Puts an event on the bus, as whoever adds cloud accounts does. */
  publish: (event: BusEvent) => Promise<void>;
  /** Newest root, as enforcers are installed with. */
  root: Uint8Array;
  now: () => Date;
  say: (text: string) => void;
}

const tenant = `/${TENANT}`;

/** Asks until there is an answer. Everything after an acknowledged write happens soon, not at once. */
export async function until<T>(what: string, ask: () => Promise<T | undefined>): Promise<T> {
  for (const deadline = Date.now() + 60_000; Date.now() < deadline; await sleep(50)) {
    const answer = await ask();
    if (answer !== undefined) return answer;
  }
  throw new Error(`waited a minute for ${what}`);
}

/** The accounts come in, by event and through the API; the workflow makes their namespaces. */
export async function onboard({ client, publish, now, say }: Stage): Promise<void> {
  for (const { by, ...account } of ACCOUNTS) {
    const added = { ...account, prismaID: TENANT };
    if (by === 'api') await client.call('createCloudaccount', { namespace: '/', body: added });
    else {
      await publish({
        id: `demo-${account.accountID}-${now().getTime()}`,
        time: now().toISOString(),
        source: 'microseg',
        'detail-type': 'CloudAccountOnboarded',
        detail: {
          ...added,
          defaultPUIncomingTrafficAction: 'Allow',
          defaultPUOutgoingTrafficAction: 'Allow',
        },
      });
    }
    await until(`the onboarding of ${account.name}`, async () => {
      const { body } = await client
        .call('listCloudaccount', { namespace: tenant })
        .catch(() => ({ body: [] }));
      const found = body.find(({ accountID }) => accountID === account.accountID);
      if (found?.status === 'Failed') throw new Error(`onboarding failed: ${found.statusReason}`);
      return found?.status === 'Ready' ? found : undefined;
    });
    say(`  ${account.provider.padEnd(5)} ${accountPath(account)} and …/default, by ${by}`);
  }
}

/** The policy of the shop, written once in the tenant; every account inherits it. */
export async function writePolicy({ client, say }: Stage): Promise<void> {
  for (const body of EXTERNAL_NETWORKS) {
    await client.call('createExternalnetwork', { namespace: tenant, body });
    say(`  external network ${body.name.padEnd(10)} ${body.entries.join(', ')}`);
  }
  for (const body of RULESETS) {
    await client.call('createNetworkrulesetpolicy', { namespace: tenant, body });
    say(`  ruleset ${body.name} for ${body.subject.join(' or ')}`);
    for (const [word, rules] of [
      ['from', body.incomingRules],
      ['to', body.outgoingRules],
    ] as const)
      for (const { action, object, protocolPorts } of rules)
        say(
          `    ${action.toLowerCase().padEnd(6)} ${word.padEnd(4)} ${object.join(' or ')}  ${protocolPorts.join(', ')}`,
        );
  }
}

export async function registerUnits({ client, say }: Stage, units = UNITS): Promise<ProcessingUnit[]> {
  const made: ProcessingUnit[] = [];
  for (const { name, namespace, address, tags } of units) {
    const body = {
      name,
      type: 'Host',
      addresses: [address],
      associatedTags: tags,
      operationalStatus: 'Running',
    };
    made.push((await client.call('createProcessingunit', { namespace, body })).body);
    say(`  processing unit ${name.padEnd(9)} ${address}  ${tags.join(' ')}`);
  }
  return made;
}

/** An enforcer: polls the bundle of its namespace and keeps what it verified. */
export interface Enforcing {
  name: string;
  namespace: string;
  poller: BundlePoller;
  /** Of the newest bundle. */
  payloads: Payloads;
  revision: number;
}

/** Registers the enforcers; each polls until it holds a verified bundle. */
export async function startEnforcers(stage: Stage): Promise<Enforcing[]> {
  const { client, root, now, say } = stage;
  const enforcing: Enforcing[] = [];
  for (const { name, namespace } of ENFORCERS) {
    const enforcer = await register(client, namespace, { name, machineID: name });
    const credentials = async () =>
      (await client.call('createEnforcerCredentials', { namespace, params: { id: enforcer.ID } })).body;
    const poller = new BundlePoller({ state: { root }, now, credentials });
    const first = await until(`the first bundle of ${name}`, async () => {
      const polled = await poller.poll();
      if (polled.outcome === 'unchanged') return undefined;
      if (polled.result.ok) {
        polled.accept();
        return polled.result;
      }
      if (polled.result.reason === 'missing') return undefined;
      throw new Error(`${name} refused its bundle: ${polled.result.reason}: ${polled.result.detail}`);
    });
    await report(client, enforcer, {
      revision: first.revision,
      state: 'applied',
      reason: '',
      digest: '',
      policy: '',
    });
    enforcing.push({ name, namespace, poller, payloads: first.payloads, revision: first.revision });
    say(`  ${name} verified revision ${first.revision} of ${namespace}`);
  }
  return enforcing;
}

/** Ends discovery in every account: from now on what no rule allows is rejected. */
export async function enforceAll({ client }: Stage): Promise<void> {
  const { body: namespaces } = await client.call('listNamespace', { namespace: tenant });
  for (const { ID } of namespaces) {
    await client.call('patchNamespace', {
      namespace: tenant,
      params: { id: ID },
      body: { defaultPUIncomingTrafficAction: 'Reject', defaultPUOutgoingTrafficAction: 'Reject' },
    });
  }
}

/** Polls until the bundle shows what is asked for. */
export async function pollUntil(
  enforcing: Enforcing,
  what: string,
  wanted: (payloads: Payloads) => boolean,
): Promise<void> {
  await until(what, async () => {
    const polled = await enforcing.poller.poll();
    if (polled.outcome === 'opened' && polled.result.ok) {
      polled.accept();
      enforcing.payloads = polled.result.payloads;
      enforcing.revision = polled.result.revision;
    }
    return wanted(enforcing.payloads) || undefined;
  });
}

/** What the enforcers decide, each from its own bundle alone, as they would for a packet with these addresses. */
export function decideFromBundles(
  flow: WantedFlow,
  units: readonly ProcessingUnit[],
  enforcing: readonly Enforcing[],
): SideDecision[] {
  const address = (end: string) => units.find(unit => unit.name === end)?.addresses[0] ?? end;
  const sides = [
    { side: 'source', own: flow.from, other: flow.to },
    { side: 'destination', own: flow.to, other: flow.from },
  ] as const;
  return sides.flatMap(({ side, own, other }) => {
    const unit = units.find(({ name }) => name === own);
    const host = enforcing.find(({ namespace }) => namespace === unit?.namespace);
    if (!unit || !host) return [];
    const policy = modelFromPayload(host.payloads['policy.json']).at(unit.namespace);
    if (!policy) return [];
    const end: UnitEnd = {
      kind: 'processing unit',
      namespace: unit.namespace,
      tags: unit.normalizedTags,
      address: address(own),
    };
    return [decide(policy, side, end, peerAt(address(other), host.payloads), flow.traffic)];
  });
}

const peerAt = (address: string, payloads: Payloads): UnitEnd | NetworkEnd => {
  const peer = payloads['peers.json'].identities.find(({ addresses }) => addresses.includes(address));
  return peer
    ? { kind: 'processing unit', namespace: peer.namespace, tags: peer.tags, address }
    : { kind: 'network', address };
};
