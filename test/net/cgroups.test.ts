import { mkdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DataPlane } from '../../clients/enforcer/data-plane.ts';
import { openDataPlane } from '../../clients/enforcer/nft/plane.ts';
import { type Host, type Network, openNetwork } from '../../local/hosts/network.ts';
import { type Entry, make, makeNamespace, pathOf, viewOf } from '../core/objects.ts';
import { CGROUPS, type Fleet, NAMESPACE, openFleet, put, type RealAgent } from './fleet.ts';
import { hostPolicy, localUnit } from './hosts/plane.ts';
import { openTalker, type Talker } from './hosts/talk.ts';
import { until } from './until.ts';

const PATH = pathOf('/processes');
const MOUNT = CGROUPS;
/** Milliseconds: control groups are looked at far more often, and everything else less often. */
const SOON = 5000;

/** nft looks cgroups up at their usual place. */
const nftWithCgroups = ({ enter }: Host): string[] => [
  ...['unshare', '--mount', 'sh', '-c', `mount --bind ${MOUNT} /sys/fs/cgroup && exec "$@"`, 'sh'],
  ...enter,
  'nft',
];

const unit = (number: number, type: string, tag: string, addresses: readonly string[]) =>
  make('processingunit', PATH, number, { type, associatedTags: [tag], addresses });
const UNITS = {
  web: unit(1, 'Host', 'app=web', ['10.1.0.1']),
  open: unit(2, 'LinuxService', 'app=open', []),
  shut: unit(3, 'LinuxService', 'app=shut', []),
  host: unit(4, 'Host', 'app=host', ['10.1.0.2']),
};
const PORTS = { web: 80, open: 81, shut: 82, host: 83 } as const;

const rule = (object: string) => [
  { action: 'Allow', object: [[object]], protocolPorts: ['tcp/80:90', 'udp/80:90'] },
];
const ENTRIES: readonly Entry[] = [
  { identity: 'namespace', object: makeNamespace(PATH, 10) },
  ...Object.values(UNITS).map((object): Entry => ({ identity: 'processingunit', object })),
  {
    identity: 'networkrulesetpolicy',
    object: make('networkrulesetpolicy', PATH, 100, {
      subject: [['app=open']],
      incomingRules: rule('app=web'),
      outgoingRules: rule('app=web'),
    }),
  },
];

describe.skipIf(!MOUNT)('units of processes', () => {
  const cgroups = (['open', 'shut'] as const).map(name => ({
    name,
    path: `microseg-${process.pid}-${name}`,
  }));
  let network: Network;
  let plane: DataPlane;
  const talkers = new Map<string, Talker>();
  const talker = (name: string): Talker => {
    const found = talkers.get(name);
    if (!found) throw new Error(`no program ${name}`);
    return found;
  };

  beforeAll(async () => {
    network = await openNetwork([
      { name: 'web', addresses: ['10.1.0.1'] },
      { name: 'db', addresses: ['10.1.0.2'] },
    ]);
    for (const { path } of cgroups) mkdirSync(join(MOUNT ?? '', path));
    for (const name of ['web', 'open', 'shut', 'host'] as const) {
      const started = await openTalker(network.host(name === 'web' ? 'web' : 'db'));
      talkers.set(name, started);
      const cgroup = cgroups.find(one => one.name === name);
      // Sockets belong to the cgroup in which they were made.
      if (cgroup) writeFileSync(join(MOUNT ?? '', cgroup.path, 'cgroup.procs'), String(started.pid));
      await started.ask({ kind: 'listen', port: PORTS[name] });
    }
    plane = openDataPlane({ command: nftWithCgroups(network.host('db')) });
    const applied = await plane.apply(
      hostPolicy(viewOf(ENTRIES), PATH, {
        units: [
          { ...localUnit(UNITS.host), addresses: [] },
          ...cgroups.map(({ name, path }) => ({ ...localUnit(UNITS[name]), cgroup: path })),
        ],
      }),
    );
    expect(applied).toMatchObject({ outcome: 'applied' });
  });

  afterAll(async () => {
    for (const each of talkers.values()) await each.close();
    for (const { path } of cgroups) rmdirSync(join(MOUNT ?? '', path));
    await network?.close();
  });

  /** Messages come back over both protocols, or over none. */
  const expectEchoes = async (from: string, to: string, port: number, isThrough: boolean): Promise<void> => {
    for (const protocol of ['tcp', 'udp'] as const)
      await talker(from).ask({ kind: 'open', protocol, to, port, every: 10 });
    const echoes = async () => (await talker(from).ask({ kind: 'report' })).map(({ echoed }) => echoed > 0);
    // What should come and doesn't is told below.
    if (isThrough)
      await until('echoes', async () => !(await echoes()).includes(false), { within: 20_000 }).catch(
        () => undefined,
      );
    else await wait(200);
    expect(await echoes(), `${from} to ${to}`).toEqual([isThrough, isThrough]);
    await talker(from).ask({ kind: 'stop' });
  };

  test.each([
    ['open', true],
    ['shut', false],
    ['host', false],
  ] as const)('what %s sends and is sent gets through: %s', async (name, isThrough) => {
    await expectEchoes(name, '10.1.0.1', PORTS.web, isThrough);
    await expectEchoes('web', '10.1.0.2', PORTS[name], isThrough);
  });

  test('records tell the unit, which addresses do not', async () => {
    const meanings = [...(await plane.counters()).keys()].map(id => plane.meaning(id));
    const units = new Set(meanings.map(meaning => meaning?.unit));
    expect(units).toEqual(new Set([UNITS.open.ID, UNITS.shut.ID, undefined]));
  });
});

describe.skipIf(!MOUNT)('a service that comes and goes', () => {
  const name = `microseg-${process.pid}-service`;
  const place = join(MOUNT ?? '', name);
  let fleet: Fleet;
  let agent: RealAgent;
  let client: Talker;

  beforeAll(async () => {
    fleet = await openFleet([
      { name: 'client', addresses: ['10.1.0.1'], tags: ['app=client'] },
      { name: 'db', addresses: ['10.1.0.2'], tags: ['app=host'], cgroups: true },
    ]);
    const units = join(fleet.place, 'units.yaml');
    put(units, `units:\n  - {name: service, tags: [app=service], cgroup: ${name}}\n`);
    await fleet.client.call('createNetworkrulesetpolicy', {
      namespace: NAMESPACE,
      body: {
        name: 'service',
        subject: [['app=service']],
        incomingRules: [{ action: 'Allow', object: [['ext=client']], protocolPorts: ['tcp/84'] }],
      },
    });
    await fleet.client.call('createExternalnetwork', {
      namespace: NAMESPACE,
      body: { name: 'client', entries: ['10.1.0.1/32'], associatedTags: ['ext=client'] },
    });
    agent = await fleet.start('db', '--units', units);
    client = await openTalker(fleet.network.host('client'));
  });
  afterAll(async () => {
    await client?.close();
    await fleet?.close();
  });

  const reached = async (): Promise<boolean> => {
    await client.ask({ kind: 'open', protocol: 'tcp', to: '10.1.0.2', port: 84, every: 10 });
    await wait(100);
    const flows = await client.ask({ kind: 'report' });
    await client.ask({ kind: 'stop' });
    return flows.some(({ echoed }) => echoed > 0);
  };
  const warnings = () => agent.status()?.active?.warnings ?? [];

  test('the host is enforced without it, and each time it is started its own rules hold', async () => {
    await until('the policy without the service', () => warnings().some(text => text.includes(name)));
    expect(await fleet.network.host('db').run('nft', ['list', 'tables'])).toContain('inet prisma');
    const took: number[] = [];
    for (const round of [1, 2, 3, 4, 5]) {
      const made = performance.now();
      mkdirSync(place);
      await until('its rules', () => warnings().length === 0);
      took.push(Math.round(performance.now() - made));
      const service = await openTalker(fleet.network.host('db'));
      writeFileSync(join(place, 'cgroup.procs'), String(service.pid));
      await service.ask({ kind: 'listen', port: 84 });
      await until(`the service to be reached in round ${round}`, async () => (await reached()) || undefined, {
        within: SOON,
      });
      expect(warnings()).toEqual([]);
      await service.close();
      await until('the control group to be empty', () => {
        rmdirSync(place);
        return true;
      });
      await until('the rules to be gone', () => warnings().length === 1 || undefined);
    }
    console.log(`its rules held ${took.join(', ')} ms after its control group was made`);
    // Whoever asks once in a while, and is not told, takes as long as that.
    expect(took.toSorted((a, b) => a - b)[2]).toBeLessThan(500);
  });
});
