import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { DataPlane, HostPolicy } from '../../clients/enforcer/data-plane.ts';
import { type Network, openNetwork } from '../../local/hosts/network.ts';
import type { Traffic } from '../../shared/core/ports.ts';
import { PRESETS } from '../../shared/core/presets.ts';
import type { BundleProfile } from '../../shared/schema/bundle.ts';
import type { Tag } from '../../shared/schema/tag.ts';
import { type Entry, makeNamespace } from '../core/objects.ts';
import { ENFORCED, externalNetwork, LASTING, PLANS, policyOf, ruleset, SHOP } from './changes/shop.ts';
import { planeOf } from './hosts/plane.ts';
import { openProbes, type Probes, type Wanted } from './hosts/probes.ts';

const tcp = (port: number): Traffic => ({ kind: 'ports', protocol: 6, port });
const udp = (port: number): Traffic => ({ kind: 'ports', protocol: 17, port });

/** Only `db`, with its container `cache`, enforces. Each of these is another reason to let through or not. */
const FLOWS = {
  'web to db, allowed by a rule': { from: '10.1.0.1', to: '10.1.0.2', traffic: tcp(80) },
  'web to db, on another port': { from: '10.1.0.1', to: '10.1.0.2', traffic: tcp(8080) },
  'web to cache, allowed by a rule': { from: '2001:db8::1', to: '2001:db8::3', traffic: tcp(80) },
  'web to cache, on another port': { from: '10.1.0.1', to: '10.1.0.3', traffic: udp(8080) },
  'a stranger to db': { from: '198.51.100.7', to: '10.1.0.2', traffic: tcp(80) },
  'a stranger to cache': { from: '198.51.100.7', to: '10.1.0.3', traffic: tcp(80) },
  'db to a stranger': { from: '10.1.0.2', to: '198.51.100.7', traffic: tcp(443) },
  'db asks a stranger for a name': { from: '10.1.0.2', to: '198.51.100.7', traffic: udp(53) },
  'cache to a stranger': { from: '10.1.0.3', to: '198.51.100.7', traffic: tcp(443) },
  'db to its own cache': { from: '10.1.0.2', to: '10.1.0.3', traffic: tcp(80) },
} as const satisfies Record<string, Wanted>;
type Flow = keyof typeof FLOWS;
const ALL = Object.keys(FLOWS) as Flow[];
const BY_RULE: readonly Flow[] = ['web to db, allowed by a rule', 'web to cache, allowed by a rule'];

const profile = (values: Partial<BundleProfile>): BundleProfile =>
  ({
    excludedInterfaces: [],
    excludedNetworks: [],
    ignoreExpression: [],
    targetNetworks: [],
    ...values,
  }) as BundleProfile;

describe('what else a host is told', () => {
  let network: Network;
  let probes: Probes;
  let plane: DataPlane;

  beforeAll(async () => {
    network = await openNetwork(PLANS);
    probes = await openProbes(network);
    plane = planeOf(network.host('db'));
    // Whoever meets for the first time has to find the other one first.
    await probes.send(Object.values(FLOWS), () => ({ arrived: true, answered: true }));
  });

  afterEach(async () => {
    await network.host('db').run('nft', ['flush', 'ruleset']);
    await network
      .host('db')
      .run('conntrack', ['-F'])
      .catch(() => undefined);
    plane = planeOf(network.host('db'));
  });

  afterAll(async () => {
    await probes?.close();
    await network?.close();
  });

  const policy = (rest: Partial<HostPolicy> = {}, entries: readonly Entry[] = LASTING): HostPolicy =>
    policyOf(ENFORCED[1], entries, rest);

  const applied = async (told: HostPolicy) => {
    const result = await plane.apply(told);
    expect(result).toMatchObject({ outcome: 'applied' });
    return result.outcome === 'applied' ? result : undefined;
  };

  /** What gets through, of all flows. */
  const through = async (expected: readonly Flow[]): Promise<Flow[]> => {
    const seen = await probes.send(Object.values(FLOWS), at => {
      const isExpected = expected.includes(ALL[at] as Flow);
      return isExpected ? { arrived: true, answered: true } : {};
    });
    return ALL.filter((_, at) => seen[at]?.arrived && seen[at].answered);
  };

  const counted = async () =>
    [...(await plane.counters())].flatMap(([id, { packets }]) => {
      const meaning = plane.meaning(id);
      return packets > 0 && meaning ? [meaning] : [];
    });

  test('without more, only what rules allow gets through', async () => {
    await applied(policy());
    expect(await through(BY_RULE)).toEqual(BY_RULE);
  });

  test('units that the profile ignores are left wholly alone: the recipe of CNS-1412', async () => {
    const [recipe] = Object.values(PRESETS);
    const { ignoreExpression } = recipe?.profile ?? { ignoreExpression: [] };
    const told = policy({ profile: profile({ ignoreExpression: ignoreExpression as Tag[][] }) });
    const units = told.units.map(unit =>
      unit.isHost ? unit : { ...unit, tags: [...unit.tags, ...(ignoreExpression.flat() as Tag[])] },
    );
    await applied({ ...told, units });
    const expected = ALL.filter(
      flow => flow === BY_RULE[0] || (flow.includes('cache') && !flow.startsWith('db')),
    );
    expect(await through(expected)).toEqual(expected);
    expect((await counted()).map(({ direction }) => direction).sort()).toEqual([
      'incoming',
      'incoming',
      'outgoing',
    ]);
  });

  test('excluded networks are neither decided nor reported', async () => {
    await applied(
      policy({ profile: profile({ excludedNetworks: ['198.51.100.0/24', '!198.51.100.128/25'] }) }),
    );
    const expected = ALL.filter(flow => BY_RULE.includes(flow) || flow.includes('stranger'));
    expect(await through(expected)).toEqual(expected);
    const decided = await counted();
    expect(decided.filter(({ verdict }) => verdict === 'allow')).toHaveLength(BY_RULE.length);
  });

  test('excluded interfaces are left wholly alone', async () => {
    await applied(policy({ profile: profile({ excludedInterfaces: ['eth*'] }) }));
    const expected = ALL.filter(flow => flow !== 'db to its own cache');
    expect(await through(expected)).toEqual(expected);
  });

  test('with Istio, ports are not looked at, and peers are', async () => {
    const result = await applied(policy({ layer3Only: true }));
    const expected = ALL.filter(flow => flow.startsWith('web'));
    expect(await through(expected)).toEqual(expected);
    expect(result?.warnings.join()).toContain('its ports are not looked at');
  });

  test('in lockdown nothing gets through but the control plane and names', async () => {
    const infrastructure = {
      controlPlane: [{ address: '198.51.100.7', port: 443 }],
      resolvers: ['198.51.100.7'],
    };
    await applied(policy({ lockdown: true, infrastructure }));
    const expected: Flow[] = ['db to a stranger', 'db asks a stranger for a name'];
    expect(await through(expected)).toEqual(expected);
  });

  test('no rule shuts out the control plane and names', async () => {
    const infrastructure = {
      controlPlane: [{ address: '198.51.100.7', port: 443 }],
      resolvers: ['198.51.100.7'],
    };
    const reject = { action: 'Reject' };
    const entries = [
      ...LASTING,
      ruleset(900, 'app=db', 'outgoingRules', '$identity=processingunit', [], reject),
    ];
    await applied(policy({ infrastructure }, entries));
    const expected = ALL.filter(
      flow =>
        BY_RULE.includes(flow) || flow === 'db to a stranger' || flow === 'db asks a stranger for a name',
    );
    expect(await through(expected)).toEqual(expected);
  });

  test('in discovery mode everything gets through that no rule rejects', async () => {
    const allow = { defaultPUIncomingTrafficAction: 'Allow', defaultPUOutgoingTrafficAction: 'Allow' };
    const entries: Entry[] = [
      ...LASTING.filter(({ identity }) => identity !== 'namespace'),
      { identity: 'namespace', object: makeNamespace(SHOP, 10, allow) },
      ruleset(900, 'app=cache', 'incomingRules', 'app=web', ['udp/8080'], { action: 'Reject' }),
    ];
    await applied(policy({}, entries));
    const expected = ALL.filter(flow => flow !== 'web to cache, on another port');
    expect(await through(expected)).toEqual(expected);
  });

  test('observed rules decide nothing, and what they would have decided is reported', async () => {
    const observed = { action: 'Reject', observationEnabled: true };
    await applied(policy({}, [...LASTING, ruleset(900, 'app=db', 'incomingRules', 'app=web', [], observed)]));
    expect(await through(BY_RULE)).toEqual(BY_RULE);
    const about = (await counted()).filter(meaning => meaning.observed);
    expect(about.map(({ verdict, observed }) => [verdict, observed?.verdict]).sort()).toEqual([
      ['allow', 'reject'],
      ['reject', 'reject'],
    ]);
  });

  test('other tables stay as they are, byte for byte, and what they drop stays dropped', async () => {
    const { run } = network.host('db');
    await run('nft', ['-f', '-'], FOREIGN);
    const before = await run('nft', ['list', 'ruleset']);
    await applied(policy());
    expect(await through(['web to cache, allowed by a rule'])).toEqual(['web to cache, allowed by a rule']);
    await applied(policy({}, [...LASTING, ruleset(900, 'app=db', 'incomingRules', 'app=web', ['tcp/8080'])]));
    const during = await run('nft', ['list', 'ruleset']);
    expect(during.startsWith(before)).toBe(true);
    await plane.remove();
    expect(await run('nft', ['list', 'ruleset'])).toBe(before);
    await plane.remove();
  });

  test('a name lets through whom it leads to, for as long as it does', async () => {
    const entries = [
      ...LASTING,
      ruleset(900, 'app=db', 'outgoingRules', 'net=names', ['tcp/443']),
      externalNetwork(901, 'net=names', ['*.example.com']),
    ];
    const named: Flow[] = [...BY_RULE, 'db to a stranger'];
    const leadsTo = (...addresses: string[]) => ({ names: new Map([['www.example.com', addresses]]) });
    await applied(policy(leadsTo('198.51.100.7', '192.0.2.7'), entries));
    expect(await through(named)).toEqual(named);
    await applied(policy(leadsTo('192.0.2.7'), entries));
    expect(await through(BY_RULE)).toEqual(BY_RULE);
    await applied(policy(leadsTo('198.51.100.7'), entries));
    expect(await through(named)).toEqual(named);
  });

  test('a container is decided for as long as it is there', async () => {
    const told = policy();
    const hostOnly = { ...told, units: told.units.filter(({ isHost }) => isHost) };
    const alone = ALL.filter(
      flow => flow === BY_RULE[0] || (flow.includes('cache') && !flow.startsWith('db')),
    );
    for (let round = 0; round < 2; round++) {
      await applied(hostOnly);
      expect(await through(alone)).toEqual(alone);
      await applied(told);
      expect(await through(BY_RULE)).toEqual(BY_RULE);
    }
  });

  test('what another table accepts is still rejected here', async () => {
    const { run } = network.host('db');
    await run('nft', ['-f', '-'], FOREIGN.replaceAll('tcp dport 80 drop', 'accept'));
    await applied(policy());
    expect(await through(BY_RULE)).toEqual(BY_RULE);
  });
});

/** A firewall of somebody else, who also translates addresses. */
const FOREIGN = `table inet firewall {
  chain early { type filter hook input priority -10; tcp dport 80 drop }
  chain late { type filter hook input priority 10; tcp dport 80 drop }
}
table ip nat {
  chain postrouting { type nat hook postrouting priority 100; ip saddr 172.16.0.0/12 masquerade; }
}
`.replaceAll(/ }$/gm, '\n  }');
